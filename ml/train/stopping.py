"""Stopping a training: on SIGTERM at the next micro-batch, and whether there is time to save."""

from __future__ import annotations

import os
import signal
import time
from types import FrameType

GRACE_VARIABLE = "APPRENTICE_STOP_GRACE"


class StopRequested(Exception):
    """Somebody asked the process to stop."""


class Stopper:
    """Remembers a SIGTERM or SIGINT and when it came. `grace` is the time in seconds until the process is killed,
    from APPRENTICE_STOP_GRACE, or None for as long as needed."""

    def __init__(self) -> None:
        self._since: float | None = None
        value = os.environ.get(GRACE_VARIABLE, "")
        try:
            self.grace = float(value) if value else None
        except ValueError as error:
            raise ValueError(f"{GRACE_VARIABLE}={value} is not a number of seconds.") from error

    def listen(self) -> None:
        """Take the signals over; the main thread must call it."""
        signal.signal(signal.SIGTERM, self._request)
        signal.signal(signal.SIGINT, self._request)

    @property
    def requested(self) -> bool:
        return self._since is not None

    def check(self) -> None:
        """Raise StopRequested if a stop was asked for."""
        if self.requested:
            raise StopRequested

    def has_time_for(self, seconds: float) -> bool:
        """Whether something that took `seconds` last time, and half as long again, fits into what is left."""
        if self.grace is None or self._since is None:
            return True
        return time.monotonic() - self._since + 1.5 * seconds < self.grace

    def _request(self, signal_number: int, frame: FrameType | None) -> None:
        if self._since is None:
            self._since = time.monotonic()
