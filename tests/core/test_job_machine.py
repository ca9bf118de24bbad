"""Any order of asking, claiming, dying, sweeping and stopping keeps the rows honest."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from core import jobs, sweeper
from core.choices import JOB_ACTIVE, JOB_ENDED, JOB_WAITING, JobState, Queue
from core.denied import ApplicationError
from core.jobs import JobContext, JobRunner, LeaseLost
from core.models import Job, User
from core.services.jobs import job_create, job_hold, job_move, job_retry, job_stop
from core.services.people import user_create

pytestmark = pytest.mark.slow

ENDS: list[tuple[int, str]] = []


class Quiet(JobRunner):
    kind = "test.quiet"
    queue = Queue.DEFAULT
    title = "Quiet"

    def ended(self, job: Job) -> None:
        ENDS.append((job.pk, job.state))


class Jobs(RuleBasedStateMachine):
    """Workers are contexts that may be alive, or dead with their lease still running or run out."""

    person: User

    def __init__(self) -> None:
        super().__init__()
        self.point = transaction.savepoint()
        Job.objects.all().delete()
        ENDS.clear()
        self.contexts: list[JobContext] = []

    def teardown(self) -> None:
        transaction.savepoint_rollback(self.point)

    def pick(self, number: int) -> Job:
        rows = list(Job.objects.order_by("pk"))
        return rows[number % len(rows)]

    @initialize(count=st.integers(2, 4))
    def begin(self, count: int) -> None:
        for _ in range(count):
            self.ask(0, "")
        self.claim()

    @precondition(lambda self: Job.objects.count() < 6)
    @rule(priority=st.integers(0, 2), once=st.sampled_from(["", "a"]))
    def ask(self, priority: int, once: str) -> None:
        job_create(actor=self.person, kind="test.quiet", priority=priority, once_key=once)

    @precondition(lambda self: Job.objects.filter(state=JobState.QUEUED).exists())
    @rule()
    def claim(self) -> None:
        first = Job.objects.filter(state=JobState.QUEUED).order_by("-priority", "order", "pk").first()
        job = jobs.job_claim(queue="default", worker="w")
        assert (job.pk if job else None) == (first.pk if first else None)
        if job:
            self.contexts.append(JobContext(job))

    @precondition(lambda self: self.contexts)
    @rule(number=st.integers(0, 99), way=st.sampled_from(["progress", "fruitful", "done", "failed", "crash", "drain"]))
    def work(self, number: int, way: str) -> None:
        """A worker acts, however long ago its claim was. It may write exactly when the attempt is still its own."""
        context = self.contexts[number % len(self.contexts)]
        now = Job.objects.get(pk=context.job.pk)
        owns = now.attempt == context.job.attempt and now.state in JOB_ACTIVE
        before = Job.objects.filter(pk=now.pk).values().get()
        try:
            if way == "progress":
                context.progress(1, 2)
            elif way == "fruitful":
                context.fruitful()
            elif way == "drain":
                jobs.requeue(jobs.owned(context.job), context.job)
            elif way == "crash":
                jobs.crashed(context, ValueError("x"))
            else:
                jobs.finish(context, JobState.DONE if way == "done" else JobState.FAILED)
            wrote = True
        except LeaseLost:
            wrote = False
        if not owns:
            assert not wrote or way in {"drain", "crash"}
            assert Job.objects.filter(pk=now.pk).values().get() == before

    @precondition(lambda self: Job.objects.filter(state__in=JOB_ACTIVE).exists())
    @rule(number=st.integers(0, 99), swept=st.booleans())
    def lease_ends(self, number: int, swept: bool) -> None:
        """A worker dies or sleeps; the sweeper may come before it acts again, or not."""
        active = list(Job.objects.filter(state__in=JOB_ACTIVE).order_by("pk"))
        late = timezone.now() - timedelta(seconds=1)
        Job.objects.filter(pk=active[number % len(active)].pk).update(lease_until=late)
        if swept:
            expired = Job.objects.filter(state__in=JOB_ACTIVE, lease_until__lt=timezone.now())
            count = expired.count()
            assert sweeper.sweep()["reaped"] == count > 0
            assert not expired.exists()

    @rule(number=st.integers(0, 99), intent=st.sampled_from(["stop", "cancel"]))
    def stop(self, number: int, intent: str) -> None:
        job_stop(actor=self.person, job=self.pick(number), intent=intent)

    @rule(number=st.integers(0, 99), way=st.sampled_from(["hold", "release", "first", "up", "down", "last", "retry"]))
    def order(self, number: int, way: str) -> None:
        job = self.pick(number)
        before = Job.objects.filter(pk=job.pk).values().get()
        try:
            if way in {"hold", "release"}:
                job_hold(actor=self.person, job=job, hold=way == "hold")
            elif way == "retry":
                job_retry(actor=self.person, job=job)
            else:
                job_move(actor=self.person, job=job, to=way)
        except ApplicationError:
            assert Job.objects.filter(pk=job.pk).values().get() == before

    @invariant()
    def rows_are_honest(self) -> None:
        for job in Job.objects.all():
            assert (job.lease_until is not None) == (job.state in JOB_ACTIVE)
            assert (job.ended_at is not None) == (job.state in JOB_ENDED)
            assert job.fruitless <= job.max_attempts
            assert job.fruitless <= job.attempt
            assert job.state in (*JOB_WAITING, *JOB_ACTIVE, *JOB_ENDED)
            told = [state for pk, state in ENDS if pk == job.pk]
            if job.state in JOB_ENDED:
                assert told[-1] == job.state
        open_once = Job.objects.filter(once_key="a").exclude(state__in=JOB_ENDED)
        assert open_once.count() <= 1


@pytest.mark.django_db
def test_any_order_of_events_keeps_the_rows_honest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(jobs.runners, "test.quiet", Quiet)
    monkeypatch.setattr(jobs, "job_send", lambda job_id, queue: True)
    monkeypatch.setattr(sweeper, "pokes_in", lambda queue: 0)
    person = user_create(actor=None, email="p@example.org", name="P", password="Twelve blue kettles")

    class Machine(Jobs):
        pass

    Machine.person = person
    case: Any = Machine.TestCase
    case.settings = settings(
        max_examples=25,
        stateful_step_count=40,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        derandomize=True,
    )
    case().runTest()
