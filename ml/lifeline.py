"""A child ends when its supervisor does: the pipe whose other end the supervisor holds is the lifeline."""

from __future__ import annotations

import os
import threading

import psutil

VARIABLE = "APPRENTICE_LIFELINE_FD"
EXIT_CODE = 70


def watch_lifeline() -> bool:
    """Watch the descriptor named in APPRENTICE_LIFELINE_FD in a background thread; False if there is none.

    When the supervisor dies, whatever way, its end of the pipe closes: this process kills its children and exits with
    code 70 at once, without saving. Raises ValueError if the variable is not an open descriptor.
    """
    value = os.environ.get(VARIABLE, "")
    if not value:
        return False
    try:
        handle = int(value)
        os.fstat(handle)
    except (ValueError, OSError) as error:
        raise ValueError(f"{VARIABLE}={value} is not an open file descriptor.") from error
    os.set_inheritable(handle, False)
    threading.Thread(target=_wait, args=(handle,), name="lifeline", daemon=True).start()
    return True


def _wait(handle: int) -> None:
    while True:
        try:
            received = os.read(handle, 4096)
        except InterruptedError:
            continue
        except OSError:
            received = b""
        if not received:
            _end()


def _end() -> None:
    for child in psutil.Process().children(recursive=True):
        try:
            child.kill()
        except psutil.NoSuchProcess:
            continue
    os._exit(EXIT_CODE)
