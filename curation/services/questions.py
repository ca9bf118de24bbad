"""Asking: instructions that wait for people's answers, and questions that are to be turned down."""

import random
from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from core.choices import WorkKind
from core.denied import ApplicationError
from core.models import User, WorkItem
from core.services.events import event_record
from core.services.work import work_close
from curation.choices import PairState, QuestionKind, QuestionState
from curation.fingerprints import text_problem
from curation.models import Pair, Passage, Question, Task
from curation.services.ordering import order_of
from curation.subjects import QUESTION, review_batch
from ml.hashing import json_sha256

MOST_PEOPLE = 5
MOST_AT_ONCE = 5_000
WORK = {QuestionKind.ANSWER: WorkKind.WRITE, QuestionKind.DECLINE: WorkKind.DECLINE}


@transaction.atomic
def questions_ask(
    *,
    actor: User,
    task: Task,
    rows: Iterable[dict[str, Any]],
    needed: int = 1,
    kind: QuestionKind = QuestionKind.ANSWER,
) -> list[Question]:
    """Make questions, each `{"instruction", "input"?, "system"?, "topic"?, "language"?, "source"?, "wanted"?}`, and a
    work item for each. What was asked in this task before is not asked again. Returns the new ones.

    Raises ApplicationError for nothing to ask, too much at once, or a text that cannot be stored.
    """
    if not 1 <= needed <= MOST_PEOPLE:
        text = _("One to %(most)d people can answer each question.") % {"most": MOST_PEOPLE}
        raise ApplicationError(text, field="needed")
    wanted = {question.key: question for question in (question_of(actor, task, row, needed, kind) for row in rows)}
    if not wanted:
        raise ApplicationError(_("There is no question here; write one on each line."), field="questions")
    if len(wanted) > MOST_AT_ONCE:
        text = _("These are %(count)d questions; at most %(most)d are asked at once.")
        raise ApplicationError(text % {"count": len(wanted), "most": MOST_AT_ONCE}, field="questions")
    known = set(Question.objects.filter(task=task, key__in=wanted).values_list("key", flat=True))
    fresh = [question for key, question in wanted.items() if key not in known]
    Question.objects.bulk_create(fresh)
    work_ask(fresh)
    event_record(actor=actor, action="questions.asked", project=task.project, subject=task, count=len(fresh), kind=kind)
    return fresh


def question_of(
    actor: User | None,
    task: Task,
    row: dict[str, Any],
    needed: int = 1,
    kind: QuestionKind = QuestionKind.ANSWER,
    passage: Passage | None = None,
) -> Question:
    texts = {name: str(row.get(name) or "").replace("\r\n", "\n") for name in ("system", "instruction", "input")}
    if not texts["instruction"].strip():
        raise ApplicationError(_("The instruction is empty."), field="instruction")
    for name, text in texts.items():
        if reason := text_problem(text):
            raise ApplicationError(reason, field=name)
    return Question(
        project_id=task.project_id,
        task=task,
        kind=kind,
        **texts,
        wanted=str(row.get("wanted") or ""),
        language=str(row.get("language") or task.language)[:12],
        topic=str(row.get("topic") or "")[:120],
        source=str(row.get("source") or "")[:300],
        passage=passage,
        key=json_sha256({**texts, "kind": kind, **({"passage": passage.pk} if passage else {})}),
        needed=needed,
        created_by=actor,
    )


def work_ask(questions: list[Question]) -> None:
    WorkItem.objects.bulk_create(
        WorkItem(
            project_id=question.project_id,
            kind=WORK[QuestionKind(question.kind)],
            subject_type=QUESTION,
            subject_id=question.pk,
            batch=review_batch(question.task_id),
            needed=question.needed,
            order=order_of(question.task, question.topic, QUESTION, question.pk),
        )
        for question in questions
    )


def declines_ask(*, actor: User, task: Task, count: int, wanted: str, seed: int = 0) -> list[Question]:
    """Ask for questions that the project cannot answer: each begins as one of `count` approved pairs' questions, drawn
    by `seed`, which a person changes until the right answer is `wanted`."""
    if not wanted.strip():
        raise ApplicationError(_("Write the answer that such a question is to get."), field="wanted")
    found = Pair.objects.filter(task=task, state=PairState.APPROVED, approved__isnull=False)
    ids = list(found.order_by("pk").values_list("approved", flat=True))
    if not ids:
        raise ApplicationError(_("No pair of this task is approved yet, so there is no question to begin from."))
    chosen = set(random.Random(seed).sample(ids, min(count, len(ids))))  # noqa: S311  to be repeated, no secret
    names = ("system", "instruction", "input", "topic", "language", "source")
    pairs = Pair.objects.filter(task=task, approved__in=chosen).order_by("pk")
    rows = pairs.values_list(*(f"approved__{name}" for name in names))
    asked = [{**dict(zip(names, row, strict=True)), "wanted": wanted.strip()} for row in rows]
    return questions_ask(actor=actor, task=task, rows=asked, kind=QuestionKind.DECLINE)


@transaction.atomic
def question_withdraw(*, actor: User, question: Question) -> Question:
    """Ask no more; answers that were given stay."""
    question = Question.objects.select_for_update().get(pk=question.pk)
    if question.state not in (QuestionState.OPEN, QuestionState.TO_SETTLE):
        raise ApplicationError(_("This question is answered or withdrawn already."))
    for kind in (WorkKind.WRITE, WorkKind.CORRECT, WorkKind.DECLINE, WorkKind.ADJUDICATE):
        work_close(kind=kind, subject_type=QUESTION, subject_id=question.pk)
    question.state = QuestionState.CLOSED
    question.save(update_fields=["state"])
    event_record(actor=actor, action="question.withdrawn", project=question.project, subject=question)
    return question
