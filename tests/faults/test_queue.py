"""The job contract under faults, with real workers, a real Redis and a real PostgreSQL."""

import signal
import time
from datetime import timedelta
from typing import Any

import pytest
import redis as redis_client
from django.utils import timezone

from core.choices import JOB_ENDED, JobState, Queue
from core.jobs import job_send
from core.models import Heartbeat, Job, User
from core.selectors import health
from core.selectors.health import find_notices
from core.services.jobs import job_create, job_stop
from core.services.people import user_create
from core.sweeper import sweep
from tests.faults.plant import Plant, plant_fixture, wait_for  # noqa: F401  the fixture is used by its name

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.django_db(transaction=True)]


def ask(plant: Plant, **arguments: object) -> Job:
    return job_create(actor=None, kind="test.probe", arguments={"effects": str(plant.folder / "effects"), **arguments})


def effects(plant: Plant) -> list[str]:
    path = plant.folder / "effects"
    return sorted(path.read_text().splitlines()) if path.exists() else []


def fresh(job: Job) -> Job:
    return Job.objects.get(pk=job.pk)


def wait_state(job: Job, *states: str, seconds: float = 60.0) -> Job:
    wait_for(lambda: fresh(job).state in states, seconds)
    return fresh(job)


def flush(plant: Plant) -> None:
    with redis_client.from_url(plant.redis.url.replace("redis+socket://", "unix://", 1)) as client:
        client.flushall()


def test_jobs_whose_pokes_were_wiped_with_redis_are_done_once(plant: Plant) -> None:
    jobs = [ask(plant) for _ in range(3)]
    flush(plant)
    plant.start_worker()
    for job in jobs:
        assert wait_state(job, *JOB_ENDED).state == JobState.DONE
    assert effects(plant) == sorted(f"{job.pk} 1" for job in jobs)


def test_a_message_delivered_five_times_has_one_effect(plant: Plant) -> None:
    job = ask(plant, seconds=0.5)
    for _ in range(4):
        assert job_send(job.pk, "default")
    plant.start_worker()
    wait_state(job, JobState.DONE)
    job_send(job.pk, "default")
    job_send(999_999, "default")
    last = ask(plant)
    wait_state(last, JobState.DONE)
    assert effects(plant) == sorted([f"{job.pk} 1", f"{last.pk} 1"])
    assert fresh(job).attempt == 1


def test_a_job_whose_worker_was_killed_is_done_by_the_next_one(plant: Plant) -> None:
    first = plant.start_worker()
    job = ask(plant, seconds=4)
    wait_state(job, JobState.RUNNING)
    first.kill()
    plant.start_worker()
    wait_for(lambda: fresh(job).attempt == 2)
    done = wait_state(job, *JOB_ENDED)
    assert (done.state, done.attempt, done.fruitless) == (JobState.DONE, 2, 2)
    assert effects(plant) == [f"{job.pk} 2"]


def test_a_worker_that_slept_past_its_lease_changes_nothing(plant: Plant) -> None:
    sleeper = plant.start_worker()
    job = ask(plant, seconds=3)
    wait_state(job, JobState.RUNNING)
    sleeper.send(signal.SIGSTOP)
    other = plant.start_worker()
    done = wait_state(job, *JOB_ENDED)
    assert (done.state, done.attempt, done.result) == (JobState.DONE, 2, {"pid": other.process.pid})
    before = Job.objects.filter(pk=job.pk).values().get()
    sleeper.send(signal.SIGCONT)
    wait_for(lambda: b"lease_lost" in sleeper.log.read_bytes())
    assert Job.objects.filter(pk=job.pk).values().get() == before
    assert effects(plant) == [f"{job.pk} 2"]


def test_a_worker_told_to_stop_gives_its_job_back_uncounted(plant: Plant) -> None:
    first = plant.start_worker()
    job = ask(plant, seconds=6)
    wait_state(job, JobState.RUNNING)
    first.stop()
    back = fresh(job)
    assert (back.state, back.attempt, back.fruitless) == (JobState.QUEUED, 1, 0)
    assert effects(plant) == []
    plant.start_worker()
    assert wait_state(job, *JOB_ENDED).state == JobState.DONE
    assert effects(plant) == [f"{job.pk} 2"]


def test_while_redis_is_away_jobs_are_kept_and_sent_when_it_is_back(plant: Plant) -> None:
    plant.start_worker()
    plant.redis.stop()
    begun = time.monotonic()
    job = ask(plant)
    assert time.monotonic() - begun < 3
    assert (fresh(job).state, fresh(job).dispatched_at) == (JobState.QUEUED, None)
    assert sweep() == {"reaped": 0, "sent": 0}
    plant.redis.start()
    assert wait_state(job, *JOB_ENDED).state == JobState.DONE
    assert effects(plant) == [f"{job.pk} 1"]


def test_the_banner_tells_that_redis_or_the_workers_are_away(
    plant: Plant, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.REDIS_URL = plant.redis.url
    monkeypatch.setattr(health, "STARTED", time.monotonic())
    assert [tone for tone, _text in find_notices()] == ["info"], "the web has just started, and so have the workers"
    monkeypatch.setattr(health, "STARTED", time.monotonic() - health.STARTING_SECONDS)
    for queue in Queue:
        heard = timezone.now() - timedelta(seconds=4 * settings.HEARTBEAT_SECONDS)
        Heartbeat.objects.create(name=f"gone@{queue}", queue=queue, seen_at=heard)
    assert [tone for tone, _text in find_notices()] == ["warn"], "what was heard long ago is no sign of life"
    plant.redis.stop()
    assert [tone for tone, _text in find_notices()] == ["bad"]
    plant.redis.start()
    plant.start_worker()
    wait_for(lambda: "for them: answers of models; trainings." in find_notices()[0][1])


def test_a_running_job_stops_when_a_person_says_so(plant: Plant) -> None:
    person: User = user_create(actor=None, email="p@example.org", name="P", password="Twelve blue kettles")
    plant.start_worker()
    job = ask(plant, seconds=30)
    wait_state(job, JobState.RUNNING)
    job_stop(actor=person, job=job, intent="cancel")
    assert wait_state(job, *JOB_ENDED, seconds=5).state == JobState.CANCELLED
    assert effects(plant) == []


def test_work_that_kills_its_worker_each_time_fails_with_a_reason(plant: Plant) -> None:
    job = ask(plant, seconds=60)
    for attempt in (1, 2, 3):
        worker = plant.start_worker()
        wait_for(lambda attempt=attempt: fresh(job).attempt == attempt)
        worker.kill()
    plant.start_worker()
    ended = wait_state(job, *JOB_ENDED)
    assert ended.state == JobState.FAILED
    assert "died 3 times without getting anywhere" in ended.error
    assert effects(plant) == []


def test_waiting_jobs_do_not_pile_up_messages(plant: Plant) -> None:
    for _ in range(3):
        ask(plant, seconds=60)
    Job.objects.update(dispatched_at=None)
    assert sweep()["sent"] == 0  # three messages wait already
    flush(plant)
    assert sweep()["sent"] == 3
