"""What all tests of imports begin with: a store of its own for what arrives, a task, and a file brought in whole.

Imports that need Django stand inside: pytest reads this file before the main conftest has made Django ready.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from core.models import Project, User
    from curation.models import Task
    from tests.curation.importing.world import Bring


@pytest.fixture(autouse=True)
def uploads(settings: Any, tmp_path: Path) -> Path:
    settings.UPLOADS = tmp_path / "uploads"
    settings.UPLOADS.mkdir()
    return tmp_path / "uploads"


@pytest.fixture
def task(project: Project, owner: User) -> Task:
    from curation.services.tasks import task_create

    return task_create(actor=owner, project=project, name="Answer questions")


@pytest.fixture
def bring(task: Task, owner: User) -> Bring:
    from tests.curation.importing.world import brought

    return partial(brought, task, owner)
