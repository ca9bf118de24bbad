"""Whether a text that a model learns from gives away a test item: the item's word sequences stand in it.

Long prompts are usually compared by 13 words in a row; a third of ordinary test questions is too short for that. Here
five words in a row make a gram, and a text gives an item away when it contains most of the item's grams. Items of fewer
than eight words are left to the comparison of whole texts.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import numpy as np
import rensa
from numpy.typing import NDArray

from ml.words import words

GRAM = 5
SHORTEST = 8  # words; fewer make grams that any text has
CONTAINED = 0.7  # of an item's grams
# A gram that so many items share is a template and gives nothing away.
_COMMON_SHARE, _COMMON_TEXTS = 0.01, 10
_RARE = 2  # grams that an item must have besides


class ItemGrams:
    """The grams of test items, to be looked for in many texts."""

    def __init__(self, items: Sequence[str]) -> None:
        values, owners = _grams(items, shortest=SHORTEST)
        order = np.argsort(values, kind="stable")
        values, owners = values[order], owners[order]
        first = np.flatnonzero(np.concatenate([[True], values[1:] != values[:-1]])[: values.size])
        counts = np.diff(np.concatenate([first, [values.size]]))
        keep = np.repeat(counts <= max(_COMMON_TEXTS, _COMMON_SHARE * len(items)), counts)
        self._values, self._owners = values[keep], owners[keep]
        sizes = np.bincount(self._owners, minlength=len(items))
        self._sizes = np.where(sizes >= _RARE, sizes, np.iinfo(np.int64).max)

    def contained_in(self, texts: Sequence[str]) -> list[tuple[int, int, float]]:
        """(text, item, share of the item's grams that the text contains), sorted, where the share reaches CONTAINED."""
        values, owners = _grams(texts, shortest=GRAM)
        start = np.searchsorted(self._values, values, side="left")
        stop = np.searchsorted(self._values, values, side="right")
        many = stop - start
        places = np.repeat(start, many) + np.arange(many.sum()) - np.repeat(np.cumsum(many) - many, many)
        size = len(self._sizes)
        codes, counts = np.unique(np.repeat(owners, many) * size + self._owners[places], return_counts=True)
        shares = counts / self._sizes[codes % size] if size else counts
        found = np.flatnonzero(shares >= CONTAINED)
        return [(int(codes[n] // size), int(codes[n] % size), float(shares[n])) for n in found]


def _grams(texts: Sequence[str], *, shortest: int) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """The hashes of the grams of all texts of at least `shortest` words, each once a text, and whose they are."""
    lists = []
    for text in texts:
        tokens = words(text)
        wide = len(tokens) if len(tokens) >= shortest else 0
        lists.append([" ".join(tokens[n : n + GRAM]) for n in range(wide - GRAM + 1)])
    sets = rensa.RMinHash.hash_token_sets(lists)
    sizes = np.array(list(map(len, sets)), dtype=np.int64)
    values = np.fromiter(chain.from_iterable(sets), dtype=np.uint64, count=int(sizes.sum()))
    return values, np.repeat(np.arange(len(texts), dtype=np.int64), sizes)
