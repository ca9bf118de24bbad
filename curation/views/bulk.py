"""Actions over a whole filter: say what, watch it, read what was refused, undo it."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.crypto import get_random_string
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from core.access import Access
from core.choices import Need
from core.denied import ApplicationError
from core.views.telling import refusal_on, refusal_told
from curation.access import bulk_access, refuse_bulk, task_access
from curation.choices import BULK_NEEDS, BulkKind
from curation.forms import BulkForm
from curation.models import Task
from curation.pair_filter import PairFilter, filter_read
from curation.selectors.bulk import actions_of, bulk_page, count_bounded
from curation.selectors.pair_filters import pairs_filtered
from curation.selectors.pairs import authors_of
from curation.services.bulk import bulk_start, bulk_undo


def new(request: HttpRequest, project: str, task: str) -> HttpResponse:
    """What to do with all pairs of the filter in the address, with how many they are."""
    access, found = task_access(request, project, task, Need.WRITE)
    found.project = access.project
    try:
        asked = filter_read(request.GET.dict(), task=found, user=access.user)
    except ApplicationError as error:
        return render(request, "curation/bulk_new.html", {"task": found, "refused": str(error)}, status=400)
    form = bulk_form(request, access)
    if request.method == "POST" and form.is_valid():
        refuse_bulk(access, form.cleaned_data["kind"])
        with refusal_on(form):
            action = bulk_start(
                actor=access.user, task=found, kind=BulkKind(form.cleaned_data["kind"]), value=form.value(),
                query=asked.asked(), key=form.cleaned_data["key"],
            )  # fmt: skip
        if not form.errors:
            return redirect("curation:bulk-detail", project, action.pk)
    return new_page(request, found, asked, form)


def bulk_form(request: HttpRequest, access: Access) -> BulkForm:
    kinds = [
        (kind, label) for kind, label in BulkKind.choices if access.allows(BULK_NEEDS.get(BulkKind(kind), Need.OWN))
    ]
    people = authors_of(access.project)
    return BulkForm(request.POST or None, kinds=kinds, people=people, initial={"key": get_random_string(20)})


def new_page(request: HttpRequest, task: Task, asked: PairFilter, form: BulkForm) -> HttpResponse:
    count, more = count_bounded(pairs_filtered(task, asked.query()))
    context = {
        "task": task, "form": form, "chips": asked.chips(), "count": count, "more": more,
        "list_url": asked.address(asked.asked()), "actions": actions_of(task),
    }  # fmt: skip
    return render(request, "curation/bulk_new.html", context, status=400 if form.errors else 200)


@require_GET
def detail(request: HttpRequest, project: str, action: int) -> HttpResponse:
    access, found = bulk_access(request, project, action)
    may = access.allows(BULK_NEEDS.get(BulkKind(found.kind), Need.OWN))
    return render(request, "curation/bulk.html", {**bulk_page(found, access.user), "may_undo": may})


@require_POST
def undo(request: HttpRequest, project: str, action: int) -> HttpResponse:
    access, found = bulk_access(request, project, action)
    refuse_bulk(access, found.kind)
    with refusal_told(request, _("The action is being undone.")):
        return redirect("curation:bulk-detail", project, bulk_undo(actor=access.user, action=found).pk)
    return redirect("curation:bulk-detail", project, action)
