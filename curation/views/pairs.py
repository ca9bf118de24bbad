"""The list of pairs with its saved views, one pair with its history, and the trash."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from core.access import Access, project_access
from core.choices import Need
from core.denied import ApplicationError
from core.views.telling import refusal_on, refusal_told
from curation.access import pair_access, task_access, view_access
from curation.choices import PairState, Part
from curation.forms import MarksForm, ViewForm
from curation.models import Pair, Spent, Task
from curation.pair_filter import PairFilter, filter_read
from curation.selectors.pair_filters import pairs_filtered
from curation.selectors.pairs import authors_of, pair_page, pairs_page
from curation.selectors.reviews import may_approve
from curation.selectors.spending import standing_of
from curation.selectors.views import views_of
from curation.services.marking import pair_mark
from curation.services.pairs import pair_restore, pair_trash
from curation.services.views import view_remove, view_save


@require_GET
def pairs(request: HttpRequest, project: str) -> HttpResponse:
    """The pairs of one task; `?task=` names it, else the first."""
    access = project_access(request, project)
    tasks = list(access.project.tasks.all())
    task = next((task for task in tasks if task.slug == request.GET.get("task")), tasks[0] if tasks else None)
    context = {"tasks": tasks, "task": task, "may_write": access.allows(Need.WRITE), "may_own": access.allows(Need.OWN)}
    if task:
        context |= list_context(request, access, task)
    return render(request, "curation/pairs.html", context)


def list_context(request: HttpRequest, access: Access, task: Task) -> dict[str, Any]:
    task.project = access.project  # known already: no query for it
    form = PairFilter(request.GET, task=task, user=access.user)
    form.is_valid()
    position = {name: request.GET[name] for name in ("before", "after") if name in request.GET}
    asked = form.asked()
    return {
        "form": form,
        "asked": asked,
        "chips": form.chips(),
        "list_url": form.address(asked),
        "page": pairs_page(pairs_filtered(task, form.query()), {"task": task.slug, **asked, **position}),
        "views": [(view, form.address(view.query), view.query == asked) for view in views_of(task, access.user)],
        "view_form": ViewForm(),
    }


@require_POST
def view_new(request: HttpRequest, project: str, task: str) -> HttpResponse:
    """Keep the filter of the address under a name."""
    access, found = task_access(request, project, task)
    form = ViewForm(request.POST)
    try:
        asked = filter_read(request.GET.dict(), task=found, user=access.user)
        if not form.is_valid():
            raise ApplicationError(_("Give the view a name of at most 80 characters."))
        view_save(actor=access.user, task=found, query=asked.asked(), **form.cleaned_data)
    except ApplicationError as error:
        messages.error(request, str(error))
        return redirect("curation:pairs", project)
    messages.success(request, _("The view is saved."))
    return redirect(f"/p/{project}/pairs/{asked.address(asked.asked())}")


@require_POST
def view_drop(request: HttpRequest, project: str, view: int) -> HttpResponse:
    access, found = view_access(request, project, view)
    with refusal_told(request, _("The view is removed.")):
        view_remove(actor=access.user, view=found)
    return redirect(f"/p/{project}/pairs/?task={found.task.slug}")


@require_GET
def pair_detail(request: HttpRequest, project: str, pair: int) -> HttpResponse:
    access, found = pair_access(request, project, pair)
    return detail_page(request, access, found)


def detail_page(
    request: HttpRequest, access: Access, found: Pair, form: MarksForm | None = None, status: int = 200
) -> HttpResponse:
    context = {
        **pair_page(found, access.user),
        "marks_form": form or marks_form(access, found),
        "may_write": access.allows(Need.WRITE),
        "may_review": access.allows(Need.REVIEW),
        "may_own": access.allows(Need.OWN),
        "spent": Spent.objects.filter(pair=found).select_related("spent_by").first(),
        "measures": access.allows(Need.OWN) and standing_of(found) == Part.TEST,
        "may_talk": access.allows(Need.WRITE) or access.allows(Need.REVIEW),
        "may_approve": may_approve(access.user, found),
    }
    return render(request, "curation/pair.html", context, status=status)


def marks_form(access: Access, pair: Pair, data: Any = None) -> MarksForm | None:
    """For who may write, and the pair is not in the trash."""
    if not access.allows(Need.WRITE) or pair.state == PairState.TRASHED:
        return None
    people = authors_of(access.project) if access.allows(Need.OWN) else []
    now = {"tags": ", ".join(pair.tags), "topic": pair.topic, "assignee": pair.assignee_id or ""}
    return MarksForm(data, people=people, initial=now)


@require_POST
def marks(request: HttpRequest, project: str, pair: int) -> HttpResponse:
    """Tags, topic, and who is to take care of it."""
    access, found = pair_access(request, project, pair, Need.WRITE)
    form = marks_form(access, found, request.POST)
    if form is None:
        messages.error(request, _("This pair is in the trash; restore it first."))
        return redirect("curation:pair-detail", project, pair)
    if form.is_valid():
        with refusal_on(form):
            pair_mark(actor=access.user, pair=found, **form.changes())
    if form.errors:
        return detail_page(request, access, found, form, 400)
    messages.success(request, _("Saved."))
    return redirect("curation:pair-detail", project, pair)


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
