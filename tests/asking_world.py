"""A task whose questions people answer, alone or several of them."""

from collections.abc import Callable

import pytest

from core.choices import Role, WorkKind
from core.models import Assignment, Project, User
from core.services.work import work_claim_next
from curation.fingerprints import Texts
from curation.models import Answer, Question, Task
from curation.services.answers import answer_submit
from curation.services.questions import questions_ask
from curation.services.tasks import task_create
from tests.world import join

ASKED = {"instruction": "How high may a fence be?", "topic": "fences"}


@pytest.fixture(name="task")
def task_fixture(project: Project, owner: User) -> Task:
    return task_create(actor=owner, project=project, name="Advise")


@pytest.fixture(name="second")
def second_fixture(make_user: Callable[..., User], project: Project) -> User:
    return join(project, make_user("Emil"), Role.EXPERT)


def ask(task: Task, needed: int = 1, **row: str) -> Question:
    [made] = questions_ask(actor=task.created_by, task=task, rows=[row or ASKED], needed=needed)
    return made


def hold(user: User, project: Project, kind: WorkKind = WorkKind.WRITE) -> Assignment:
    found = work_claim_next(user=user, project=project, kind=kind)
    assert found is not None
    return found


def texts(response: str, instruction: str = ASKED["instruction"]) -> Texts:
    return Texts(instruction=instruction, response=response, topic="fences")


def answer(user: User, project: Project, response: str) -> Answer:
    return answer_submit(actor=user, assignment=hold(user, project), texts=texts(response))
