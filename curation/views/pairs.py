"""The list of pairs, one pair with its history, and the trash."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from core.access import project_access
from core.choices import Need
from core.selectors.keyset import keyset_page
from core.views.telling import refusal_told
from curation.access import pair_access
from curation.forms import PairFilter
from curation.selectors.pairs import authors_of, pair_page, pairs_filtered, pairs_of
from curation.services.pairs import pair_restore, pair_trash
from curation.services.reviews import may_approve


@require_GET
def pairs(request: HttpRequest, project: str) -> HttpResponse:
    """The pairs of one task; `?task=` names it, else the first."""
    access = project_access(request, project)
    tasks = list(access.project.tasks.all())
    task = next((task for task in tasks if task.slug == request.GET.get("task")), tasks[0] if tasks else None)
    form = PairFilter(request.GET, authors=authors_of(access.project))
    form.is_valid()
    batch = request.GET.get("batch", "")
    query = {**form.cleaned_data, "batch": batch if batch.isdecimal() and len(batch) < 19 else ""}
    page = keyset_page(pairs_filtered(pairs_of(task), query), request.GET.dict()) if task else None
    context = {
        "tasks": tasks,
        "task": task,
        "form": form,
        "page": page,
        "filtered": any(value for name, value in query.items() if name != "task"),
        "may_write": access.allows(Need.WRITE),
    }
    return render(request, "curation/pairs.html", context)


@require_GET
def pair_detail(request: HttpRequest, project: str, pair: int) -> HttpResponse:
    access, found = pair_access(request, project, pair)
    context = {
        **pair_page(found, access.user),
        "may_write": access.allows(Need.WRITE),
        "may_review": access.allows(Need.REVIEW),
        "may_approve": may_approve(access.user, found),
    }
    return render(request, "curation/pair.html", context)


@require_POST
def trash(request: HttpRequest, project: str, pair: int) -> HttpResponse:
    access, found = pair_access(request, project, pair, Need.WRITE)
    with refusal_told(request, _("The pair is in the trash. Versions that hold it stay as they are.")):
        pair_trash(actor=access.user, pair=found)
    return redirect("curation:pair-detail", project, pair)


@require_POST
def restore(request: HttpRequest, project: str, pair: int) -> HttpResponse:
    access, found = pair_access(request, project, pair, Need.WRITE)
    with refusal_told(request, _("The pair is back.")):
        pair_restore(actor=access.user, pair=found)
    return redirect("curation:pair-detail", project, pair)
