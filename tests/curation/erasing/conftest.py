"""What all tests of erasing begin with: an empty journal, a pair about somebody, a version that holds it.

Imports that need Django stand inside: pytest reads this file before the main conftest has made Django ready.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from core.models import Project, User
    from curation.models import DatasetVersion, Pair, Task


@pytest.fixture(autouse=True)
def journal() -> None:
    from curation.services.erasure_journal import journal_path

    journal_path().unlink(missing_ok=True)


@pytest.fixture
def task(project: Project, owner: User) -> Task:
    from curation.services.tasks import task_create

    return task_create(actor=owner, project=project, name="Advise")


@pytest.fixture
def secret(task: Task, expert: User, reviewer: User, owner: User) -> Pair:
    from tests.curation.erasing.world import secret_pair

    return secret_pair(task, expert, reviewer, owner)


@pytest.fixture
def version(task: Task, owner: User, secret: Pair) -> DatasetVersion:
    from tests.curation.erasing.world import version_of

    return version_of(task, owner)
