"""Trainings under faults: a real Celery worker, real children, a real database; a tiny model.

Whatever is killed, the run goes on from a complete checkpoint and ends with the weights of an unbroken run.
"""

import json
import os
import signal
import subprocess
import sys
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from django.conf import settings

from core.choices import JobState
from core.models import Job, User
from core.operations.programs import worker_words
from ml.hashing import file_sha256
from ml.rundir import RunDir
from tests.faults.plant import ROOT, Plant, Worker, plant_fixture, wait_for  # noqa: F401  the fixture is used by its name
from tests.world import run_jobs
from training.choices import RunState
from training.models import ModelVersion, Run, RunEvent
from training.services.launch import run_launch
from training.services.runs import run_resume, run_stop

pytest_plugins = ["tests.training_world"]
pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.django_db(transaction=True)]

STEPS = 400
LONG = {"max_steps": STEPS, "epochs": 100.0, "save_every": 20}
SECONDS = 180.0
Prepare = Callable[..., Run]


def start_worker(plant: Plant) -> Worker:
    """A train worker as `make up` starts it."""
    log = plant.folder / f"train-{len(plant.workers)}.log"
    env = {**plant.env, "WORKER_QUEUE": "train", "LEASE_SECONDS": "3", "STOP_GRACE_SECONDS": "8"}
    with log.open("wb") as output:
        argv = [sys.executable, "-m", *worker_words("train")]
        process = subprocess.Popen(
            argv, cwd=ROOT, env=env, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
    worker = Worker(process, log)
    plant.workers.append(worker)
    wait_for(lambda: b" ready." in log.read_bytes() or process.poll() is not None, 120)
    assert process.poll() is None, log.read_text()
    return worker


def fresh(run: Run) -> Run:
    return Run.objects.select_related("job").get(pk=run.pk)


def wait_run(run: Run, state: RunState) -> Run:
    wait_for(lambda: fresh(run).state in (state, RunState.FAILED), SECONDS)
    found = fresh(run)
    assert found.state == state, found.error
    return found


def wait_checkpoint(run: Run, at_least: int = 20) -> None:
    """Until the run has told of a complete checkpoint."""
    told = RunEvent.objects.filter(run=run, type="checkpoint", step__gte=at_least)
    wait_for(told.exists, SECONDS)


def child_of(run: Run) -> int:
    directory = RunDir(settings.RUN_STORE / fresh(run).folder)
    facts = directory.attempt_path(directory.attempts()[-1]) / "child.json"
    return int(json.loads(facts.read_text())["pid"])


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def weights(run: Run) -> str:
    version = ModelVersion.objects.get(run=run)
    return file_sha256(Path(settings.MODEL_STORE) / version.folder / "adapter_model.safetensors")


@pytest.fixture(scope="module")
def known() -> dict[str, str]:
    return {}


@pytest.fixture
def unbroken(prepare: Prepare, owner: User, known: dict[str, str]) -> Callable[[], str]:
    """The weights that the same run has when nothing disturbs it: found out once, since all tests train the same."""

    def train() -> str:
        if not known:
            run = run_launch(actor=owner, run=prepare(**LONG))
            Job.objects.filter(pk=run.job_id).update(queue="default")  # done here, where no worker interferes
            run_jobs()
            known["weights"] = weights(wait_run(run, RunState.DONE))
        return known["weights"]

    return train


def resumed_as_if_unbroken(run: Run, expected: str) -> None:
    done = wait_run(run, RunState.DONE)
    assert done.result["resumed_from"] >= 20
    assert done.result["final_step"] == STEPS
    steps = RunEvent.objects.filter(run=run, type="step", superseded=False).order_by("step")
    assert list(steps.values_list("step", flat=True)) == list(range(1, STEPS + 1))
    assert ModelVersion.objects.filter(run=run).count() == 1
    assert weights(run) == expected


def test_a_killed_child_is_tried_again_and_goes_on_from_a_complete_checkpoint(
    plant: Plant, prepare: Prepare, owner: User, unbroken: Callable[[], str]
) -> None:
    expected = unbroken()
    start_worker(plant)
    run = run_launch(actor=owner, run=prepare(**LONG))
    wait_checkpoint(run)
    os.kill(child_of(run), signal.SIGKILL)
    resumed_as_if_unbroken(run, expected)
    assert fresh(run).attempt == 2
    job = Job.objects.get(pk=fresh(run).job_id)
    assert "ended from outside" in " ".join(job.log.values_list("message", flat=True))


def test_a_killed_worker_takes_its_child_along_and_the_next_worker_goes_on(
    plant: Plant, prepare: Prepare, owner: User, unbroken: Callable[[], str]
) -> None:
    expected = unbroken()
    worker = start_worker(plant)
    run = run_launch(actor=owner, run=prepare(**LONG))
    wait_checkpoint(run)
    child = child_of(run)
    worker.kill()
    wait_for(lambda: gone(child))
    assert fresh(run).state == RunState.RUNNING
    start_worker(plant)
    resumed_as_if_unbroken(run, expected)


def test_a_stopped_run_is_saved_and_resumes_where_it_was(
    plant: Plant, prepare: Prepare, owner: User, unbroken: Callable[[], str]
) -> None:
    expected = unbroken()
    start_worker(plant)
    run = run_launch(actor=owner, run=prepare(**LONG))
    wait_checkpoint(run)
    run_stop(actor=owner, run=run)
    stopped = wait_run(run, RunState.STOPPED)
    saved = RunDir(settings.RUN_STORE / stopped.folder).latest_complete_checkpoint()
    assert saved is not None
    assert saved.step >= stopped.step >= 20
    assert stopped.job is not None
    assert stopped.job.state == JobState.CANCELLED
    run_resume(actor=owner, run=run)
    resumed_as_if_unbroken(run, expected)
    assert fresh(run).result["resumed_from"] == saved.step


def test_a_worker_that_shuts_down_gives_the_run_back_and_it_goes_on(
    plant: Plant, prepare: Prepare, owner: User, unbroken: Callable[[], str]
) -> None:
    expected = unbroken()
    worker = start_worker(plant)
    run = run_launch(actor=owner, run=prepare(**LONG))
    wait_checkpoint(run)
    child = child_of(run)
    worker.process.terminate()
    worker.process.wait(10)
    assert gone(child)
    waiting = fresh(run)
    assert waiting.state == RunState.QUEUED
    assert waiting.job is not None
    assert (waiting.job.state, waiting.job.fruitless) == (JobState.QUEUED, 0)
    start_worker(plant)
    resumed_as_if_unbroken(run, expected)


def test_a_disk_that_filled_up_meanwhile_fails_the_run_with_the_cure_and_it_can_be_resumed(
    prepare: Prepare, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = run_launch(actor=owner, run=prepare())
    usage = namedtuple("usage", "total used free")
    with monkeypatch.context() as full:
        full.setattr("shutil.disk_usage", lambda _path: usage(10**9, 10**9 - 1000, 1000))
        run_jobs("train")
    failed = fresh(run)
    assert failed.state == RunState.FAILED
    assert "The disk is short" in failed.error
    run_resume(actor=owner, run=run)
    run_jobs("train")
    assert fresh(run).state == RunState.DONE
