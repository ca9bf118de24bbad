"""Drafts by a model: asked for by an owner, written by a job, corrected by people. None of them counts by itself."""

import re
from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from core import registries
from core.choices import AssignmentState, WorkKind, WorkState
from core.denied import ApplicationError
from core.models import Assignment, User, WorkItem
from core.registries import AskableModel
from core.selectors.work import TAKEN
from core.services.events import event_record
from core.services.jobs import job_create
from core.services.work import work_close, work_open
from curation.choices import QuestionKind, QuestionState, TaskKind
from curation.models import Drafting, ModelDraft, Passage, Question, Task
from curation.services.ordering import order_of
from curation.services.questions import question_of
from curation.subjects import PASSAGE, QUESTION, review_batch
from ml.hashing import text_sha256

KIND = "draft"
MOST_QUESTIONS = 2_000
LONGEST_QUESTION = 1_000
DRAFT_PARTS = ("drafting__task__project", "passage__document")
# Models are asked in English whatever the passage's language: small ones follow that best.
ASK = "Write one question that the text answers, in the language of the text. Write only the question."
LABEL = re.compile(r"^(?:[-*#]+\s+|\d+[.)]\s+)?(?:\*{0,2}(?:Question|Q)\s*\d*\s*:\s*\*{0,2}\s*)?", re.IGNORECASE)


@transaction.atomic
def drafting_start(
    *,
    actor: User,
    task: Task,
    model_key: str,
    topic: str = "",
    most: int = 100,
    blind: bool = False,
    max_new_tokens: int = 200,
) -> Drafting:
    """Let a model draft answers to a task's open questions (those of `topic`, oldest first, at most `most`).

    A question that somebody has answered, is answering now, or that has a draft already is left to people.
    Raises ApplicationError when the model is not there or no such question waits.
    """
    model = model_named(task, model_key)
    found = undrafted(task)
    if topic:
        found = found.filter(topic=topic)
    questions = list(found.order_by("pk")[: min(most, MOST_QUESTIONS)])
    if not questions:
        raise ApplicationError(_("No question of this kind waits without an answer; ask some first."))
    drafting = drafting_make(actor, task, model, blind, max_new_tokens, len(questions))
    ModelDraft.objects.bulk_create(ModelDraft(question=question, drafting=drafting) for question in questions)
    return drafting


@transaction.atomic
def passages_draft(
    *,
    actor: User,
    task: Task,
    model_key: str,
    passages: Sequence[int],
    blind: bool = False,
    max_new_tokens: int = 200,
) -> Drafting:
    """Let a model write a question to each of these passages and answer it from the passage.

    Left to people is a passage that somebody writes from now, and one that a model was asked about before and nobody
    has finished. Raises ApplicationError when the model is not there or no passage is left.
    """
    model = model_named(task, model_key)
    if len(passages) > MOST_QUESTIONS:
        raise ApplicationError(_("Ask for at most %d passages at a time.") % MOST_QUESTIONS, field="passages")
    waiting = ModelDraft.objects.filter(Q(question=None) | Q(question__state=QuestionState.OPEN), drafting__task=task)
    held = Assignment.objects.filter(
        item__kind=WorkKind.PASSAGE, item__subject_type=PASSAGE, item__batch=review_batch(task.pk),
        item__state=WorkState.OPEN, state=AssignmentState.CLAIMED, lease_until__gte=Now(),
    )  # fmt: skip
    found = Passage.objects.filter(pk__in=list(passages), document__project=task.project_id).exclude(text="")
    found = found.exclude(pk__in=waiting.filter(passage__isnull=False).values("passage"))
    found = found.exclude(pk__in=held.values("item__subject_id")).order_by("document_id", "ordinal")
    chosen = list(found.values_list("pk", flat=True))
    if not chosen:
        text = _("Choose at least one passage that nobody writes from and that no model’s draft waits for.")
        raise ApplicationError(text, field="passages")
    drafting = drafting_make(actor, task, model, blind, max_new_tokens, len(chosen))
    ModelDraft.objects.bulk_create(ModelDraft(passage_id=passage, drafting=drafting) for passage in chosen)
    return drafting


def drafting_make(
    actor: User, task: Task, model: AskableModel, blind: bool, max_new_tokens: int, count: int
) -> Drafting:
    drafting = Drafting.objects.create(
        project=task.project,
        task=task,
        model_key=model.key,
        model_name=model.name[:160],
        release=model.release,
        model_fingerprint=model.fingerprint,
        blind=blind,
        settings={"max_new_tokens": max_new_tokens},
        asked=count,
        created_by=actor,
    )
    drafting.job = job_create(
        actor=actor,
        kind=KIND,
        project=task.project,
        subject=f"{model.name} · {task.name}",
        subject_url=f"/p/{task.project.slug}/drafts/{drafting.pk}/",
        arguments={"drafting": drafting.pk},
        once_key=f"drafting-{drafting.pk}",
    )
    drafting.save(update_fields=["job"])
    event_record(actor=actor, action="drafts.asked", project=task.project, subject=drafting, count=count)
    return drafting


def model_named(task: Task, key: str) -> AskableModel:
    model = next((model for model in registries.models_to_ask(task.project) if model.key == key), None)
    if model is None:
        raise ApplicationError(_("This model is not registered here any more; choose another."), field="model")
    return model


