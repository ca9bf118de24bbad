"""One line of the budget table: what was measured, what was promised, and what others reach."""

import os
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    what: str
    measured: str
    budget: str
    reference: str = ""
    held: bool | None = None  # None: nothing was promised, or it could not be measured


def quantile(values: list[float], share: float) -> float:
    """The value below which `share` of the values lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def timed(action: Callable[[], object], times: int) -> list[float]:
    """Seconds of each of `times` calls, after one that is not counted."""
    action()
    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        action()
        seconds.append(time.perf_counter() - start)
    return seconds


def median(values: list[float]) -> float:
    return statistics.median(values)


def count_from(name: str, default: int) -> int:
    """A size that the environment may change. Raises ValueError for what is no number."""
    return int(os.environ.get(name) or default)


def printed(rows: Iterator[Row]) -> Iterator[Row]:
    """Print each row as soon as it is known, with how busy the machine was, and pass it on."""
    for row in rows:
        mark = {True: "ok", False: "MISSED", None: "-"}[row.held]
        told = f"{mark:7} {row.what:62} {row.measured:34} budget {row.budget:26} {row.reference}".rstrip()
        print(f"{told}  [load {os.getloadavg()[0]:.1f}]", flush=True)
        yield row
