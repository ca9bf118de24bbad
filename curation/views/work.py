"""Work that was asked for: answering a question, or changing it until it has no answer. The next comes by itself."""

from collections.abc import Mapping
from time import time
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from core.access import Access, project_access
from core.choices import AssignmentState, Need, WorkKind, WorkState
from core.denied import ApplicationError, Conflict
from core.diff import word_diff
from core.models import Assignment
from core.numbers import whole_number, whole_numbers
from core.selectors.keyset import keyset_page
from core.services.work import work_release, work_renew, work_renew_all, work_skip
from core.views.telling import error_tell, first_error, wants_json
from curation.access import assignment_access
from curation.forms import PairForm
from curation.models import Answer, ModelDraft, Question
from curation.selectors import editor
from curation.selectors.pairs import returned_to
from curation.selectors.passages import passage_held
from curation.selectors.questions import (
    QUESTION_PARTS,
    asked_kinds,
    history_of,
    history_rows,
    own_numbers,
    pair_answered,
)
from curation.services.answers import answer_submit, draft_key, draft_of
from curation.subjects import QUESTION
from curation.views.ahead import items_ahead, to_next_work
from curation.views.aside import gone, kept_aside, left_told, seen_by, typed_keep
from curation.views.passages import passage_work
from curation.views.write import editor_page

ANSWERED = (WorkKind.WRITE, WorkKind.CORRECT, WorkKind.DECLINE)  # the kinds of work that end with an answer
WRITTEN = (*ANSWERED, WorkKind.PASSAGE)


@require_POST
def work_start(request: HttpRequest, project: str) -> HttpResponse:
    access = project_access(request, project, Need.WRITE)
    kind = request.POST.get("kind", "")
    if kind not in WRITTEN:
        messages.error(request, _("Choose what you want to do."))
        return redirect("curation:write", project)
    return to_next_work(request, access, WorkKind(kind), request.POST.get("batch", ""))


def work(request: HttpRequest, project: str, assignment: int) -> HttpResponse:
    """The editor on what was asked for. The address is the hold's, so a reload finds the same one."""
    access, held = assignment_access(request, project, assignment, Need.WRITE)
    if (found := passage_held(held)) is not None:
        return passage_work(request, access, held, *found)
    question = question_held(held)
    if request.method == "POST":
        return submit(request, access, held, question)
    draft = editor.draft_of(access.user, question.task, draft_key(question))
    if held.state != AssignmentState.CLAIMED or held.item.state != WorkState.OPEN:
        return gone(request, question.task, pair_answered(access.user, question.pk), draft_key(question), draft)
    initial = {**question_fields(question, drafted(held, question)), **(draft.fields if draft else {})}
    form = PairForm(initial={**initial, "key": draft_key(question), "base": 0})
    return answer_page(request, work_renew(assignment=held), question, form, draft=draft)


def question_held(held: Assignment) -> Question:
    if held.item.kind not in ANSWERED or held.item.subject_type != QUESTION:
        raise Http404
    question = Question.objects.select_related(*QUESTION_PARTS).filter(pk=held.item.subject_id).first()
    if question is None:
        raise Http404
    return question


def drafted(held: Assignment, question: Question) -> ModelDraft | None:
    """The model's draft, where the person is to correct it. Of a blind one nothing tells before they have answered."""
    return draft_of(question) if held.item.kind == WorkKind.CORRECT else None


def question_fields(question: Question, shown: ModelDraft | None) -> dict[str, Any]:
    """What the editor shows before anything was typed."""
    names = ("system", "instruction", "input", "language", "topic")
    response = shown.text if shown else question.wanted
    outputs = editor.outputs_stored(question.task, response)
    return {**{name: getattr(question, name) for name in names}, "response": response, "outputs": outputs}


def answer_page(
    request: HttpRequest, held: Assignment, question: Question, form: PairForm, status: int = 200, **extra: Any
) -> HttpResponse:
    shown = drafted(held, question)
    if shown is None and held.item.kind != WorkKind.DECLINE:
        form["note"].label = _("What should the reviewer know?")  # nothing is here to be changed
    context = {
        "work": held,
        "question": question,
        "opened": int(time()),
        "model_draft": shown,
        "unfit": editor.unfit_response(question.task, shown.text) if shown else "",
        "passage": question.passage,
        "skip_url": reverse("curation:work-skip", args=[question.project.slug, held.pk]),
        "renew_url": reverse("curation:work-renew", args=[question.project.slug, held.pk]),
        "ahead_url": reverse("curation:work-ahead", args=[question.project.slug, held.pk]),
        **extra,
    }
    return editor_page(request, question.task, form, status=status, **context)


