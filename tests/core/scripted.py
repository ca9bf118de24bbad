"""A kind of job that does what a test says, and the few words with which tests of jobs speak."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from core import jobs
from core.choices import Queue
from core.jobs import JobContext, JobRunner
from core.models import Job
from core.services.jobs import job_create


class Scripted(JobRunner):
    """Does what the test put into `script`, and remembers for which jobs `ended` was called."""

    kind = "test.scripted"
    queue = Queue.DEFAULT
    title = "Scripted"
    script: Callable[[JobContext], Any] = staticmethod(lambda context: None)
    told: list[tuple[int, str]] = []

    def run(self, context: JobContext) -> Any:
        return type(self).script(context)

    def ended(self, job: Job) -> None:
        type(self).told.append((job.pk, job.state))


@pytest.fixture(name="scripted", autouse=True)
def scripted_fixture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(jobs.runners, "test.scripted", Scripted)
    monkeypatch.setattr(jobs, "job_send", lambda job_id, queue: True)
    monkeypatch.setattr(Scripted, "script", staticmethod(lambda context: None))
    monkeypatch.setattr(Scripted, "told", [])


def plan(script: Callable[[JobContext], Any]) -> None:
    Scripted.script = staticmethod(script)


def ask(**more: Any) -> Job:
    return job_create(actor=None, kind="test.scripted", **more)


def claim(**more: Any) -> Job | None:
    return jobs.job_claim(queue="default", worker="w", **more)


def run_next() -> Job:
    job = claim()
    assert job is not None
    jobs.job_execute(job)
    return Job.objects.get(pk=job.pk)


def expire(job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(lease_until=timezone.now() - timedelta(seconds=1))


def in_threads(work: Callable[[int], Any], count: int) -> list[Any]:
    """Run `work(0..count-1)` at the same moment, each with a database connection of its own."""
    results: list[Any] = [None] * count
    gate = threading.Barrier(count)

    def one(number: int) -> None:
        try:
            gate.wait(10)
            results[number] = work(number)
        except Exception as error:
            results[number] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=one, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return results
