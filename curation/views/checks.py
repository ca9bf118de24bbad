"""The checks of a project: which are on, what they mean for a freeze, and what was dismissed."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from core.access import project_access
from core.choices import Need
from core.views.telling import refusal_on, refusal_told
from curation.access import link_access, refuse_onlookers
from curation.forms import CheckForm
from curation.models import Dismissal
from curation.selectors.checks import check_row, check_rows, dismissals_in, languages_without_dictionary
from curation.services.check_settings import check_set
from curation.services.dismissals import dismissal_withdraw, link_dismiss


@require_GET
def checks(request: HttpRequest, project: str) -> HttpResponse:
    access = project_access(request, project)
    context = {
        "rows": check_rows(access.project),
        "without_dictionary": languages_without_dictionary(access.project),
        "dismissals": dismissals_in(access.project),
        "may_own": access.allows(Need.OWN),
    }
    return render(request, "curation/checks.html", context)


def check_edit(request: HttpRequest, project: str, check: str) -> HttpResponse:
    access = project_access(request, project, Need.OWN)
    row = check_row(access.project, check)
    if row is None:
        raise Http404
    parameters = {f"parameter_{name}": value for name, value in row.setting.check.parameters.items()}
    initial = {
        "is_on": row.setting.is_on, "at_freeze": row.setting.at_freeze,
        "freeze_share": row.setting.freeze_share * 100,
        "at_submit": row.setting.at_submit, **parameters,
    }  # fmt: skip
    form = CheckForm(request.POST or None, check=row.setting.check, initial=initial)
    if request.method == "POST" and form.is_valid():
        with refusal_on(form):
            check_set(actor=access.user, project=access.project, check_id=check, **form.values())
        if not form.errors:
            messages.success(request, _("Saved. Where it changes what is found, the pairs are checked again."))
            return redirect("curation:checks", project)
    return render(request, "curation/check.html", {"row": row, "form": form}, status=400 if form.errors else 200)


@require_POST
def dismissal_recall(request: HttpRequest, project: str, dismissal: int) -> HttpResponse:
    access = project_access(request, project, Need.OWN)
    found = get_object_or_404(Dismissal.objects.select_related("project"), pk=dismissal, project=access.project)
    with refusal_told(request, _("The finding counts again; the pairs are being checked.")):
        dismissal_withdraw(actor=access.user, dismissal=found)
    return redirect("curation:checks", project)


@require_POST
def tie_dismiss(request: HttpRequest, project: str, link: int) -> HttpResponse:
    """Two pairs may stand beside each other as they are."""
    access, found = link_access(request, project, link)
    refuse_onlookers(access)
    back = request.POST.get("pair", "")
    pair = found.other_id if back == str(found.other_id) else found.one_id
    with refusal_told(request, _("Dismissed. It stays so as long as both texts stay the same.")):
        link_dismiss(actor=access.user, link=found, reason=request.POST.get("reason", ""))
    return redirect("curation:pair-detail", project, pair)