def submit(request: HttpRequest, access: Access, held: Assignment, question: Question) -> HttpResponse:
    name = editor.copy_name(question.task, None, draft_key(question))
    form = PairForm(request.POST)
    if not form.is_valid():
        return refused(request, held, question, form)
    try:
        typed = form.texts()
        texts = editor.texts_typed({**typed, "system": typed["system"] or question.system}, question.task)
        answer = answer_submit(
            actor=access.user, assignment=held, texts=texts, note=form.cleaned_data["note"],
            seconds=seconds_since(request.POST), despite=form.cleaned_data["despite"],
            traces=editor.traces_typed(form.cleaned_data, question.task, texts), seen=seen_by(request.POST),
        )  # fmt: skip
    except Conflict:
        return kept_aside(request, question.task, form, pair_answered(access.user, question.pk), draft_key(question))
    except ApplicationError as error:
        error_tell(form, error)
        if held.state != AssignmentState.CLAIMED:
            typed_keep(request, question.task, form, draft_key(question))  # the page has no way back to the editor
        return refused(request, held, question, form)
    beside = ""
    if answer.draft and answer.draft.drafting.blind:
        beside = reverse("curation:work-beside", args=[access.project.slug, answer.pk])
    said = _("Submitted.")
    left = left_told(request, question.task, draft_key(question), answer.pair)
    if wants_json(request):
        shown = {"url": beside, "link": _("What the model wrote")} if beside else {}
        return JsonResponse({"said": said, "done": name, **left, **shown})
    if beside:
        messages.success(request, _("Submitted. Now see what the model wrote."))
        return redirect(f"{beside}?done={name}")
    messages.success(request, said)
    return to_next_work(request, access, WorkKind(held.item.kind), held.item.batch, done=name)


def refused(request: HttpRequest, held: Assignment, question: Question, form: PairForm) -> HttpResponse:
    """The page with what is wrong; for a page that went on already, only the sentence."""
    if wants_json(request):
        return JsonResponse({"detail": first_error(form)}, status=400)
    return answer_page(request, held, question, form, 400)


@require_POST
def ahead(request: HttpRequest, project: str, assignment: int) -> JsonResponse:
    """Claim the next ones and say where they are, so that the page can load them before they are wanted (JSON)."""
    access, held = assignment_access(request, project, assignment, Need.WRITE)
    return JsonResponse({"items": items_ahead(access, held, "curation:work")})


def seconds_since(posted: Mapping[str, Any]) -> float | None:
    """How long the page was before the person's eyes, as the page itself tells: one that was loaded ahead or sent later
    counts the seconds, a plain form names the moment at which it was made."""
    counted, opened = (whole_number(posted.get(name)) for name in ("seconds", "opened"))
    if counted is not None:
        return float(counted)
    return time() - opened if opened is not None else None


@require_GET
def beside(request: HttpRequest, project: str, answer: int) -> HttpResponse:
    """One's own answer beside the model's, once one has committed to it."""
    access = project_access(request, project, Need.WRITE)
    rows = Answer.objects.filter(question__project=access.project, author=access.user, draft__isnull=False)
    found = get_object_or_404(rows.select_related("question__task", "draft__drafting", "pair"), pk=answer)
    assert found.draft is not None
    context = {"answer": found, "question": found.question, "diff": word_diff(found.draft.text, found.response)}
    return render(request, "curation/work_beside.html", context)


@require_POST
def skip(request: HttpRequest, project: str, assignment: int) -> HttpResponse:
    access, held = assignment_access(request, project, assignment, Need.WRITE)
    work_skip(assignment=held, reason=request.POST.get("reason", ""))
    if wants_json(request):
        return JsonResponse({"said": _("Skipped.")})
    return to_next_work(request, access, WorkKind(held.item.kind), held.item.batch)


@require_POST
def renew(request: HttpRequest, project: str, assignment: int) -> HttpResponse:
    """The heartbeat of an open page, for all that its person holds of this kind. 410: others took it meanwhile."""
    access, held = assignment_access(request, project, assignment, Need.WRITE)
    alive = work_renew_all(user=access.user, project=access.project, kind=WorkKind(held.item.kind))
    return HttpResponse(status=204 if alive else 410)


@require_POST
def release(request: HttpRequest, project: str) -> HttpResponse:
    """Give back what was claimed ahead: `assignment`, as often as needed."""
    access = project_access(request, project, Need.WRITE)
    asked = whole_numbers(request.POST.getlist("assignment")[:50])
    return JsonResponse({"released": work_release(user=access.user, assignments=asked)})


@require_GET
def mine(request: HttpRequest, project: str) -> HttpResponse:
    """What waits for me, what came back to me, what I did, and my own numbers."""
    access = project_access(request, project)
    page = keyset_page(history_of(access.project, access.user), request.GET.dict())
    context = {
        "kinds": asked_kinds(access.project, access.user) if access.allows(Need.WRITE) else [],
        "may_write": access.allows(Need.WRITE),
        "returned": returned_to(access.user, access.project).order_by("-pk")[:50],
        "numbers": own_numbers(access.project, access.user),
        "begun": editor.drafts_begun(access.user, access.project).exists(),
        "page": page,
        "rows": history_rows(access.project, page.rows),
    }
    return render(request, "curation/my_work.html", context)
