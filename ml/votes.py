"""Blind comparisons as arrays: read from a file or from rows, counted by pair."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

# What the left item gets. Both bad counts as a tie: neither was preferred.
OUTCOMES = {"left": 1.0, "right": 0.0, "tie": 0.5, "both_bad": 0.5}
_REQUIRED = ("left", "right", "winner")
_ROWS = 2_000  # read at once: more no longer fit the processor's cache and take twice as long


class VoteError(ValueError):
    """A vote that cannot be read; the sentence says where and what to do."""


@dataclass(frozen=True, slots=True)
class Votes:
    """Votes in the order in which they were given: item numbers, what the left one got, and who voted on what.

    `rater` and `prompt` number the clusters in which votes resemble each other; None if not known.
    """

    items: tuple[str, ...]
    left: Ints
    right: Ints
    outcome: Floats
    rater: Ints | None = None
    prompt: Ints | None = None

    def __len__(self) -> int:
        return self.left.size

    @classmethod
    def of(
        cls,
        left: Sequence[str],
        right: Sequence[str],
        winner: Sequence[str],
        *,
        rater: Sequence[str] | None = None,
        prompt: Sequence[str] | None = None,
    ) -> Votes:
        """From columns of equal length. Raises VoteError with the number of the first bad vote (counted from 1)."""
        clusters = {name: column for name, column in (("rater", rater), ("prompt", prompt)) if column is not None}
        columns = _Columns(list(clusters))
        columns.add(left, right, winner, list(clusters.values()), "Vote", range(1, len(winner) + 1))
        return columns.votes()


def read_votes(path: Path | str) -> Votes:
    """Votes from a CSV file with the columns left, right, winner and perhaps rater and prompt; others are ignored.

    Raises VoteError with the row (the heading is row 1), OSError if the file cannot be read.
    """
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            return _read(csv.reader(file, strict=True))
    except UnicodeDecodeError as error:
        raise VoteError(f"{path} is not UTF-8 text; save it as CSV UTF-8.") from error
    except csv.Error as error:
        raise VoteError(f"{path} is not a CSV file: {error}.") from error


class _Columns:
    """Votes under construction: text goes in a part at a time, numbers are kept."""

    def __init__(self, clusters: Sequence[str]) -> None:
        self._items: dict[str, int] = {}
        self._clusters: dict[str, dict[str, int]] = {name: {} for name in clusters}
        self._parts: list[list[NDArray[np.generic]]] = []

    def add(
        self,
        left: Sequence[str],
        right: Sequence[str],
        winner: Sequence[str],
        clusters: Sequence[Sequence[str]],
        place: str,
        numbers: Sequence[int],
    ) -> None:
        """Columns of some votes; an error names its vote by `place` and its number in `numbers`."""
        outcomes = {word: OUTCOMES.get(word.strip().lower()) for word in set(winner)}
        if None in outcomes.values():
            index = next(index for index, word in enumerate(winner) if outcomes[word] is None)
            choices = ", ".join(OUTCOMES)
            raise VoteError(f"{place} {numbers[index]}: the winner is {winner[index]!r}; it must be one of {choices}.")
        for index, (one, other) in enumerate(zip(left, right, strict=True)):
            if one == other or not one or not other:
                wrong = f"compares {one!r} with itself" if one == other else "has an item without a name"
                raise VoteError(f"{place} {numbers[index]} {wrong}; a vote compares two named items.")
        numbered = [_numbered(column, self._items) for column in (left, right)]
        outcome = np.fromiter(map(outcomes.__getitem__, winner), dtype=np.float64, count=len(winner))
        named = zip(clusters, self._clusters.values(), strict=True)
        self._parts.append([*numbered, outcome, *(_numbered(column, known) for column, known in named)])

    def __len__(self) -> int:
        return sum(part[0].size for part in self._parts)

    def votes(self) -> Votes:
        left, right, outcome, *clusters = (np.concatenate(part) for part in zip(*self._parts, strict=True))
        return Votes(tuple(self._items), left, right, outcome, **dict(zip(self._clusters, clusters, strict=True)))


def _read(reader: Iterator[list[str]]) -> Votes:
    heading = [name.strip().lower() for name in next(reader, [])]
    missing = [name for name in _REQUIRED if name not in heading]
    if missing:
        raise VoteError(f"Row 1: the column {missing[0]!r} is missing; the heading must name left, right and winner.")
    clusters: list[str] = [name for name in ("rater", "prompt") if name in heading]
    columns = _Columns(clusters)
    number = 2
    while rows := list(islice(reader, _ROWS)):
        numbers: Sequence[int] = range(number, number + len(rows))
        number += len(rows)
        if [] in rows:  # blank lines
            numbers = [place for place, row in zip(numbers, rows, strict=True) if row]
            rows = [row for row in rows if row]
        columns.add(*_transposed(rows, heading, clusters, numbers), "Row", numbers)
    if not columns:
        raise VoteError("There are no votes below the heading.")
    return columns.votes()


def _transposed(
    rows: list[list[str]], heading: list[str], clusters: list[str], numbers: Sequence[int]
) -> tuple[Sequence[str], Sequence[str], Sequence[str], list[Sequence[str]]]:
    """The columns left, right, winner and the clusters of some rows."""
    for place, row in zip(numbers, rows, strict=True):
        if len(row) != len(heading):
            raise VoteError(f"Row {place} has {len(row)} columns; the heading has {len(heading)}.")
    columns = list(zip(*rows, strict=True)) or [()] * len(heading)
    table = dict(zip(heading, columns, strict=True))
    return table["left"], table["right"], table["winner"], [table[name] for name in clusters]


def _numbered(column: Sequence[str], numbers: dict[str, int]) -> Ints:
    """The number of each value, by first appearance; `numbers` grows."""
    for value in dict.fromkeys(column):
        numbers.setdefault(value, len(numbers))
    return np.fromiter(map(numbers.__getitem__, column), dtype=np.int64, count=len(column))
