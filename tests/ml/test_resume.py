"""A training that is killed or stopped ends with exactly the weights of one that was left alone. Real processes."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import pytest

from ml.rundir import RunDir
from ml.tiny import make_tiny_model
from ml.train.run import run_training
from ml.train.stopping import Stopper
from tests.ml.runs import LIBRARY_WARNINGS, events, finish, kill, make_training, start, wait_for_step

pytestmark = [pytest.mark.faults, pytest.mark.slow]

_SETTINGS = {"lora_dropout": 0.1, "epochs": 2.0, "accumulation": 3, "save_every": 4}
_STEPS = 16


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_model(tmp_path_factory.mktemp("base"), hidden_size=64)


@pytest.fixture(scope="module")
def unbroken(base: Path, tmp_path_factory: pytest.TempPathFactory) -> RunDir:
    run = make_training(tmp_path_factory.mktemp("unbroken") / "run", base, **_SETTINGS)
    assert finish(start("train", run, 1)) == 0
    return run


def weights(run: RunDir) -> bytes:
    return (run.path / "result" / "adapter_model.safetensors").read_bytes()


def test_killed_and_resumed_equals_unbroken(base: Path, tmp_path: Path, unbroken: RunDir) -> None:
    run = make_training(tmp_path / "run", base, **_SETTINGS)
    process = start("train", run, 1)
    wait_for_step(run, 1, 11, process)
    kill(process)
    newest = run.latest_complete_checkpoint()
    assert newest is not None
    assert run.read_done() is None
    # The newest checkpoint turns out damaged: the one before it is taken.
    if newest.step == 8:
        damaged = newest.path / "optimizer.pt"
        damaged.write_bytes(damaged.read_bytes()[:-1])
    assert finish(start("train", run, 2)) == 0
    done, whole = run.read_done(), unbroken.read_done()
    assert done is not None
    assert whole is not None
    assert done["resumed_from"] == (4 if newest.step == 8 else newest.step)
    assert weights(run) == weights(unbroken)
    same = ("final_step", "tokens_trained", "develop_loss_before", "develop_loss_after", "train_loss", "fingerprint")
    assert {key: done[key] for key in same} == {key: whole[key] for key in same}
    steps = [event["step"] for event in events(run, 2, "step")]
    assert steps == list(range(done["resumed_from"] + 1, _STEPS + 1))


def test_stopped_and_resumed_equals_unbroken(base: Path, tmp_path: Path, unbroken: RunDir) -> None:
    run = make_training(tmp_path / "run", base, **_SETTINGS)
    process = start("train", run, 1)
    wait_for_step(run, 1, 5, process)
    process.send_signal(signal.SIGTERM)
    assert finish(process) == 0
    (stopped,) = events(run, 1, "stopped")
    newest = run.latest_complete_checkpoint()
    assert newest is not None
    assert stopped["saved"] is True
    assert stopped["step"] == newest.step >= 5
    assert run.read_done() is None
    assert finish(start("train", run, 2)) == 0
    assert weights(run) == weights(unbroken)


def test_without_time_to_save_a_stop_saves_nothing(base: Path, tmp_path: Path) -> None:
    run = make_training(tmp_path / "run", base, **{**_SETTINGS, "save_every": 1000})
    process = start("train", run, 1, APPRENTICE_STOP_GRACE="0.001")
    wait_for_step(run, 1, 2, process)
    process.send_signal(signal.SIGINT)
    assert finish(process) == 0
    (stopped,) = events(run, 1, "stopped")
    assert stopped["saved"] is False
    assert run.latest_complete_checkpoint() is None


@pytest.mark.filterwarnings(*LIBRARY_WARNINGS)
@pytest.mark.parametrize("phase", ["before", "during", "after"])
def test_a_stop_while_measuring_loses_nothing(base: Path, tmp_path: Path, unbroken: RunDir, phase: str) -> None:
    """Asked to stop in the middle of a measurement: the steps done so far are saved, and nothing is trained twice."""
    run = make_training(tmp_path / "run", base, **{**_SETTINGS, "eval_every": 6, "save_every": 1000})
    stop_at = {"before": 0, "during": 6, "after": _STEPS}[phase]

    class Impatient(Stopper):
        def check(self) -> None:
            last = [event for event in run.read_events(1) if event["type"] in ("step", "phase")][-1]
            measuring = last.get("name") == "measure" or last.get("step") == 6
            if measuring and (last.get("step") or (_STEPS if events(run, 1, "step") else 0)) == stop_at:
                self._request(signal.SIGTERM, None)
            super().check()

    with run.start_attempt(1) as attempt:
        assert run_training(run, attempt, Impatient()) is None
    (stopped,) = events(run, 1, "stopped")
    assert (stopped["step"], stopped["saved"]) == (stop_at, stop_at > 0)
    with run.start_attempt(2) as attempt:
        result = run_training(run, attempt, Stopper())
    assert result is not None
    assert result["resumed_from"] == (stop_at or None)
    assert result["final_step"] == _STEPS
    assert [event["step"] for event in events(run, 2, "step")] == list(range(stop_at + 1, _STEPS + 1))
    assert weights(run) == weights(unbroken)


def test_a_checkpoint_of_another_run_is_refused(base: Path, tmp_path: Path, unbroken: RunDir) -> None:
    run = make_training(tmp_path / "run", base, **{**_SETTINGS, "seed": 5})
    shutil.copytree(unbroken.checkpoints_path, run.checkpoints_path)
    assert finish(start("train", run, 1)) == 1
    (error,) = events(run, 1, "error")
    assert error["code"] == "checkpoint"
    assert "belongs to another run" in error["message"]


def test_a_finished_run_is_not_trained_again(unbroken: RunDir) -> None:
    before = weights(unbroken)
    assert finish(start("train", unbroken, 2)) == 0
    assert [event["type"] for event in unbroken.read_events(2)] == ["done"]
    assert weights(unbroken) == before


def test_a_child_ends_with_its_supervisor(base: Path, tmp_path: Path) -> None:
    run = make_training(tmp_path / "run", base, **{**_SETTINGS, "epochs": 50.0})
    reading, writing = os.pipe()
    process = start("train", run, 1, pass_fds=(reading,), APPRENTICE_LIFELINE_FD=str(reading))
    os.close(reading)
    wait_for_step(run, 1, 1, process)
    os.close(writing)
    assert finish(process, 10) == 70
    assert run.read_done() is None
