"""Which of many numbers are there, told at one look for nearly all that are not."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


class Presence:
    """A table of 2 ** `bits` bits. Numbers are given by their places in it; two may share one."""

    def __init__(self, places: NDArray[Any], bits: int) -> None:
        table = np.zeros(2**bits, dtype=np.bool_)
        table[places] = True
        self._bytes = np.packbits(table, bitorder="little")  # small enough for a processor's cache

    def perhaps(self, places: NDArray[Any]) -> NDArray[np.bool_]:
        """False for what is not there, True for what is, and now and then for another."""
        found: NDArray[np.bool_] = (self._bytes[places >> 3] >> (places & 7).astype(np.uint8) & 1).astype(np.bool_)
        return found
