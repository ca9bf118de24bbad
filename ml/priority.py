"""Background work gives way to people: what answers a page runs first on a machine that both share."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

NICE = 15
AUTOGROUP = Path("/proc/self/autogroup")


def give_way() -> None:
    """Lower the priority of this process and of what it starts. Nothing is lost where nobody else wants the processor.

    Linux shares the processor out by session first, where that is switched on (sched(7), autogroup), and only within a
    session by process: so the session gets the same low priority, if we have one of our own.
    """
    os.nice(max(0, NICE - os.nice(0)))
    if os.getsid(0) == os.getpid():
        with contextlib.suppress(OSError):
            AUTOGROUP.write_text(str(NICE))
