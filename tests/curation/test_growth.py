"""A freeze grows with its pairs and not with their square: told by the rows that the database touches, never by time.

The tests' database gathers no statistics by itself, so the planner knows as little as right after a large import.
"""

import hashlib
import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection

from core.models import Project, User
from core.services.projects import project_create
from curation.choices import VersionState
from curation.import_mapping import Mapping
from curation.models import DatasetVersion, Likeness, Suite, Task
from curation.services import leaks
from curation.services.imports import import_start, import_upload
from curation.services.tasks import task_create
from curation.services.versions import version_freeze
from tests.world import run_jobs

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
FEW, FRESH = 300, 20


def said(name: str, count: int) -> str:
    """Words that nothing else has."""
    return " ".join(hashlib.sha256(f"{name} {number}".encode()).hexdigest()[:6] for number in range(count))


def bring(task: Task, owner: User, name: str, count: int) -> None:
    """Approved pairs; of ten, two have a question in common."""
    asked = [said(f"{name} {number - (number % 10 == 1)}", 8) for number in range(count)]
    rows = [{"instruction": text, "output": said(f"{name} answer {number}", 25)} for number, text in enumerate(asked)]
    content = "".join(json.dumps(row) + "\n" for row in rows).encode()
    batch = import_upload(actor=owner, task=task, upload=SimpleUploadedFile("rows.jsonl", content))
    import_start(actor=owner, batch=batch, mapping=Mapping.from_json(batch.mapping), approve=True)
    run_jobs()


def freeze(task: Task) -> DatasetVersion:
    version = version_freeze(actor=None, task=task)
    run_jobs()
    version.refresh_from_db()
    assert version.state == VersionState.READY, version.error
    return version


def rows_touched() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute("SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) FROM pg_stat_user_tables")
        return int(cursor.fetchone()[0])


def test_a_second_freeze_of_twice_the_pairs_touches_twice_the_rows(owner: User) -> None:
    touched = []
    for size in (FEW, 2 * FEW):
        task = task_create(actor=owner, project=project_create(actor=owner, name=f"{size} pairs"), name="Advise")
        bring(task, owner, "first", size)
        assert freeze(task).counts["pairs"] == size
        bring(task, owner, "later", FRESH)
        before = rows_touched()
        assert freeze(task).counts["pairs"] == size + FRESH
        touched.append(rows_touched() - before)
    # The planner's choice, made without statistics, sways by a fifth; what grows with the square comes to four or more.
    assert touched[1] < 3 * touched[0], f"{touched[1] / touched[0]:.1f} times as many"


def test_a_suite_that_asks_nothing_new_costs_no_look_at_the_pairs(
    owner: User, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = task_create(actor=owner, project=project, name="Advise")
    bring(task, owner, "first", 30)
    freeze(task)
    newer = Suite.objects.create(project=project, task=task, name="Another", sha256="0" * 64)
    read: list[int] = []
    kept = leaks.pairs_compared
    monkeypatch.setattr(leaks, "pairs_compared", lambda revisions: read.extend(revisions) or kept(revisions))
    leaks.leaks_update(task, lambda *_told: None)
    assert read == []
    looked = Likeness.objects.filter(task=task, compared=True).values_list("suites_upto", flat=True)
    assert set(looked) == {newer.pk}, "yet they count as looked at"
