"""Keeps the servers of one installation running: starts, watches, restarts with growing pauses, ends them in order."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from config.embedded.children import last_lines, start_child
from core.operations.errors import OperatorError
from core.operations.logs import rotate

STABLE_SECONDS = 60.0  # one that ran this long starts its pauses anew
LONGEST_PAUSE = 30.0
STOP_SECONDS = 8.0  # for all programs together
SERVERS_SECONDS, SERVER_SECONDS = 9.0, 0.8  # until then the data servers have time, or this much if that is over
Tell = Callable[[str], None]


class Server(Protocol):
    """What the supervisor needs of the embedded PostgreSQL and Redis."""

    process: subprocess.Popen[bytes] | None

    def launch(self) -> None: ...
    def wait_ready(self) -> None: ...
    def stop(self, seconds: float) -> None: ...


@dataclass
class Program:
    """A child that is one of our own programs."""

    name: str
    argv: Sequence[str]
    log: Path
    env: dict[str, str]
    cwd: Path
    pass_fds: tuple[int, ...] = ()
    process: subprocess.Popen[bytes] | None = None

    def launch(self) -> None:
        self.process = start_child(
            self.argv, log=self.log, env=self.env, cwd=self.cwd, death_signal=signal.SIGKILL, pass_fds=self.pass_fds
        )

    def wait_ready(self) -> None:
        """Programs are not waited for: whoever needs one asks it."""


@dataclass
class Watch:
    """How one child has fared so far."""

    unit: Program | Server
    name: str
    started: float = field(default_factory=time.monotonic)
    crashes: int = 0
    again_at: float | None = None


class Supervisor:
    """All children belong to the thread that calls; it must live as long as they do."""

    def __init__(self, logs: Path, tell: Tell) -> None:
        self.logs = logs
        self.tell = tell
        self.servers: list[Watch] = []
        self.programs: list[Watch] = []
        self.hurry = False
        self._rotated = time.monotonic()

    def adopt(self, name: str, server: Server) -> None:
        """Watch a data server that runs already. It outlives the programs at the end."""
        self.servers.append(Watch(server, name))

    def start(self, program: Program) -> None:
        program.launch()
        self.programs.append(Watch(program, program.name))

    def watch(self) -> None:
        """One round: restart what ended, shorten logs that grew too long. Call it a few times a second."""
        for watch in [*self.servers, *self.programs]:
            self._look_after(watch)
        if time.monotonic() - self._rotated > 5:
            self._rotated = time.monotonic()
            rotate(self.logs)

    def stop(self) -> None:
        """1. SIGTERM to every program at once. 2. SIGKILL to the session of those still there after STOP_SECONDS, or at
        once when `hurry` is set meanwhile. 3. stop the data servers."""
        started = {watch.name: watch.unit.process for watch in self.programs if watch.unit.process is not None}
        for process in started.values():
            if process.poll() is None:
                process.terminate()
        began = time.monotonic()
        deadline = began + STOP_SECONDS
        while alive(started) and time.monotonic() < deadline and not self.hurry:
            time.sleep(0.05)
        if late := alive(started):
            self.tell(f"Killed, for not ending in time: {', '.join(late)}")
        for process in started.values():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # its workers too, whether it ended in order or not
            process.wait()
        for watch in reversed(self.servers):  # after a first start PostgreSQL has much to write; cut off, it recovers
            watch.unit.stop(max(SERVER_SECONDS, began + SERVERS_SECONDS - time.monotonic()))  # type: ignore[union-attr]
        self.programs.clear()
        self.servers.clear()

    def _look_after(self, watch: Watch) -> None:
        process, now = watch.unit.process, time.monotonic()
        if watch.again_at is not None:
            if now >= watch.again_at:
                self._restart(watch)
        elif process is not None and process.poll() is not None:
            if now - watch.started > STABLE_SECONDS:
                watch.crashes = 0
            pause = min(LONGEST_PAUSE, 2.0**watch.crashes - 1)
            watch.crashes += 1
            watch.again_at = now + pause
            self._kill_rest(process)
            log = self.logs / f"{watch.name}.log"
            self.tell(f"{watch.name} ended ({_reason(process.returncode)}), again in {pause:.0f} s; see {log}")

    def _restart(self, watch: Watch) -> None:
        watch.again_at, watch.started = None, time.monotonic()
        try:
            watch.unit.launch()
            watch.unit.wait_ready()
        except (OSError, RuntimeError) as error:
            self.tell(f"{watch.name}: {error}")

    @staticmethod
    def _kill_rest(process: subprocess.Popen[bytes]) -> None:
        """What a crashed child left in its session must not stand in the way of its successor."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)


def alive(processes: Mapping[str, subprocess.Popen[bytes]]) -> list[str]:
    return [name for name, process in processes.items() if process.poll() is None]


def must_run(program: Program) -> None:
    """Raise if a program of a first start has ended already: a restart would not help."""
    if program.process is not None and program.process.poll() is not None:
        raise OperatorError(
            f"The {program.name} server did not start: {last_lines(program.log, 2)} (see {program.log})."
        )


def _reason(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
