"""Blocks of words that stand several times in a row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

SIZE = 4  # words in an n-gram
_LONGEST_BLOCK = 60  # words


@dataclass(frozen=True, slots=True)
class Loop:
    """`times` copies of the words `first` to `first + period`, one right after the other, up to `end` (exclusive)."""

    first: int
    period: int
    end: int

    @property
    def times(self) -> int:
        return (self.end - self.first) // self.period


def repeat_distances(tokens: Sequence[str]) -> tuple[int, Counter[int]]:
    """How many 4-grams stood earlier in the text, and how many at each distance (up to 60) from their last time."""
    last: dict[tuple[str, ...], int] = {}
    distances: Counter[int] = Counter()
    grams = list(zip(tokens, tokens[1:], tokens[2:], tokens[3:], strict=False))
    if len(set(grams)) == len(grams):
        return 0, distances
    for index, gram in enumerate(grams):
        if gram in last and index - last[gram] <= _LONGEST_BLOCK:
            distances[index - last[gram]] += 1
        last[gram] = index
    return len(grams) - len(last), distances


def find_loops(tokens: Sequence[str], times: int) -> Iterator[Loop]:
    """The runs in which the same 1 to 60 words stand at least `times` times in a row; shortest block first, no overlap.

    A run of period p is where token i equals token i - p; found by one pass for each period that can occur: the
    distance between two occurrences of some 4-gram (or 1 to 3).
    """
    covered = 0
    found = []
    for period in sorted(repeat_distances(tokens)[1]):
        first = 0
        for index in range(period, len(tokens) + 1):
            if index < len(tokens) and tokens[index] == tokens[index - period]:
                continue
            if index - first >= times * period:
                found.append(Loop(first, period, index))
            first = index - period + 1
    for loop in sorted(found, key=lambda loop: (loop.first, loop.period)):
        if loop.first >= covered:
            yield loop
            covered = loop.end
