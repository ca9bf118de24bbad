"""A passage: what it says, what was made of it, what people said about it, and writing from it as asked-for work."""

from time import time
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from core.access import Access
from core.choices import AssignmentState, Need, WorkKind, WorkState
from core.denied import Conflict
from core.models import Assignment
from core.selectors.keyset import keyset_page
from core.selectors.threads import thread_page
from core.services.work import work_claim, work_renew
from core.views.telling import first_error, wants_json
from curation.access import passage_access
from curation.forms import PairForm
from curation.models import Pair, Passage, Task
from curation.selectors import editor
from curation.selectors.passages import key_of_hold, passages_asked, writers_now
from curation.selectors.tasks import tasks_of
from curation.services.pairs import pair_made
from curation.subjects import PASSAGE, passage_address
from curation.views.ahead import to_next_work
from curation.views.aside import gone, left_told
from curation.views.write import editor_page, late, pair_typed


@require_GET
def passage_detail(request: HttpRequest, project: str, passage: int) -> HttpResponse:
    access, found = passage_access(request, project, passage)
    pairs = Pair.objects.filter(passage=found, project=access.project).exclude(state="trashed")
    tasks = [row.task for row in tasks_of(access.project)]
    asked = set(passages_asked(access.project).filter(subject_id=found.pk).values_list("batch", flat=True))
    context = {
        "passage": found,
        "page": keyset_page(pairs.select_related("current", "task").order_by("-pk"), request.GET.dict()),
        "tasks": [(task, f"task-{task.pk}" in asked) for task in tasks],
        "writers": writers_now(access.project, [found.pk], access.user).get(found.pk, []),
        "may_write": access.allows(Need.WRITE),
        "may_talk": access.allows(Need.WRITE) or access.allows(Need.REVIEW),
        "may_own": access.allows(Need.OWN),
        **thread_page(access.project, (PASSAGE, found.pk)),
    }
    return render(request, "curation/passage_page.html", context)


@require_POST
def claim(request: HttpRequest, project: str, passage: int) -> HttpResponse:
    """Begin to write from this passage: held for this person where a writer is asked for, else freely."""
    access, found = passage_access(request, project, passage, Need.WRITE)
    task = Task.objects.filter(project=access.project, slug=request.POST.get("task", "")).first()
    if task is None:
        messages.error(request, _("Choose the task that the pair is for."))
        return redirect(passage_address(project, found.pk))
    item = passages_asked(access.project, task).filter(subject_id=found.pk).first()
    if item is None:
        return redirect(f"{reverse('curation:pair-new', args=[project, task.slug])}?new=1&passage={found.pk}")
    held = work_claim(user=access.user, item=item)
    if held is None:
        names = ", ".join(writers_now(access.project, [found.pk], access.user).get(found.pk, [])) or _("Somebody")
        messages.info(request, _("%(who)s is writing from this passage now; take another.") % {"who": names})
        return redirect(passage_address(project, found.pk))
    return redirect("curation:work", project, held.pk)


def passage_work(request: HttpRequest, access: Access, held: Assignment, task: Task, passage: Passage) -> HttpResponse:
    """The editor on a passage that one has in hand. The address is the hold's, so a reload finds the same one."""
    if request.method == "POST":
        return submit(request, access, held, task)
    key = key_of_hold(held)
    draft = editor.draft_of(access.user, task, key)
    if held.state != AssignmentState.CLAIMED or held.item.state != WorkState.OPEN:
        return gone(request, task, pair_made(access.user, task, key), key, draft)
    form = PairForm(initial={**editor.initial_fields(task, None, draft), "key": key, "base": 0})
    return passage_page(request, work_renew(assignment=held), task, form, draft=draft)


def passage_page(
    request: HttpRequest, held: Assignment, task: Task, form: PairForm, status: int = 200, **extra: Any
) -> HttpResponse:
    places = [task.project.slug, held.pk]
    context = {
        "work": held,
        "opened": int(time()),
        "skip_url": reverse("curation:work-skip", args=places),
        "renew_url": reverse("curation:work-renew", args=places),
        "ahead_url": reverse("curation:work-ahead", args=places),
        **extra,
    }
    return editor_page(request, task, form, status=status, **context)


def submit(request: HttpRequest, access: Access, held: Assignment, task: Task) -> HttpResponse:
    """Store the pair. A hold that ran out meanwhile loses nothing: a passage may give several pairs."""
    posted = request.POST.copy()
    posted["key"] = key_of_hold(held)
    form = PairForm(posted)
    try:
        pair = pair_typed(request, task, form)
    except Conflict:
        return late(request, task, form)
    name = editor.copy_name(task, None, key_of_hold(held))
    if form.errors:
        if wants_json(request):
            return JsonResponse({"detail": first_error(form)}, status=400)
        return passage_page(request, held, task, form, 400)
    said = _("Submitted.")
    left = left_told(request, task, key_of_hold(held), pair)
    if wants_json(request):
        return JsonResponse({"said": said, "done": name, **left})
    messages.success(request, said)
    if "more" in request.POST:
        new = reverse("curation:pair-new", args=[access.project.slug, task.slug])
        return redirect(f"{new}?new=1&passage={held.item.subject_id}&done={name}")
    return to_next_work(request, access, WorkKind.PASSAGE, held.item.batch, done=name)
