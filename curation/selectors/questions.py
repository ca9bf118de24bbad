"""Questions that wait, what a person has done, and answers side by side."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, QuerySet
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from core.choices import AssignmentState, WorkKind
from core.diff import Part, word_diff
from core.models import Assignment, Project, User
from core.selectors.work import work_open_to
from curation.choices import Decision, PairState, QuestionKind, QuestionState
from curation.models import Answer, Pair, Passage, Question, Review, Task
from curation.subjects import PAIR, PASSAGE, QUESTION, passage_address

QUESTION_PARTS = ("project", "task__project", "task__tokenizer", "passage__document")
MOST_COUNTED = 1_000
ENDED = (AssignmentState.SUBMITTED, AssignmentState.SKIPPED)

KINDS = {  # what a writer may be asked for, in the order in which it is offered
    WorkKind.CORRECT: _("Correct what a model wrote"),
    WorkKind.WRITE: _("Answer a question"),
    WorkKind.PASSAGE: _("Write from a passage"),
    WorkKind.DECLINE: _("Write a question that has no answer here"),
}


@dataclass(frozen=True)
class KindRow:
    kind: str
    label: Any
    waiting: int  # up to MOST_COUNTED


def asked_kinds(project: Project, user: User) -> list[KindRow]:
    """The kinds of asked-for work of which something is there for this person."""
    rows = [
        KindRow(kind, label, work_open_to(user, project, kind)[:MOST_COUNTED].count()) for kind, label in KINDS.items()
    ]
    return [row for row in rows if row.waiting]


def pair_answered(user: User, question: int) -> Pair | None:
    """What became of the person's own answer, where it is a pair already."""
    if not question:
        return None
    answer = Answer.objects.filter(question=question, author=user).select_related("pair__current").first()
    return answer.pair if answer else None


def pair_settled(task: Task, question: int) -> Pair | None:
    """What became of a question to which several people gave answers."""
    if not question:
        return None
    found = Question.objects.filter(task=task, pk=question).select_related("pair__current").first()
    return found.pair if found else None


def history_of(project: Project, user: User) -> QuerySet[Assignment]:
    """What a person has done or passed over in a project; reviews, answers and grades alike."""
    ended = Assignment.objects.filter(user=user, item__project=project, state__in=ENDED)
    return ended.select_related("item")


def own_numbers(project: Project, user: User) -> dict[str, int]:
    """A person's own amounts, for that person alone."""
    tasks = list(Task.objects.filter(project=project).values_list("pk", flat=True))
    pairs = Pair.objects.filter(task__in=tasks, author=user).exclude(state=PairState.TRASHED)
    states: Counter[str] = Counter(dict(pairs.order_by().values_list("state").annotate(count=Count("pk"))))
    reviews = Review.objects.filter(reviewer=user, revision__pair__project=project, basis="second_person")
    return {
        "written": states.total(),
        "approved": states[PairState.APPROVED],
        "waiting": states[PairState.SUBMITTED],
        "returned": states[PairState.RETURNED],
        "answers": Answer.objects.filter(author=user, question__project=project).count(),
        "reviews": reviews.count(),
        "returns": reviews.filter(decision=Decision.RETURN).count(),
    }


def questions_of(project: Project) -> QuerySet[Question]:
    return Question.objects.filter(project=project).select_related("task", "pair").annotate(given=Count("answers"))


def question_counts(project: Project) -> dict[str, int]:
    rows = Question.objects.filter(project=project).order_by().values_list("state").annotate(count=Count("pk"))
    return dict(rows)


def declined_share(task: Task) -> tuple[int, int]:
    """(pairs whose right answer is that there is none, all) of a task's approved pairs."""
    approved = Pair.objects.filter(task=task, state=PairState.APPROVED)
    declined = approved.filter(
        pk__in=Question.objects.filter(task=task, kind=QuestionKind.DECLINE, pair__isnull=False).values("pair")
    )
    return declined.count(), approved.count()


@dataclass(frozen=True)
class AnswerView:
    """One of several answers, and how it differs from the first."""

    answer: Answer
    name: str  # A, B, C: who wrote it is not shown before the choice
    response: str
    instruction_changed: bool
    diff: list[Part]


def answers_beside(question: Question) -> list[AnswerView]:
    """The answers in an order that tells nothing of their authors, for whoever chooses."""
    answers = sorted(question.answers.all(), key=lambda answer: answer.fingerprint)
    first = answers[0].texts["response"] if answers else ""
    return [
        AnswerView(
            answer,
            chr(ord("A") + place),
            answer.texts["response"],
            answer.texts["instruction"] != question.instruction or answer.texts["input"] != question.input,
            word_diff(first, answer.texts["response"]) if place else [],
        )
        for place, answer in enumerate(answers)
    ]


def settled(question: Question) -> bool:
    return question.state in (QuestionState.ANSWERED, QuestionState.CLOSED)


@dataclass(frozen=True)
class WorkRow:
    """One line of a person's history: what it was about, and what became of it since."""

    work: Assignment
    text: str
    url: str
    outcome: Any
    tone: str


def history_rows(project: Project, rows: list[Assignment]) -> list[WorkRow]:
    """A page of history with the pairs and questions behind it, read by three statements."""
    ids: dict[str, list[int]] = {PAIR: [], QUESTION: [], PASSAGE: []}
    for row in rows:
        ids.setdefault(row.item.subject_type, []).append(row.item.subject_id)
    pairs = Pair.objects.filter(pk__in=ids[PAIR]).select_related("current")
    questions = Question.objects.filter(pk__in=ids[QUESTION]).select_related("pair")
    found: dict[tuple[str, int], Any] = {(PAIR, pair.pk): pair for pair in pairs}
    found |= {(QUESTION, question.pk): question for question in questions}
    found |= {(PASSAGE, passage.pk): passage for passage in Passage.objects.filter(pk__in=ids[PASSAGE])}
    return [work_row(project, row, found.get((row.item.subject_type, row.item.subject_id))) for row in rows]


def work_row(project: Project, work: Assignment, subject: Pair | Question | Passage | None) -> WorkRow:
    if isinstance(subject, Passage):
        url = passage_address(project.slug, subject.pk)
        return WorkRow(work, subject.text, url, work.get_state_display(), "muted")
    if isinstance(subject, Question) and subject.pair is None:
        url = reverse("curation:question", args=[project.slug, subject.pk])
        return WorkRow(work, subject.instruction, url, subject.get_state_display(), subject.tone)
    pair = subject.pair if isinstance(subject, Question) else subject
    if pair is None:
        return WorkRow(work, work.item.get_kind_display(), "", work.get_state_display(), "muted")
    text = subject.instruction if isinstance(subject, Question) else pair.current.instruction if pair.current else ""
    url = reverse("curation:pair-detail", args=[project.slug, pair.pk])
    return WorkRow(work, text, url, pair.get_state_display(), pair.tone)
