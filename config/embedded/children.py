"""Children that cannot outlive us: started in their own session, ended by the kernel when this process is gone."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def die_with_parent(death_signal: int, parent: int | None = None) -> Callable[[], None]:
    """A function for the child to call, made in the parent (else with the parent's id).

    The kernel watches the *thread* that forks, so start children from a thread that stays.
    """
    parent = parent or os.getpid()

    def prepare() -> None:
        if _libc is not None:
            _libc.prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
            if os.getppid() != parent:  # the parent died between fork and prctl
                os._exit(1)

    return prepare


def start_child(
    argv: Sequence[object],
    *,
    log: Path,
    death_signal: int = signal.SIGKILL,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    **identity: Any,
) -> subprocess.Popen[bytes]:
    """Start `argv` with its output appended to `log`. Ctrl-C in the terminal reaches us alone."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        return subprocess.Popen(
            [str(part) for part in argv],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(env) if env is not None else None,
            cwd=cwd,
            start_new_session=True,
            preexec_fn=die_with_parent(death_signal),
            **identity,
        )


def stop_child(child: subprocess.Popen[bytes], steps: Sequence[tuple[int, float]]) -> int:
    """Send each signal and wait its seconds until the child ends; SIGKILL to its session after the last. Exit code."""
    for number, seconds in steps:
        if child.poll() is not None:
            break
        child.send_signal(number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(seconds)
    if child.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
    return child.wait()


def end_leftover(pid: int, marker: str, steps: Sequence[tuple[int, float]]) -> None:
    """End process `pid` if `marker` is on its command line: a number in an old pid file may be anybody's by now."""
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE or not any(marker in part for part in process.cmdline()):
            return
        for number, seconds in [*steps, (signal.SIGKILL, 5.0)]:
            process.send_signal(number)
            with contextlib.suppress(psutil.TimeoutExpired):
                process.wait(seconds)
                return


def last_lines(log: Path, count: int = 3) -> str:
    """The end of a log in one line, for an error message."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 4000))
            lines = file.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return ""
    return " | ".join(line.strip() for line in lines[-count:] if line.strip())
