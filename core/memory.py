"""Whether a process that was killed was killed for want of memory: what the system counted, and what was free last."""

import contextlib
from pathlib import Path

import psutil
from django.template.defaultfilters import filesizeformat

COUNTERS = (Path("/proc/vmstat"), Path("/sys/fs/cgroup/memory.events"))  # each may hold a line "oom_kill N"
SCARCE = 0.05  # of all memory: with less than this left, a kill is a kill for memory
MOST = 0.85  # of all memory, held by one process


class MemoryWatch:
    """Looks at a process now and then; `evidence` says afterwards why memory was the reason, if it was."""

    def __init__(self, pid: int) -> None:
        self.kills = kills_counted()
        self.held, self.free = 0, psutil.virtual_memory().available
        self.process: psutil.Process | None = None
        with contextlib.suppress(psutil.Error):
            self.process = psutil.Process(pid)

    def look(self) -> None:
        with contextlib.suppress(psutil.Error):
            if self.process is not None:
                self.held = max(self.held, self.process.memory_info().rss)
                self.free = psutil.virtual_memory().available

    def evidence(self) -> bool:
        """The system has counted a kill for memory since, or memory was all but used up at the last look."""
        total = psutil.virtual_memory().total
        return kills_counted() > self.kills or self.free < SCARCE * total or self.held > MOST * total

    def told(self) -> str:
        return filesizeformat(self.held)


def kills_counted() -> int:
    """How often the system has killed for memory, on this machine and in this container."""
    count = 0
    for path in COUNTERS:
        with contextlib.suppress(OSError, ValueError):
            lines = path.read_text(encoding="ascii").splitlines()
            count += sum(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))
    return count
