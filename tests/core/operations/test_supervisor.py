"""The supervisor and what it keeps: restarts with pauses, orderly ends, logs that stay small."""

import contextlib
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from core.operations.errors import OperatorError
from core.operations.logs import rotate
from core.operations.supervisor import Program, Supervisor, must_run
from core.operations.up import Up


def program(folder: Path, code: str, name: str = "one") -> Program:
    return Program(name, [sys.executable, "-c", code], folder / f"{name}.log", dict(os.environ), folder)


def watch_until(supervisor: Supervisor, found: object, seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not found():  # type: ignore[operator]
        supervisor.watch()
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.slow
def test_a_crashing_child_comes_back_with_growing_pauses(tmp_path: Path) -> None:
    told: list[str] = []
    supervisor = Supervisor(tmp_path, told.append)
    supervisor.start(program(tmp_path, "print('here', flush=True); raise SystemExit(3)"))
    try:
        watch_until(supervisor, lambda: len(told) == 3)
    finally:
        supervisor.stop()
    log = tmp_path / "one.log"
    assert told == [f"one ended (exit code 3), again in {pause} s; see {log}" for pause in (0, 1, 3)]
    assert log.read_text() == "here\n" * 3


def test_the_end_is_asked_for_first_and_forced_on_those_who_do_not_hear(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.operations.supervisor.STOP_SECONDS", 0.5)
    told: list[str] = []
    supervisor = Supervisor(tmp_path, told.append)
    polite = program(tmp_path, "import signal; signal.sigwait([signal.SIGTERM]); print('bye')", "polite")
    polite.argv = [sys.executable, "-c", "import signal, sys, time; signal.signal(15, lambda *_: sys.exit('bye')); "
                   "print('up', flush=True); time.sleep(60)"]  # fmt: skip
    deaf = program(
        tmp_path,
        "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); time.sleep(60)",
        "deaf",
    )
    for one in (polite, deaf):
        supervisor.start(one)
    watch_until(supervisor, lambda: all("up" in one.log.read_text() for one in (polite, deaf)))
    supervisor.stop()
    assert polite.log.read_text() == "up\nbye\n"
    assert polite.process is not None
    assert polite.process.returncode == 1
    assert deaf.process is not None
    assert deaf.process.returncode == -signal.SIGKILL
    assert told == ["Killed, for not ending in time: deaf"]


class Data:
    """Stands where an embedded data server stands, and keeps how long it was given."""

    process = None

    def __init__(self) -> None:
        self.given: list[float] = []

    def launch(self) -> None: ...

    def wait_ready(self) -> None: ...

    def stop(self, seconds: float) -> None:
        self.given.append(seconds)


def test_a_data_server_may_write_for_as_long_as_the_programs_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    supervisor, quick, late = Supervisor(tmp_path, print), Data(), Data()
    supervisor.adopt("quick", quick)
    supervisor.stop()
    [given] = quick.given
    assert 8.5 < given <= 9.0
    monkeypatch.setattr("core.operations.supervisor.SERVERS_SECONDS", 0.0)
    supervisor.adopt("late", late)
    supervisor.stop()
    assert late.given == [0.8]


def test_a_first_start_that_ends_at_once_tells_the_last_words(tmp_path: Path) -> None:
    one = program(tmp_path, "raise SystemExit('no such file')", "web")
    one.launch()
    assert one.process is not None
    one.process.wait()
    with pytest.raises(OperatorError, match=r"The web server did not start: no such file \(see .*web.log\)"):
        must_run(one)


def test_logs_are_copied_aside_and_emptied_and_three_are_kept(tmp_path: Path) -> None:
    log = tmp_path / "web.log"
    with log.open("ab") as writer:  # stays open, as a child's does
        for number in range(6):
            writer.write(f"{number}".encode() * 20)
            writer.flush()
            rotate(tmp_path, largest=10)
        writer.write(b"after")
    assert log.read_bytes() == b"after"
    kept = {path.name: path.read_bytes() for path in tmp_path.glob("web.log.*")}
    assert kept == {"web.log.1": b"5" * 20, "web.log.2": b"4" * 20, "web.log.3": b"3" * 20}


def test_an_interrupt_that_is_lost_inside_a_callback_still_ends_the_watch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Python drops what a signal's handler raises while a fork's callbacks or a finalizer run."""
    monkeypatch.delenv("MAKELEVEL", raising=False)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    up = Up(tmp_path)
    monkeypatch.setattr(up, "_start", lambda held: None)

    def watch() -> None:
        with contextlib.suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(up.supervisor, "watch", watch)
    try:
        assert up.run() == 0
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    assert "Stopping" in capsys.readouterr().out
