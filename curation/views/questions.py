"""Asking questions, and choosing among the answers that several people gave."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from core.access import Access, project_access
from core.choices import AssignmentState, Need, WorkKind, WorkState
from core.denied import ApplicationError
from core.models import Assignment
from core.numbers import whole_number
from core.selectors.keyset import keyset_page
from core.services.work import work_renew
from core.views.telling import error_tell, refusal_on, refusal_told
from curation.access import assignment_access, question_access
from curation.choices import QuestionKind
from curation.fingerprints import texts_from
from curation.forms import PairForm
from curation.models import Draft, Question
from curation.question_forms import DeclinesForm, QuestionFilter, QuestionsForm
from curation.selectors import editor
from curation.selectors.questions import (
    QUESTION_PARTS,
    answers_beside,
    declined_share,
    question_counts,
    questions_of,
    settled,
)
from curation.services.answers import answers_choose, answers_merge, merge_key
from curation.services.questions import declines_ask, question_withdraw, questions_ask
from curation.subjects import QUESTION
from curation.views.aside import known_version, left_told, seen_by
from curation.views.review import to_next
from curation.views.write import page_of


@require_GET
def questions(request: HttpRequest, project: str) -> HttpResponse:
    """What was asked, with how many of its answers are in."""
    access = project_access(request, project)
    form = QuestionFilter(request.GET)
    form.is_valid()
    found = questions_of(access.project)
    for name in ("state", "kind"):
        if value := form.cleaned_data.get(name):
            found = found.filter(**{name: value})
    context = {
        "form": form,
        "page": keyset_page(found, request.GET.dict()),
        "counts": question_counts(access.project),
        "shares": [(task, *declined_share(task)) for task in access.project.tasks.all()[:20]],
        "may_own": access.allows(Need.OWN),
    }
    return render(request, "curation/questions.html", context)


@require_GET
def question_detail(request: HttpRequest, project: str, question: int) -> HttpResponse:
    """A question and, once nobody is to answer it any more, what was answered: until then answers are given apart."""
    access, found = question_access(request, project, question)
    context = {
        "question": found,
        "answers": found.answers.select_related("author", "pair") if settled(found) else [],
        "given": found.answers.count(),
        "may_own": access.allows(Need.OWN),
    }
    return render(request, "curation/question.html", context)


def ask(request: HttpRequest, project: str) -> HttpResponse:
    access = project_access(request, project, Need.OWN)
    form = QuestionsForm(request.POST or None, tasks=access.project.tasks.all())
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        with refusal_on(form):
            made = questions_ask(actor=access.user, task=values["task"], rows=form.rows(), needed=values["needed"])
            return asked(request, access, len(made))
    return ask_page(request, access, form, DeclinesForm(tasks=access.project.tasks.all()))


def ask_declines(request: HttpRequest, project: str) -> HttpResponse:
    access = project_access(request, project, Need.OWN)
    form = DeclinesForm(request.POST or None, tasks=access.project.tasks.all())
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        with refusal_on(form):
            made = declines_ask(
                actor=access.user, task=values["task"], count=values["count"], wanted=values["wanted"],
                seed=Question.objects.filter(task=values["task"]).count(),
            )  # fmt: skip
            return asked(request, access, len(made))
    return ask_page(request, access, QuestionsForm(tasks=access.project.tasks.all()), form)


def ask_page(request: HttpRequest, access: Access, form: QuestionsForm, declines: DeclinesForm) -> HttpResponse:
    status = 400 if form.errors or declines.errors else 200
    context = {"form": form, "declines": declines, "no_task": not access.project.tasks.exists()}
    return render(request, "curation/questions_ask.html", context, status=status)


def asked(request: HttpRequest, access: Access, count: int) -> HttpResponse:
    if count:
        text = ngettext("%(count)d question waits for answers now.", "%(count)d questions wait for answers now.", count)
        messages.success(request, text % {"count": count})
    else:
        messages.info(request, _("All of these were asked before; nothing new waits."))
    return redirect("curation:questions", access.project.slug)


@require_POST
def withdraw(request: HttpRequest, project: str, question: int) -> HttpResponse:
    access, found = question_access(request, project, question, Need.OWN)
    with refusal_told(request, _("The question is withdrawn.")):
        question_withdraw(actor=access.user, question=found)
    return redirect("curation:question", project, question)


@require_GET
def adjudicate(request: HttpRequest, project: str, assignment: int) -> HttpResponse:
    """The answers side by side, without names."""
    access, held = assignment_access(request, project, assignment, Need.OWN)
    question = question_held(held)
    if held.state != AssignmentState.CLAIMED or held.item.state != WorkState.OPEN:
        messages.info(request, _("This is settled or went to somebody else."))
        return redirect("curation:question", project, question.pk)
    draft = editor.draft_of(access.user, question.task, merge_key(question))
    return choice_page(request, work_renew(assignment=held), question, merge_form(question, draft), draft=draft)


def merge_form(question: Question, draft: Draft | None) -> PairForm:
    """Begins with the first answer, or with what was typed of the merged text before."""
    views = answers_beside(question)
    texts = views[0].answer.texts if views else {}
    return PairForm(initial={**texts, **(draft.fields if draft else {}), "base": 0})


def question_held(held: Assignment) -> Question:
    if held.item.kind != WorkKind.ADJUDICATE or held.item.subject_type != QUESTION:
        raise Http404
    return get_object_or_404(Question.objects.select_related(*QUESTION_PARTS), pk=held.item.subject_id)


def choice_page(
    request: HttpRequest,
    held: Assignment,
    question: Question,
    form: PairForm,
    *,
    draft: Draft | None = None,
    status: int = 200,
) -> HttpResponse:
    key = merge_key(question)
    context = {
        "draft": draft,
        "known": known_version(request, draft),
        "draft_url": reverse("curation:draft", args=[question.project.slug, question.task.slug, key]),
        "draft_name": editor.copy_name(question.task, None, key),
        "page_url": page_of(question.task, None, key),
        "assignment": held,
        "question": question,
        "task": question.task,
        "answers": answers_beside(question),
        "form": form,
        "declines": question.kind == QuestionKind.DECLINE,
    }
    return render(request, "curation/adjudicate.html", context, status=status)


@require_POST
def choose(request: HttpRequest, project: str, assignment: int) -> HttpResponse:
    access, held = assignment_access(request, project, assignment, Need.OWN)
    question = question_held(held)
    answer = question.answers.filter(pk=whole_number(request.POST.get("answer")) or 0).first()
    if answer is None:
        messages.error(request, _("Choose one of the answers."))
        return redirect("curation:adjudicate", project, held.pk)
    with refusal_told(request, _("Taken as it stands: the answer of %(who)s.") % {"who": answer.author}):
        answers_choose(actor=access.user, assignment=held, answer=answer)
    return to_next(request, access, WorkKind.ADJUDICATE, held.item.batch)


@require_POST
def merge(request: HttpRequest, project: str, assignment: int) -> HttpResponse:
    access, held = assignment_access(request, project, assignment, Need.OWN)
    question = question_held(held)
    form = PairForm(request.POST)
    if form.is_valid():
        try:
            texts = texts_from({**form.texts(), "system": question.system})
            pair = answers_merge(
                actor=access.user, assignment=held, texts=texts, note=form.cleaned_data["note"],
                seen=seen_by(request.POST),
            )  # fmt: skip
            messages.success(request, _("Merged. The text is yours, so somebody else reviews it now."))
            left_told(request, question.task, merge_key(question), pair)
            done = editor.copy_name(question.task, None, merge_key(question))
            return to_next(request, access, WorkKind.ADJUDICATE, held.item.batch, done=done)
        except ApplicationError as error:
            error_tell(form, error)
    draft = editor.draft_of(access.user, question.task, merge_key(question))
    return choice_page(request, held, question, form, draft=draft, status=400)
