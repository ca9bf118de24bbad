"""Devices that trainings of one worker share: each GPU holds one training, and without a GPU the processor does."""

import queue
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from ml.devices import gpus

VARIABLE = "CUDA_VISIBLE_DEVICES"
Places = queue.SimpleQueue[dict[str, str]]


def places(devices: Iterable[str]) -> Places:
    """One for each GPU, named to the child; without a GPU one for the processor."""
    free: Places = queue.SimpleQueue()
    for mine in [{VARIABLE: device} for device in devices] or [{}]:
        free.put(mine)
    return free


_free = places(gpus())


@contextmanager
def device_slot() -> Iterator[dict[str, str]]:
    """The environment that gives a child a device of its own, until the block ends. Waits for a free one: a worker
    runs as many trainings at once as it has devices."""
    mine = _free.get()
    try:
        yield mine
    finally:
        _free.put(mine)
