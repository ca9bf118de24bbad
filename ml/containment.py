"""Which texts stand inside others: nearly all word sequences of the one are the other's too.

Long prompts are usually compared by 13 words in a row; a third of ordinary questions is too short for that. Here five
words in a row make a gram. A text stands inside another that has 0.7 of its grams; a short one, which shares most of
them with a question that differs in its last word, inside one that has them all. Texts of fewer than eight words are
left to the comparison of whole texts. A gram that many texts have is a template's and counts for none.

A text that comes later is compared with what was kept of the others: `Grams.packed`, four bytes a gram.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
import rensa
from numpy.typing import NDArray

from ml.presence import Presence
from ml.words import words

GRAM = 5
SHORTEST = 8  # words; fewer make grams that any text has
CONTAINED = 0.7  # of a text's grams
SHORT_GRAMS = 16  # a text with fewer has fewer than twenty words: it stands inside with all of them
_COMMON_SHARE, _COMMON_TEXTS = 0.001, 10
_RARE = 2  # grams that a text must have besides the common ones
_CHUNK = 1_000  # texts whose grams stand in memory as words
_SHIFT = 7  # bits of a gram that the first look leaves out: a table of 4 MB

Hashes = NDArray[np.uint32]
Rows = NDArray[np.int64]


class Grams:
    """The grams of many texts, row after row in one array, each once a text."""

    def __init__(self, values: Hashes, sizes: Rows) -> None:
        self.values = values
        self.sizes = sizes

    @classmethod
    def of(cls, texts: Sequence[str]) -> Grams:
        parts = [cls._of(texts[start : start + _CHUNK]) for start in range(0, len(texts), _CHUNK)]
        return cls.joined([cls(np.zeros(0, dtype=np.uint32), np.zeros(0, dtype=np.int64)), *parts])

    @classmethod
    def _of(cls, texts: Sequence[str]) -> Grams:
        lists = []
        for text in texts:
            tokens = words(text)
            wide = len(tokens) if len(tokens) >= SHORTEST else 0
            lists.append([" ".join(tokens[n : n + GRAM]) for n in range(wide - GRAM + 1)])
        sets = rensa.RMinHash.hash_token_sets(lists)
        sizes = np.array(list(map(len, sets)), dtype=np.int64)
        values = np.fromiter(chain.from_iterable(sets), dtype=np.uint64, count=int(sizes.sum()))
        return cls(values.astype(np.uint32), sizes)

    @classmethod
    def joined(cls, parts: Sequence[Grams]) -> Grams:
        return cls(np.concatenate([part.values for part in parts]), np.concatenate([part.sizes for part in parts]))

    def packed(self) -> list[bytes]:
        ends = np.cumsum(self.sizes).tolist()
        return [self.values[start:end].tobytes() for start, end in zip([0, *ends], ends, strict=False)]

    @property
    def rows(self) -> Rows:
        """The row of each value."""
        return np.repeat(np.arange(len(self.sizes)), self.sizes)

    def common(self) -> Hashes:
        """Grams that too many of the texts have, sorted."""
        ordered = np.sort(self.values)
        first = _starts(ordered)
        counts = np.diff(np.append(first, ordered.size))
        found: Hashes = ordered[first[counts > max(_COMMON_TEXTS, _COMMON_SHARE * len(self.sizes))]]
        return found

    def without(self, common: Hashes) -> Grams:
        keep = np.isin(self.values, common, invert=True)
        return Grams(self.values[keep], np.bincount(self.rows[keep], minlength=len(self.sizes)))


class GramIndex:
    """Some texts by their grams, to be compared with many others."""

    def __init__(self, grams: Grams) -> None:
        order = np.argsort(grams.values, kind="stable")
        self._values = grams.values[order]
        self._owners = grams.rows[order].astype(np.int32)
        self._sizes = grams.sizes
        self._presence = Presence(self._values >> _SHIFT, 32 - _SHIFT)

    def inside(self, texts: Grams) -> list[tuple[int, int, float]]:
        """(text, own, share) for each of the own texts that stands inside one of these, sorted."""
        return self._found(*self._shared(texts), self._sizes)

    def around(self, texts: Grams) -> list[tuple[int, int, float]]:
        """(text, own, share) for each of these texts that stands inside an own one, sorted."""
        return self._found(*self._shared(texts), texts.sizes, of_rows=True)

    def both(self, texts: Grams) -> tuple[list[tuple[int, int, float]], list[tuple[int, int, float]]]:
        """`inside` and `around` in one look."""
        shared = self._shared(texts)
        return self._found(*shared, self._sizes), self._found(*shared, texts.sizes, of_rows=True)

    def _shared(self, texts: Grams) -> tuple[Rows, Rows, Rows]:
        """Rows, own rows and how many grams they share, of all that share one."""
        perhaps = self._presence.perhaps(texts.values >> _SHIFT)
        values, rows = texts.values[perhaps], texts.rows[perhaps]
        start = np.searchsorted(self._values, values, side="left")
        known = start < self._values.size
        known[known] = self._values[start[known]] == values[known]
        start, rows = start[known], rows[known]
        many = np.searchsorted(self._values, values[known], side="right") - start
        places = np.repeat(start, many) + np.arange(many.sum()) - np.repeat(np.cumsum(many) - many, many)
        codes = np.sort(np.repeat(rows, many) * max(1, len(self._sizes)) + self._owners[places])
        first = _starts(codes)
        counts = np.diff(np.append(first, codes.size))
        return codes[first] // max(1, len(self._sizes)), codes[first] % max(1, len(self._sizes)), counts

    @staticmethod
    def _found(
        rows: Rows, owners: Rows, counts: Rows, sizes: Rows, *, of_rows: bool = False
    ) -> list[tuple[int, int, float]]:
        whole = sizes[rows if of_rows else owners]
        wanted = np.where(whole < SHORT_GRAMS, whole, CONTAINED * whole)
        found = np.flatnonzero((counts >= wanted) & (whole >= _RARE))
        shares = counts[found] / whole[found]
        return list(zip(rows[found].tolist(), owners[found].tolist(), shares.tolist(), strict=True))


def _starts(ordered: NDArray[Any]) -> Rows:
    """Where each value of a sorted array begins."""
    return np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]])[: ordered.size])
