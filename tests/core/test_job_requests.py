"""What people ask of jobs: to stop, to wait, to come sooner, to be tried again; asked twice is asked once."""

import pytest

from core import sweeper
from core.choices import JobState
from core.denied import ApplicationError
from core.jobs import JobContext, JobFailed
from core.models import Event, Job, User
from core.services.jobs import job_hold, job_move, job_retry, job_stop
from tests.core.scripted import Scripted, ask, claim, expire, in_threads, plan, run_next, scripted_fixture  # noqa: F401

pytestmark = pytest.mark.django_db(transaction=True)


def test_stopping_a_waiting_job_ends_it_at_once_and_twice_is_once(owner: User) -> None:
    job = ask()
    for _ in range(2):
        job = job_stop(actor=owner, job=job)
        assert (job.state, job.message) == (JobState.CANCELLED, "Cancelled before it started.")
    assert Scripted.told == [(job.pk, JobState.CANCELLED)]
    assert Event.objects.filter(action="job.cancel").count() == 1


def test_a_running_job_is_asked_to_stop_and_the_worker_obeys(owner: User) -> None:
    seen: list[str] = []

    def work(context: JobContext) -> None:
        seen.append(context.stop_intent())
        job_stop(actor=owner, job=context.job, intent="stop")
        seen.append(context.stop_intent())
        job_stop(actor=owner, job=context.job, intent="cancel")
        seen.append(context.stop_intent())
        context.checkpoint()

    plan(work)
    ask()
    ended = run_next()
    assert seen == ["", "stop", "cancel"]
    assert (ended.state, ended.message) == (JobState.CANCELLED, "Stopped on request.")


def test_a_job_asked_to_stop_whose_worker_died_ends_as_cancelled(owner: User) -> None:
    job = ask()
    claim()
    job_stop(actor=owner, job=job)
    expire(job)
    sweeper.sweep()
    assert Job.objects.get(pk=job.pk).state == JobState.CANCELLED
    assert Scripted.told == [(job.pk, JobState.CANCELLED)]


def test_one_open_job_per_once_key_even_when_asked_at_the_same_moment(owner: User) -> None:
    made = in_threads(lambda number: ask(once_key="freeze 7").pk, 8)
    assert len(set(made)) == 1
    assert Job.objects.count() == 1
    run_next()
    again = ask(once_key="freeze 7")
    assert again.pk != made[0]


def test_asked_for_again_with_more_haste_a_waiting_job_comes_sooner() -> None:
    first = ask(once_key="a", priority=-1)
    assert ask(once_key="a", priority=-2) == first
    assert Job.objects.get().priority == -1
    assert ask(once_key="a") == first
    assert Job.objects.get().priority == 0


def test_a_failed_job_is_not_started_again_beside_its_successor(owner: User) -> None:
    plan(lambda context: (_ for _ in ()).throw(JobFailed("no")))
    first = ask(once_key="freeze 7")
    run_next()
    second = ask(once_key="freeze 7")
    with pytest.raises(ApplicationError, match="queued or running as another job"):
        job_retry(actor=owner, job=first)
    assert Job.objects.get(pk=first.pk).state == JobState.FAILED
    run_next()
    assert job_retry(actor=owner, job=second).state == JobState.QUEUED
    with pytest.raises(ApplicationError, match="Only a failed or cancelled job"):
        job_retry(actor=owner, job=second)


def test_holding_releasing_and_moving(owner: User) -> None:
    a, b, c = ask(), ask(), ask()
    job_hold(actor=owner, job=a, hold=True)
    job_move(actor=owner, job=c, to="first")
    job_move(actor=owner, job=b, to="last")
    job_hold(actor=owner, job=a, hold=False)
    with pytest.raises(ApplicationError, match="not waiting any more"):
        job_hold(actor=owner, job=a, hold=False)
    assert [job.pk for job in (claim(), claim(), claim()) if job] == [c.pk, a.pk, b.pk]
    with pytest.raises(ApplicationError, match="not waiting any more"):
        job_move(actor=owner, job=a, to="first")
