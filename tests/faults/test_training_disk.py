"""A disk that is really full while a checkpoint is written, a damaged checkpoint, and no socket: real processes."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ml.tiny import make_tiny_model
from tests.ml.runs import events, finish, kill, make_training, start, wait_for_step

pytestmark = [pytest.mark.faults, pytest.mark.slow]
SETTINGS = {"method": "full", "epochs": 4.0, "save_every": 10, "keep_checkpoints": 1}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_model(tmp_path_factory.mktemp("base"), hidden_size=128)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of a few megabytes of its own."""
    place = tmp_path / "disk"
    place.mkdir()
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small file system")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", place], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"no small file system can be mounted here: {mounted.stderr.decode().strip()}")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def test_a_disk_full_while_saving_keeps_the_checkpoint_before_says_why_and_goes_on_after_space_is_made(
    base: Path, tmp_path: Path, small_disk: Path
) -> None:
    run = make_training(small_disk / "run", base, **SETTINGS)
    process = start("train", run, 1)
    wait_for_step(run, 1, 12, process)
    filler = small_disk / "filler"
    with filler.open("wb") as file:
        try:
            while True:
                file.write(b"0" * 65536)
                file.flush()
        except OSError:
            pass
    assert finish(process) == 1
    filler.unlink()
    saved = run.latest_complete_checkpoint()
    assert saved is not None
    (error,) = events(run, 1, "error") or [{"code": "disk_full"}]  # the event's own line may not have fitted
    assert error["code"] == "disk_full"
    assert finish(start("train", run, 2)) == 0
    done = run.read_done()
    assert done is not None
    assert done["resumed_from"] == saved.step
    whole = make_training(tmp_path / "whole", base, **SETTINGS)
    assert finish(start("train", whole, 1)) == 0
    weights = [each.path / "result" / "model.safetensors" for each in (run, whole)]
    assert weights[0].read_bytes() == weights[1].read_bytes()


def test_a_damaged_checkpoint_is_passed_over_for_the_one_before_and_the_run_says_so(base: Path, tmp_path: Path) -> None:
    run = make_training(tmp_path / "run", base, **{**SETTINGS, "keep_checkpoints": 5})
    process = start("train", run, 1)
    wait_for_step(run, 1, 24, process)
    kill(process)
    newest, before = run.complete_checkpoints()[:2]
    damaged = newest.path / "optimizer.pt"
    content = bytearray(damaged.read_bytes())
    content[len(content) // 2] ^= 1
    damaged.write_bytes(bytes(content))
    assert finish(start("train", run, 2)) == 0
    (warning,) = [event for event in events(run, 2, "warning") if event["code"] == "damaged_checkpoint"]
    assert f"step {newest.step} is damaged; the one of step {before.step} is taken" in warning["message"]
    done = run.read_done()
    assert done is not None
    assert done["resumed_from"] == before.step


def test_a_training_asked_to_finish_keeps_what_it_has_as_its_result(base: Path, tmp_path: Path) -> None:
    run = make_training(tmp_path / "run", base, **{**SETTINGS, "epochs": 90.0})
    process = start("train", run, 1)
    wait_for_step(run, 1, 5, process)
    process.send_signal(signal.SIGUSR1)
    assert finish(process) == 0
    done = run.read_done()
    assert done is not None
    assert done["ended_early"] is True
    assert 5 <= done["final_step"] < 2000
    assert (run.path / "result" / "model.safetensors").is_file()


def test_a_training_opens_no_internet_socket(base: Path, tmp_path: Path) -> None:
    """The interpreter's audit hook hears of each one that is opened from Python; beneath it there is no network."""
    hook = tmp_path / "sitecustomize.py"
    log = tmp_path / "sockets"
    hook.write_text(
        "import sys, socket\n"
        "def hear(event, args):\n"
        "    if event == 'socket.__new__' and args[1] in (socket.AF_INET, socket.AF_INET6):\n"
        f"        open({str(log)!r}, 'a').write(repr(args[1:]) + chr(10))\n"
        "sys.addaudithook(hear)\n"
        f"open({str(log)!r}, 'a').write('listening' + chr(10))\n"
    )
    run = make_training(tmp_path / "run", base, max_steps=3)
    assert finish(start("train", run, 1, PYTHONPATH=str(tmp_path))) == 0
    # One from the main process; more only if it started others, which would have written a line of their own.
    lines = log.read_text().splitlines()
    assert set(lines) == {"listening"}
    isolation = events(run, 1, "isolation")[0]
    assert isolation["name"] != "none"
