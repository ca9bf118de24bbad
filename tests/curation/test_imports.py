"""Files of every kind: each row is accepted or reported with its number and reason, never half an import."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from core.choices import JobState
from core.denied import ApplicationError
from core.models import Job, Project, User
from core.services.jobs import job_stop
from curation.choices import ImportState, Origin, PairState, ReviewBasis
from curation.models import Import, Pair, Review, Task
from curation.services.import_mapping import Mapping
from curation.services.imports import import_start, import_upload
from curation.services.tasks import task_create
from tests.world import run_jobs

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def task(project: Project, owner: User) -> Task:
    return task_create(actor=owner, project=project, name="Answer questions")


@pytest.fixture
def bring(task: Task, owner: User) -> Callable[..., Import]:
    """Upload, start with the recognised columns, and do the job."""

    def do(content: bytes | str, name: str = "pairs.jsonl", approve: bool = False) -> Import:
        data = content.encode() if isinstance(content, str) else content
        batch = import_upload(actor=owner, task=task, upload=SimpleUploadedFile(name, data))
        import_start(actor=owner, batch=batch, mapping=Mapping.from_json(batch.mapping), approve=approve)
        run_jobs()
        batch.refresh_from_db()
        return batch

    return do


def lines(*rows: Any) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def alpaca(number: int) -> dict[str, str]:
    return {"instruction": f"What is {number}?", "input": "", "output": f"It is {number}."}


def test_rows_wait_for_review_unless_the_import_approves_them(bring: Callable[..., Import], owner: User) -> None:
    batch = bring(lines(*map(alpaca, range(3))))
    assert (batch.state, batch.rows, batch.accepted, batch.refused) == (ImportState.DONE, 3, 3, 0)
    pairs = Pair.objects.order_by("pk")
    assert [(pair.state, pair.current.instruction, pair.current.origin) for pair in pairs] == [
        (PairState.SUBMITTED, f"What is {number}?", Origin.IMPORTED) for number in range(3)
    ]
    assert not Review.objects.exists()
    approved = bring(lines(*map(alpaca, range(10, 12))), approve=True)
    assert {pair.state for pair in Pair.objects.filter(imported_by=approved)} == {PairState.APPROVED}
    reviews = Review.objects.all()
    assert [(review.basis, review.reviewer) for review in reviews] == [(ReviewBasis.IMPORT, owner)] * 2


def test_the_same_file_twice_adds_nothing(bring: Callable[..., Import]) -> None:
    text = lines(*map(alpaca, range(5)), alpaca(2))
    first, second = bring(text), bring(text)
    assert (first.accepted, first.duplicates) == (5, 1)
    assert (second.accepted, second.duplicates, second.refused) == (0, 6, 0)
    assert Pair.objects.count() == 5


def test_a_broken_line_is_reported_with_its_number_and_the_others_are_taken(bring: Callable[..., Import]) -> None:
    text = lines(*map(alpaca, range(3))) + '{"instruction": "x", \n' + lines(alpaca(9), ["no", "object"])
    batch = bring(text)
    assert (batch.rows, batch.accepted, batch.refused) == (6, 4, 2)
    problems = [(problem.row, problem.reason) for problem in batch.problems.all()]
    assert problems[0][0] == 4
    assert problems[0][1].startswith("This line is not valid JSON")
    assert problems[1] == (6, "This line is not a JSON object with named fields.")