def undrafted(task: Task) -> QuerySet[Question]:
    """Open questions that nobody has answered or is answering, and no model has been asked."""
    busy = Assignment.objects.filter(
        item__subject_type=QUESTION,
        item__subject_id=OuterRef("pk"),
        state=AssignmentState.CLAIMED,
        lease_until__gte=Now(),
    )
    return Question.objects.filter(
        task=task, kind=QuestionKind.ANSWER, state=QuestionState.OPEN, answers=None, draft=None
    ).exclude(Exists(busy))


@transaction.atomic
def draft_store(*, draft: ModelDraft, text: str, finish_reason: str, question: str = "") -> bool:
    """Put a model's text beside its question and ask people to correct it instead of writing from nothing. One that
    they are not to see stays the question that it was, so that nothing tells them of it before they have answered.

    A draft from a passage brings its `question`, which is asked with it. Stored twice, it is one draft. False: people
    were faster, or the model said nothing; then nothing changes.
    """
    draft = ModelDraft.objects.select_for_update(of=("self",)).select_related(*DRAFT_PARTS).get(pk=draft.pk)
    if draft.written_at is not None:
        return True
    if not text.strip():
        return False
    asked = question_to_draft(draft, question)
    if asked is None or asked.state != QuestionState.OPEN or asked.answers.exists() or held_now(asked):
        return False
    ModelDraft.objects.filter(pk=draft.pk).update(
        question=asked, text=text, fingerprint=text_sha256(text), finish_reason=finish_reason[:16], written_at=Now()
    )
    order = WorkItem.objects.filter(subject_type=QUESTION, subject_id=asked.pk).order_by("-pk").first()
    if not draft.drafting.blind:
        work_close(kind=WorkKind.WRITE, subject_type=QUESTION, subject_id=asked.pk)
    work_open(
        project=asked.project,
        kind=WorkKind.WRITE if draft.drafting.blind else WorkKind.CORRECT,
        subject_type=QUESTION,
        subject_id=asked.pk,
        batch=review_batch(asked.task_id),
        needed=asked.needed,
        order=order.order if order else order_of(asked.task, asked.topic, QUESTION, asked.pk),
    )
    return True


def question_to_draft(draft: ModelDraft, text: str) -> Question | None:
    """The question, locked; for a draft from a passage the one that the model wrote. None when it cannot be asked."""
    if draft.question_id is not None:
        return Question.objects.select_for_update().get(pk=draft.question_id)
    passage, task = draft.passage, draft.drafting.task
    assert passage is not None, "what has no question yet has a passage"
    row = {
        "instruction": text.strip(),
        "input": passage.text if task.kind == TaskKind.EXTRACTION else "",
        "language": passage.document.language,
        "source": passage.source,
    }
    try:
        asked = question_of(draft.drafting.created_by, task, row, passage=passage)
    except ApplicationError:  # no question, or none that can be stored
        return None
    if Question.objects.filter(task=task, key=asked.key).exists():
        return None
    asked.save()
    passage_take(passage, task)
    return asked


def passage_take(passage: Passage, task: Task) -> None:
    """Who was to write from the passage corrects the draft instead, unless somebody is writing already."""
    asked = WorkItem.objects.filter(
        kind=WorkKind.PASSAGE, subject_type=PASSAGE, subject_id=passage.pk, batch=review_batch(task.pk),
        state=WorkState.OPEN,
    )  # fmt: skip
    held = Assignment.objects.filter(TAKEN, item=OuterRef("pk"))
    asked.exclude(Exists(held)).update(state=WorkState.CLOSED)


def held_now(question: Question) -> bool:
    held = Assignment.objects.filter(item__subject_type=QUESTION, item__subject_id=question.pk)
    return held.filter(item__state=WorkState.OPEN, state=AssignmentState.CLAIMED, lease_until__gte=Now()).exists()


def drafting_ended(drafting: Drafting) -> None:
    """What the model did not come to, or people took meanwhile, may be asked of a model again."""
    drafting.drafts.filter(written_at=None).delete()


def drafting_example(draft: ModelDraft) -> dict[str, Any]:
    """The question as the model sees it: see ml.prompting.Example."""
    question = draft.question
    assert question is not None, "what has no question yet is asked for one first"
    return {
        "id": str(draft.pk),
        "system": question.system or question.task.system_prompt,
        "instruction": question.instruction,
        "input": question.input,
        "response": "",
        "turns": [],
        "language": question.language,
    }


def passage_example(draft: ModelDraft, template: dict[str, Any], question: str = ASK) -> dict[str, Any]:
    """A passage with what is asked of it: first for a question, then that question, to be answered from the passage."""
    passage, task = draft.passage, draft.drafting.task
    assert passage is not None, "what has no question yet has a passage"
    reads_input = "{{input}}" in template["prompt"]
    return {
        "id": str(draft.pk),
        "system": task.system_prompt,
        "instruction": question if reads_input else f"{passage.text}\n\n{question}",
        "input": passage.text if reads_input else "",
        "response": "",
        "turns": [],
        "language": passage.document.language or task.language,
    }


def question_read(text: str) -> str:
    """The question in what a model said: its first line, without a label and quotation marks around it."""
    first = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return LABEL.sub("", first, count=1).strip('"“”„«» ')[:LONGEST_QUESTION]
