"""Rows come in by a job: once however often it runs, all of them or none."""

from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from core.choices import JobState
from core.denied import ApplicationError
from core.jobs import JobContext
from core.models import Job, User
from core.services.jobs import job_stop
from curation.choices import ImportState, Origin, PairState, ReviewBasis
from curation.import_mapping import Mapping
from curation.models import Pair, Review, Task
from curation.services.import_storing import Storing
from curation.services.imports import import_start, import_upload
from tests.curation.importing.world import Bring, alpaca, lines
from tests.world import run_jobs

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.slow
def test_rows_wait_for_review_unless_the_import_approves_them(bring: Bring, owner: User) -> None:
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


def test_the_same_file_twice_adds_nothing(bring: Bring, uploads: Path) -> None:
    text = lines(*map(alpaca, range(5)), alpaca(2))
    first, second = bring(text), bring(text)
    assert (first.accepted, first.duplicates) == (5, 1)
    assert (second.accepted, second.duplicates, second.refused) == (0, 6, 0)
    assert Pair.objects.count() == 5
    assert not list(uploads.iterdir())


def test_missing_columns_are_refused_before_the_job(task: Task, owner: User) -> None:
    batch = import_upload(actor=owner, task=task, upload=SimpleUploadedFile("p.csv", b"foo,bar\n1,2\n"))
    with pytest.raises(ApplicationError) as refused:
        import_start(actor=owner, batch=batch, mapping=Mapping.from_json(batch.mapping))
    assert refused.value.field == "instruction"
    unknown = Mapping("columns", {"instruction": "foo", "response": "nix"})
    with pytest.raises(ApplicationError, match="no column “nix”"):
        import_start(actor=owner, batch=batch, mapping=unknown)
    assert not Job.objects.exists()


def test_a_conversation_and_earlier_turns_are_not_chosen_together(task: Task, owner: User) -> None:
    turns = [{"role": "user", "content": "Q?"}, {"role": "assistant", "content": "A."}]
    upload = SimpleUploadedFile("p.jsonl", lines({"messages": turns, "before": []}).encode())
    batch = import_upload(actor=owner, task=task, upload=upload)
    with pytest.raises(ApplicationError, match="choose either column") as refused:
        import_start(actor=owner, batch=batch, mapping=Mapping("columns", {}, "messages", [], "before"))
    assert refused.value.field == "turns"
    assert not Job.objects.exists()


def test_a_stopped_import_leaves_nothing_and_can_be_started_again(
    task: Task, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("curation.services.imports.BATCH", 2)
    monkeypatch.setattr("curation.services.imports.TELL_SECONDS", 0)
    upload = SimpleUploadedFile("p.jsonl", lines(*map(alpaca, range(10))).encode())
    batch = import_upload(actor=owner, task=task, upload=upload)
    mapping = Mapping.from_json(batch.mapping)
    import_start(actor=owner, batch=batch, mapping=mapping)
    seen: list[int] = []

    def progress(self: JobContext, done: int, *_args: object, **_named: object) -> None:
        seen.append(Pair.objects.count())
        job_stop(actor=owner, job=self.job)

    monkeypatch.setattr(JobContext, "progress", progress)
    [job] = run_jobs()
    monkeypatch.undo()
    batch.refresh_from_db()
    assert (job.state, batch.state, seen) == (JobState.CANCELLED, ImportState.CANCELLED, [0])
    assert not Pair.objects.exists()
    import_start(actor=owner, batch=batch, mapping=mapping)
    run_jobs()
    assert Pair.objects.count() == 10


def test_a_crash_before_the_commit_leaves_nothing_and_one_after_it_adds_nothing(
    task: Task, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = import_upload(
        actor=owner, task=task, upload=SimpleUploadedFile("p.jsonl", lines(*map(alpaca, range(9))).encode())
    )
    import_start(actor=owner, batch=batch, mapping=Mapping.from_json(batch.mapping))
    finish, calls = Storing.finish, []

    def crash(self: Storing, hold: Any) -> None:
        calls.append(Pair.objects.count())
        if len(calls) == 2:
            finish(self, hold)
        raise OSError("the worker's disk is gone")

    monkeypatch.setattr(Storing, "finish", crash)
    jobs = run_jobs()
    assert calls == [0, 0], "what is stored is not read again"
    assert [job.state for job in jobs if job.kind == "import"] == ["queued", "queued", "done"]
    batch.refresh_from_db()
    assert (batch.accepted, batch.duplicates, Pair.objects.count()) == (9, 0, 9)


def test_a_worker_that_lost_its_lease_commits_nothing(task: Task, owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = import_upload(actor=owner, task=task, upload=SimpleUploadedFile("p.jsonl", lines(alpaca(1)).encode()))
    import_start(actor=owner, batch=batch, mapping=Mapping.from_json(batch.mapping))
    finish = Storing.finish

    def taken_over(self: Storing, hold: Any) -> None:
        Job.objects.filter(kind="import").update(attempt=7)
        finish(self, hold)

    monkeypatch.setattr(Storing, "finish", taken_over)
    run_jobs()
    batch.refresh_from_db()
    assert not Pair.objects.exists()
    assert batch.state == ImportState.RUNNING
