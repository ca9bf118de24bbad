"""Drafts by a model: asked for by an owner, written by a job, corrected by people. None of them counts by itself."""

from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from core import registries
from core.choices import AssignmentState, WorkKind, WorkState
from core.denied import ApplicationError
from core.models import Assignment, User, WorkItem
from core.registries import AskableModel
from core.services.events import event_record
from core.services.jobs import job_create
from core.services.work import work_close, work_open
from curation.choices import QuestionKind, QuestionState
from curation.models import Drafting, ModelDraft, Question, Task
from curation.services.pairs import review_batch
from curation.services.questions import SUBJECT
from ml.hashing import text_sha256

KIND = "draft"
MOST_QUESTIONS = 2_000


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
    drafting = Drafting.objects.create(
        project=task.project,
        task=task,
        model_key=model.key,
        model_name=model.name[:160],
        release=model.release,
        model_fingerprint=model.fingerprint,
        blind=blind,
        settings={"max_new_tokens": max_new_tokens},
        asked=len(questions),
        created_by=actor,
    )
    ModelDraft.objects.bulk_create(ModelDraft(question=question, drafting=drafting) for question in questions)
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
    event_record(actor=actor, action="drafts.asked", project=task.project, subject=drafting, count=len(questions))
    return drafting


def model_named(task: Task, key: str) -> AskableModel:
    model = next((model for model in registries.models_to_ask(task.project) if model.key == key), None)
    if model is None:
        raise ApplicationError(_("This model is not registered here any more; choose another."), field="model")
    return model


def undrafted(task: Task) -> QuerySet[Question]:
    """Open questions that nobody has answered or is answering, and no model has been asked."""
    busy = Assignment.objects.filter(
        item__subject_type=SUBJECT,
        item__subject_id=OuterRef("pk"),
        state=AssignmentState.CLAIMED,
        lease_until__gte=Now(),
    )
    return Question.objects.filter(
        task=task, kind=QuestionKind.ANSWER, state=QuestionState.OPEN, answers=None, draft=None
    ).exclude(Exists(busy))


@transaction.atomic
def draft_store(*, draft: ModelDraft, text: str, finish_reason: str) -> bool:
    """Put a model's text beside its question and ask people to correct it instead of writing from nothing.

    Stored twice, it is one draft. False: people were faster, or the model said nothing; then nothing changes.
    """
    draft = ModelDraft.objects.select_for_update().select_related("question").get(pk=draft.pk)
    question = Question.objects.select_for_update().get(pk=draft.question_id)
    if draft.written_at is not None:
        return True
    if question.state != QuestionState.OPEN or question.answers.exists() or held_now(question) or not text.strip():
        return False
    ModelDraft.objects.filter(pk=draft.pk).update(
        text=text, fingerprint=text_sha256(text), finish_reason=finish_reason[:16], written_at=Now()
    )
    order = WorkItem.objects.filter(subject_type=SUBJECT, subject_id=question.pk).order_by("-pk").first()
    work_close(kind=WorkKind.WRITE, subject_type=SUBJECT, subject_id=question.pk)
    work_open(
        project=question.project,
        kind=WorkKind.CORRECT,
        subject_type=SUBJECT,
        subject_id=question.pk,
        batch=review_batch(question.task_id),
        needed=question.needed,
        order=order.order if order else 0,
    )
    return True


def held_now(question: Question) -> bool:
    held = Assignment.objects.filter(item__subject_type=SUBJECT, item__subject_id=question.pk)
    return held.filter(item__state=WorkState.OPEN, state=AssignmentState.CLAIMED, lease_until__gte=Now()).exists()


def drafting_ended(drafting: Drafting) -> None:
    """What the model did not come to, or people took meanwhile, may be asked of a model again."""
    drafting.drafts.filter(written_at=None).delete()


def drafting_example(draft: ModelDraft) -> dict[str, Any]:
    """The question as the model sees it: see ml.prompting.Example."""
    question = draft.question
    return {
        "id": str(draft.pk),
        "system": question.system or question.task.system_prompt,
        "instruction": question.instruction,
        "input": question.input,
        "response": "",
        "turns": [],
        "language": question.language,
    }
