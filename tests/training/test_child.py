"""core/child.py with real children over real run directories."""

import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from core import jobs
from core.child import ChildKilled, supervise
from core.choices import JobState
from core.jobs import JobContext, JobDrained, JobFailed, JobRunner, JobStopped, LeaseLost, job_claim
from core.ml_program import child_environment
from core.models import Job, User
from core.services.jobs import job_create, job_stop
from ml.hashing import file_sha256
from ml.priority import NICE
from ml.prompting import Template
from ml.recipe import Recipe
from ml.rundir import DataRef, RunDir, RunSpec
from ml.store import ModelRef
from ml.tiny import make_tiny_model

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


class Trial(JobRunner):
    kind, queue, title = "trial", "train", "Trial"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_model(tmp_path_factory.mktemp("model") / "tiny")


@pytest.fixture
def run(tmp_path: Path, model: Path) -> RunDir:
    return make_run(tmp_path / "run", model)


def make_run(folder: Path, model: Path, *, steps: int = 4, save_every: int = 1, **recipe: Any) -> RunDir:
    folder.mkdir()
    run = RunDir(folder)
    lines = [
        {
            "id": str(n),
            "part": "train" if n < 12 else "develop",
            "instruction": f"Number {n}?",
            "response": f"It is {n}.",
        }
        for n in range(16)
    ]
    run.pairs_path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    settings = {"batch_size": 2, "epochs": 100.0, "max_steps": steps, "save_every": save_every, "threads": 1, **recipe}
    run.write_spec(
        RunSpec(
            kind="train",
            run_id="1",
            model=ModelRef.of(model),
            template=Template(),
            recipe=Recipe(precision="float32", lora_rank=2, **settings),
            data=DataRef(sha256=file_sha256(run.pairs_path)),
            store=str(folder / "result"),
        )
    )
    return run


@pytest.fixture
def context(owner: User, monkeypatch: pytest.MonkeyPatch) -> Iterator[JobContext]:
    monkeypatch.setitem(jobs.runners, "trial", Trial)
    job_create(actor=owner, kind="trial")
    job = job_claim(queue="train", worker="test")
    assert job is not None
    yield JobContext(job)
    jobs.draining.clear()


def follow(context: JobContext, run: RunDir, on_event: Any = lambda *_: None, grace: float = 20) -> dict[str, Any]:
    return supervise(context, directory=run.path, command="train", on_event=on_event, grace=grace)


def when(kind: str, do: Any) -> Any:
    """An event callback that does something once, at the first event of a kind."""
    todo = [do]

    def on_event(attempt: int, event: dict[str, Any]) -> None:
        if event["type"] == kind and todo:
            todo.pop()(event)

    return on_event


def the_child(run: RunDir) -> psutil.Process:
    number = run.attempts()[-1]
    return psutil.Process(json.loads((run.attempt_path(number) / "child.json").read_text())["pid"])


def test_a_finished_child_gives_its_result_and_each_event_once(context: JobContext, run: RunDir) -> None:
    told: list[tuple[int, int, str]] = []
    result = follow(context, run, lambda attempt, event: told.append((attempt, event["seq"], event["type"])))
    assert result["final_step"] == 4
    assert [seq for _attempt, seq, _kind in told] == list(range(1, len(told) + 1))
    assert {attempt for attempt, _seq, _kind in told} == {1}
    assert [kind for *_, kind in told].count("step") == 4
    assert told[-1][2] == "done"
    assert any("Network: none" in line.message for line in context.job.log.all())


def test_a_result_that_is_there_is_believed_without_another_child(context: JobContext, run: RunDir) -> None:
    run.write_done({"final_step": 7})
    assert follow(context, run) == {"final_step": 7}
    assert run.attempts() == []


def test_the_child_does_not_learn_where_the_data_lies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://secret")
    monkeypatch.setenv("SECRET_KEY", "secret")
    found = child_environment()
    assert "secret" not in str(found)
    assert found["HF_HUB_OFFLINE"] == "1"


@pytest.mark.slow(seconds=20)
def test_a_stop_saves_and_a_second_attempt_goes_on_from_there(
    context: JobContext, tmp_path: Path, model: Path, owner: User
) -> None:
    run = make_run(tmp_path / "run", model, steps=300, save_every=300)
    priorities: list[int] = []

    def stop(event: dict[str, Any]) -> None:
        priorities.append(the_child(run).nice())
        job_stop(actor=owner, job=context.job, intent="stop")

    with pytest.raises(JobStopped, match="saved at step"):
        follow(context, run, when("step", stop))
    assert priorities == [max(NICE, os.nice(0))]  # people's pages come first on the processors that both share
    checkpoint = run.latest_complete_checkpoint()
    assert checkpoint is not None
    Job.objects.filter(pk=context.job.pk).update(state=JobState.RUNNING)
    steps: list[int] = []
    collect = lambda attempt, event: steps.append(event["step"]) if event["type"] == "step" else None  # noqa: E731
    result = follow(context, run, collect)
    assert steps[0] == checkpoint.step + 1
    assert result["resumed_from"] == checkpoint.step


