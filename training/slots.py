"""Devices that trainings of one worker share: each GPU holds one training, and without a GPU the processor does."""

import queue
from collections.abc import Iterator
from contextlib import contextmanager

from ml.devices import gpus

VARIABLE = "CUDA_VISIBLE_DEVICES"
_free: "queue.SimpleQueue[dict[str, str]]" = queue.SimpleQueue()
for _gpu in gpus():
    _free.put({VARIABLE: _gpu})
if _free.empty():
    _free.put({})


@contextmanager
def device_slot() -> Iterator[dict[str, str]]:
    """The environment that gives a child a device of its own, until the block ends. Waits for a free one: a worker
    runs as many trainings at once as it has devices."""
    mine = _free.get()
    try:
        yield mine
    finally:
        _free.put(mine)
