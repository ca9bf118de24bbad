"""Questions, a model that is asked to draft, what it writes, and people who correct it."""

from typing import Any

import pytest

from core.choices import WorkKind
from core.models import Assignment, Project, User
from core.services.work import work_claim_next
from curation.fingerprints import Texts
from curation.models import Answer, Drafting, ModelDraft, Question, Task
from curation.services.answers import answer_submit
from curation.services.drafting import draft_store, drafting_start
from curation.services.questions import questions_ask
from curation.services.tasks import task_create
from training.choices import ModelState
from training.models import BaseModel

ASKED = ("How high may a fence be?", "How deep is a footing?", "How wide is a stair?")
WRITTEN = "A fence may be one metre high."


@pytest.fixture(name="task")
def task_fixture(project: Project, owner: User) -> Task:
    return task_create(actor=owner, project=project, name="Advise")


@pytest.fixture(name="questions")
def questions_fixture(task: Task, owner: User) -> list[Question]:
    return questions_ask(actor=owner, task=task, rows=[{"instruction": text} for text in ASKED])


@pytest.fixture(name="base")
def base_fixture(db: None) -> BaseModel:
    """A registered model; only the test of the job opens its folder."""
    return BaseModel.objects.create(
        name="Plain", folder="base/plain", state=ModelState.READY, fingerprint="f", tokenizer_fingerprint="t"
    )


def start(task: Task, base: BaseModel, **more: Any) -> Drafting:
    return drafting_start(actor=task.created_by, task=task, model_key=f"base-{base.pk}", **more)


def write(drafting: Drafting, text: str = WRITTEN, finish_reason: str = "stop") -> list[ModelDraft]:
    for draft in drafting.drafts.order_by("pk"):
        draft_store(draft=draft, text=text, finish_reason=finish_reason)
    return list(drafting.drafts.filter(written_at__isnull=False).order_by("pk"))


def hold(user: User, project: Project, kind: WorkKind = WorkKind.CORRECT) -> Assignment:
    found = work_claim_next(user=user, project=project, kind=kind)
    assert found is not None
    return found


def correct(user: User, project: Project, response: str, seconds: float | None = None) -> Answer:
    held = hold(user, project)
    asked = Question.objects.get(pk=held.item.subject_id)
    texts = Texts(instruction=asked.instruction, response=response)
    return answer_submit(actor=user, assignment=held, texts=texts, seconds=seconds)