def test_a_shutdown_of_the_worker_gives_the_job_back(context: JobContext, tmp_path: Path, model: Path) -> None:
    run = make_run(tmp_path / "run", model, steps=5000, save_every=5000)
    with pytest.raises(JobDrained):
        follow(context, run, when("step", lambda _: jobs.draining.set()))
    assert run.latest_complete_checkpoint() is not None


def test_a_child_that_does_not_end_in_the_grace_is_killed(context: JobContext, tmp_path: Path, model: Path) -> None:
    run = make_run(tmp_path / "run", model, steps=5000, save_every=5000)

    def stall(event: dict[str, Any]) -> None:
        the_child(run).suspend()
        jobs.draining.set()

    started = time.monotonic()
    with pytest.raises(JobDrained):
        follow(context, run, when("step", stall), grace=1)
    assert time.monotonic() - started < 30
    assert not psutil.pid_exists(json.loads((run.attempt_path(1) / "child.json").read_text())["pid"])


def test_a_killed_child_is_worth_another_attempt(context: JobContext, tmp_path: Path, model: Path) -> None:
    run = make_run(tmp_path / "run", model, steps=5000)
    with pytest.raises(ChildKilled, match=r"ended from outside .* memory left"):
        follow(context, run, when("checkpoint", lambda _: the_child(run).kill()))
    context.job.refresh_from_db()
    assert context.job.fruitless == 0  # the checkpoint counts as progress


def test_a_child_that_ends_well_without_a_result_is_no_success(
    context: JobContext, tmp_path: Path, model: Path
) -> None:
    run = make_run(tmp_path / "run", model, steps=5000)
    with pytest.raises(ChildKilled, match="told to end by somebody else"):
        follow(context, run, when("step", lambda _: the_child(run).send_signal(signal.SIGINT)))
    assert run.read_done() is None


def test_a_child_that_the_system_killed_for_memory_is_told_apart(
    context: JobContext, tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counter = tmp_path / "vmstat"
    counter.write_text("pgfault 1\noom_kill 3\n")
    monkeypatch.setattr("core.memory.COUNTERS", (counter, tmp_path / "no such file"))
    run = make_run(tmp_path / "run", model, steps=5000)

    def kill(_: object) -> None:
        counter.write_text("pgfault 1\noom_kill 4\n")  # as the kernel counts it
        the_child(run).kill()

    with pytest.raises(ChildKilled, match=r"killed by the system, out of memory: it held [1-9]"):
        follow(context, run, when("checkpoint", kill))


def test_a_child_that_says_why_it_cannot_fails_the_job(context: JobContext, run: RunDir) -> None:
    run.pairs_path.write_text("not what was promised\n")
    with pytest.raises(JobFailed, match="has changed since the run was made"):
        follow(context, run)


def test_who_lost_the_lease_ends_its_child_at_once(context: JobContext, tmp_path: Path, model: Path) -> None:
    run = make_run(tmp_path / "run", model, steps=5000)
    with pytest.raises(LeaseLost):
        follow(context, run, when("step", lambda _: Job.objects.filter(pk=context.job.pk).update(attempt=9)))
    pid = json.loads((run.attempt_path(1) / "child.json").read_text())["pid"]
    assert not psutil.pid_exists(pid)


def test_a_child_left_behind_by_a_stalled_supervisor_is_ended(
    context: JobContext, tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.child.TAKE_OVER_SECONDS", 0.5)
    run = make_run(tmp_path / "run", model, steps=5000, save_every=10)
    stalled = threading.Event()

    class Stalled(JobContext):
        def stop_intent(self) -> str:
            stalled.wait(60)
            raise LeaseLost

    def first() -> None:
        with pytest.raises(LeaseLost):
            follow(Stalled(context.job), run)

    thread = threading.Thread(target=first)
    thread.start()
    deadline = time.monotonic() + 60
    while run.latest_complete_checkpoint() is None and time.monotonic() < deadline:
        time.sleep(0.2)
    left_behind = the_child(run)
    with pytest.raises(ChildKilled):
        follow(context, run, when("step", lambda _: the_child(run).kill()))
    stalled.set()
    thread.join(30)
    assert run.attempts() == [1, 2]
    assert not left_behind.is_running() or left_behind.status() == psutil.STATUS_ZOMBIE
