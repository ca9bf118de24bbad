"""The job contract inside one process: claims, fences, leases, attempts."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from core import jobs, registries, sweeper, tasks
from core.choices import JobState
from core.denied import ApplicationError
from core.jobs import JobContext, JobDrained, JobFailed, JobHindered, JobStopped, LeaseLost
from core.model_server import ModelServerBusy
from core.models import Job, JobLog, Project
from tests.core.scripted import Scripted, ask, claim, expire, in_threads, plan, run_next, scripted_fixture  # noqa: F401

pytestmark = pytest.mark.django_db(transaction=True)


def test_claimers_at_the_same_moment_get_different_jobs() -> None:
    made = {ask().pk for _ in range(6)}
    claimed = in_threads(lambda number: claim(), 8)
    assert sorted(job.pk for job in claimed if job) == sorted(made)
    assert claimed.count(None) == 2
    assert set(Job.objects.values_list("attempt", "state")) == {(1, JobState.RUNNING)}


def test_a_claim_does_not_wait_for_a_row_that_another_holds() -> None:
    first, second = ask(), ask()
    with jobs.transaction.atomic():
        Job.objects.select_for_update().get(pk=first.pk)
        assert [job.pk for job in in_threads(lambda number: claim(), 1)] == [second.pk]


def test_jobs_start_by_priority_then_order_and_held_ones_and_other_capabilities_wait() -> None:
    plain, urgent, held, special = ask(), ask(priority=5), ask(priority=9), ask(priority=9, capability="gpu")
    Job.objects.filter(pk=held.pk).update(state=JobState.HELD)
    assert [job.pk for job in (claim(), claim()) if job] == [urgent.pk, plain.pk]
    assert claim() is None
    taken = claim(capabilities=("gpu",))
    assert taken is not None
    assert taken.pk == special.pk


def test_work_in_the_background_leaves_a_slot_for_what_somebody_waits_for() -> None:
    behind = [ask(priority=-1), ask(priority=-1)]
    assert claim(slots=2) == behind[0]
    assert claim(slots=2) is None
    wanted = ask()
    assert claim(slots=2) == wanted
    assert jobs.job_claim(queue="default", worker="other", slots=2) == behind[1], "each worker has slots of its own"
    Job.objects.update(state=JobState.DONE)
    last = [ask(priority=-1), ask(priority=-1)]
    assert [claim(slots=1), claim(slots=1)] == last, "an only slot is not kept empty"


def test_a_job_that_ends_well_is_done_with_its_result_and_full_progress() -> None:
    plan(lambda context: context.progress(1, 4, "a quarter") or {"rows": 3})
    job = ask()
    done = run_next()
    assert (done.state, done.result, done.progress_done, done.message) == ("done", {"rows": 3}, 4, "a quarter")
    assert done.lease_until is None
    assert Scripted.told == [(job.pk, "done")]


def test_an_old_attempt_changes_nothing() -> None:
    job = ask()
    old = claim()
    assert old is not None
    context = JobContext(old)
    expire(job)
    assert sweeper.sweep()["reaped"] == 1
    new = claim()
    assert new is not None
    assert (new.pk, new.attempt) == (job.pk, 2)
    before = Job.objects.filter(pk=job.pk).values().get()
    for write in (
        lambda: context.progress(1, 2),
        lambda: context.fruitful(),
        lambda: context.stop_intent(),
        lambda: context.log("late"),
        lambda: jobs.finish(context, JobState.DONE),
    ):
        with pytest.raises(LeaseLost):
            write()
    assert not jobs.requeue(jobs.owned(old), old)
    assert Job.objects.filter(pk=job.pk).values().get() == before
    assert not JobLog.objects.exists()
    assert Scripted.told == []


def test_a_run_that_lost_its_lease_ends_silently_whatever_it_raises() -> None:
    for error in (JobFailed("x"), JobStopped("x"), JobDrained(), ValueError("x"), None):
        job = ask()

        def lose(context: JobContext, error: Exception | None = error) -> None:
            Job.objects.filter(pk=context.job.pk).update(attempt=99)
            if error:
                raise error

        plan(lose)
        assert run_next().state == JobState.RUNNING
        Job.objects.filter(pk=job.pk).delete()
    assert Scripted.told == []


def test_a_lease_renewed_meanwhile_is_not_taken_away() -> None:
    job = ask()
    claim()
    stale = Job.objects.get(pk=job.pk)
    stale.lease_until = timezone.now() - timedelta(seconds=1)
    assert sweeper.reap_one(stale) is False
    Job.objects.filter(pk=job.pk).update(state=JobState.STOPPING)
    stale.state = JobState.STOPPING
    assert sweeper.reap_one(stale) is False
    assert Job.objects.get(pk=job.pk).state == JobState.STOPPING


def test_the_lease_is_renewed_while_the_job_runs(settings: Any) -> None:
    settings.HEARTBEAT_SECONDS, settings.LEASE_SECONDS = 0.1, 1
    seen: list[Any] = []

    def work(context: JobContext) -> None:
        for _ in range(2):
            seen.append(Job.objects.get(pk=context.job.pk).lease_until)
            threading.Event().wait(0.7)
        assert sweeper.sweep()["reaped"] == 0

    plan(work)
    ask()
    assert run_next().state == JobState.DONE
    assert seen[1] > seen[0]


def test_a_lease_that_ran_out_while_the_machine_slept_is_renewed_unless_somebody_took_the_job() -> None:
    ask()
    slept = claim()
    assert slept is not None
    expire(slept)
    assert jobs.renew(slept) is True
    assert sweeper.sweep()["reaped"] == 0
    expire(slept)
    assert sweeper.sweep()["reaped"] == 1
    assert jobs.renew(slept) is False, "it waits for another worker"
    again = claim()
    assert (again.pk, again.attempt) == (slept.pk, 2)  # type: ignore[union-attr]
    assert jobs.renew(slept) is False, "another attempt has it"


def test_a_start_that_knows_every_worker_dead_takes_back_what_they_held_at_once() -> None:
    held, waiting = ask(), ask()
    claim()
    assert sweeper.sweep()["reaped"] == 0, "its lease has a minute yet"
    assert sweeper.end_leases() == 1
    assert sweeper.sweep()["reaped"] == 1
    assert [Job.objects.get(pk=job.pk).state for job in (held, waiting)] == [JobState.QUEUED] * 2


def test_three_deaths_without_progress_fail_with_a_reason_people_can_read() -> None:
    job = ask()
    for attempt in (1, 2):
        claim()
        expire(job)
        sweeper.sweep()
        assert Job.objects.filter(pk=job.pk).values_list("state", "attempt").get() == (JobState.QUEUED, attempt)
    claim()
    expire(job)
    sweeper.sweep()
    failed = Job.objects.get(pk=job.pk)
    assert (failed.state, failed.attempt) == (JobState.FAILED, 3)
    assert failed.error.startswith("The worker died 3 times without getting anywhere.")
    assert Scripted.told == [(job.pk, JobState.FAILED)]


def test_an_attempt_that_brought_progress_starts_the_count_anew() -> None:
    job = ask()
    for _ in range(5):
        running = claim()
        assert running is not None
        JobContext(running).fruitful()
        expire(job)
        sweeper.sweep()
    assert Job.objects.filter(pk=job.pk).values_list("state", "attempt", "fruitless").get() == (JobState.QUEUED, 5, 0)


def test_a_drain_does_not_count_as_an_attempt_without_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    plan(lambda context: context.checkpoint())
    draining = threading.Event()
    draining.set()
    monkeypatch.setattr(jobs, "draining", draining)
    job = ask()
    for _ in range(4):
        assert run_next().state == JobState.QUEUED
    assert Job.objects.filter(pk=job.pk).values_list("attempt", "fruitless").get() == (4, 0)


def test_an_expected_failure_is_final_and_a_crash_is_tried_again_with_its_trace_kept() -> None:
    for expected in (JobFailed("The file has no rows."), ApplicationError("The file has no rows.")):
        plan(lambda context, error=expected: (_ for _ in ()).throw(error))
        ask()
        failed = run_next()
        assert (failed.state, failed.error, failed.attempt) == (JobState.FAILED, "The file has no rows.", 1)
        assert not failed.log.exists()
    plan(lambda context: 1 / 0)
    crashed = ask()
    assert [run_next().state for _ in range(3)] == [JobState.QUEUED, JobState.QUEUED, JobState.FAILED]
    crashed.refresh_from_db()
    assert crashed.error == "ZeroDivisionError: division by zero"
    assert list(crashed.log.values_list("attempt", "level")) == [(1, "error"), (2, "error"), (3, "error")]
    assert "1 / 0" in crashed.log.all()[0].message


def test_what_hindered_a_service_and_may_pass_is_tried_again_and_told_in_its_words() -> None:
    for hindrance in (JobHindered("It is busy."), ModelServerBusy("It is busy.")):
        plan(lambda context, error=hindrance: (_ for _ in ()).throw(error))
        job = ask()
        assert [run_next().state for _ in range(2)] == [JobState.QUEUED] * 2
        assert Job.objects.get(pk=job.pk).message == "It is busy."
        failed = run_next()
        assert (failed.state, failed.error) == (JobState.FAILED, "It is busy.")
        assert list(failed.log.values_list("message", flat=True)) == ["It is busy."] * 3
    plan(lambda context: (_ for _ in ()).throw(ModelServerBusy("It is busy.")))
    passed = ask()
    run_next()
    plan(lambda context: {"rows": 1})
    assert run_next().state == JobState.DONE
    assert Job.objects.get(pk=passed.pk).error == ""


def test_a_chore_that_fails_keeps_no_other_from_being_done(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[int] = []
    monkeypatch.setattr(registries, "chores", [lambda: 1 / 0, lambda: done.append(1)])
    tasks.sweep()
    assert done == [1]


@pytest.mark.parametrize("error", [JobFailed, ValueError])
def test_what_no_database_holds_does_not_keep_a_failure_from_being_told(error: type[Exception]) -> None:
    def work(context: JobContext) -> None:
        context.progress(1, 2, "Reading a\x00b")
        context.log("a\x00b")
        raise error("row \x00 and \ud800")

    plan(work)
    job = ask()
    while Job.objects.get(pk=job.pk).state == JobState.QUEUED:
        run_next()
    job.refresh_from_db()
    assert (job.state, job.message) == (JobState.FAILED, "Reading a?b")
    assert job.error.endswith("row ? and ?")
    assert job.log.first().message == "a?b"  # type: ignore[union-attr]


def test_work_of_an_unknown_kind_fails_with_a_sentence_and_blocks_nobody() -> None:
    unknown, good = ask(), ask()
    Job.objects.filter(pk=unknown.pk).update(kind="from.the.future")
    assert run_next().error == "This version of the program knows no work of the kind “from.the.future”."
    assert run_next().pk == good.pk


def test_one_job_that_cannot_be_ended_does_not_keep_others_from_being_taken_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bad, good = ask(), ask()
    monkeypatch.setattr(Scripted, "ended", lambda self, job: 1 / 0 if job.pk == bad.pk else None)
    claim(), claim()
    Job.objects.update(fruitless=3)
    expire(bad), expire(good)
    assert sweeper.sweep()["reaped"] == 1
    states = dict(Job.objects.values_list("pk", "state"))
    assert states == {bad.pk: JobState.RUNNING, good.pk: JobState.FAILED}


def test_a_job_of_a_rolled_back_transaction_does_not_exist_and_sends_nothing(
    monkeypatch: pytest.MonkeyPatch, project: Project
) -> None:
    sent: list[int] = []
    monkeypatch.setattr(jobs, "job_send", lambda job_id, queue: sent.append(job_id))

    @jobs.transaction.atomic
    def ask_and_fail() -> None:
        ask(project=project)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        ask_and_fail()
    assert (Job.objects.count(), sent) == (0, [])
    kept = ask(project=project)
    assert sent == [kept.pk]


def test_the_sweeper_sends_what_was_never_sent_or_long_ago(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    sent: list[int] = []
    monkeypatch.setattr(jobs, "job_send", lambda job_id, queue: sent.append(job_id) or True)
    monkeypatch.setattr(sweeper, "pokes_in", lambda queue: 0)
    never, recent, old, held = ask(), ask(), ask(), ask()
    sent.clear()
    Job.objects.filter(pk=recent.pk).update(dispatched_at=timezone.now())
    stale = timezone.now() - timedelta(seconds=2 * settings.SWEEP_SECONDS + 1)
    Job.objects.filter(pk=old.pk).update(dispatched_at=stale)
    Job.objects.filter(pk=held.pk).update(state=JobState.HELD)
    assert sweeper.sweep() == {"reaped": 0, "sent": 2}
    assert sent == [never.pk, old.pk]
