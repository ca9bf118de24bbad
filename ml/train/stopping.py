"""Stopping a training: at the next micro-batch, and whether there is time to save."""

from __future__ import annotations

import os
import signal
import time
from types import FrameType

GRACE_VARIABLE = "APPRENTICE_STOP_GRACE"


class StopRequested(Exception):
    """Somebody asked the process to stop."""


class Stopper:
    """Remembers that the process was asked to stop.

    SIGTERM: a person asked, and there is as much time as needed. SIGINT: the machine shuts down, and the process is
    killed APPRENTICE_STOP_GRACE seconds later (without that variable there is as much time as needed, too).
    SIGUSR1: a training is to end here as if these had been all its steps.
    """

    def __init__(self) -> None:
        self._deadline: float | None = None
        self.requested = False
        self.finish = False
        value = os.environ.get(GRACE_VARIABLE, "")
        try:
            self.grace = float(value) if value else None
        except ValueError as error:
            raise ValueError(f"{GRACE_VARIABLE}={value} is not a number of seconds.") from error

    def listen(self) -> None:
        """Take the signals over; the main thread must call it."""
        signal.signal(signal.SIGTERM, self._request)
        signal.signal(signal.SIGINT, self._request)
        signal.signal(signal.SIGUSR1, self._finish)

    def check(self) -> None:
        """Raise StopRequested if a stop was asked for."""
        if self.requested:
            raise StopRequested

    def has_time_for(self, seconds: float) -> bool:
        """Whether something that took `seconds` last time, and half as long again, fits into what is left."""
        return self._deadline is None or time.monotonic() + 1.5 * seconds < self._deadline

    def _request(self, signal_number: int, frame: FrameType | None) -> None:
        self.requested = True
        if signal_number == signal.SIGINT and self._deadline is None and self.grace is not None:
            self._deadline = time.monotonic() + self.grace

    def _finish(self, signal_number: int, frame: FrameType | None) -> None:
        self.finish = True
