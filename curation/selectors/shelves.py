"""What is kept of a task's texts (models/likeness.py), read a few thousand rows at a time, without an object for each:
there may be a million. Comparing (comparing.py) holds in memory what is new and this, never the whole task."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from curation.choices import LikeKind
from curation.models import Likeness, Task
from curation.selectors.columns import Whole, numbers_read
from curation.selectors.compared_texts import GRAMS, SKETCH
from ml.containment import Grams
from ml.near_duplicates import SKETCH_BYTES, Sketches, Unit

BATCH = 5_000
KINDS = tuple(LikeKind)
COLUMNS = (*SKETCH.values(), *GRAMS.values())
# One row for thousands: the server joins each column, empty values included as their lengths.
JOINED = f"""
    SELECT coalesce(string_agg(int8send(revision_id), '' ORDER BY revision_id), ''),
    {
    ", ".join(
        f"coalesce(string_agg(int4send(length({name})), '' ORDER BY revision_id), ''), "
        f"coalesce(string_agg({name}, '' ORDER BY revision_id), '')"
        for name in COLUMNS
    )
}
    FROM curation_likeness WHERE revision_id = ANY(%s)
"""  # noqa: S608  names of the model's own columns


@dataclass(frozen=True)
class Roll:
    """All rows of a task by revision. `first` are those that stand for their text, which many pairs may have: one that
    was compared before (`known`), else the first."""

    revisions: Whole
    numbers: dict[LikeKind, Whole]  # 0 where nothing is compared
    first: dict[LikeKind, NDArray[np.bool_]]
    known: NDArray[np.bool_]

    @classmethod
    def of(cls, task: Task) -> Roll:
        rows = Likeness.objects.filter(task=task)
        revisions, *numbers = numbers_read(rows, "revision_id", *(kind.value for kind in KINDS))
        (waiting,) = numbers_read(rows.filter(compared=False), "revision_id")
        order = np.argsort(revisions)
        revisions = revisions[order]
        known = np.isin(revisions, waiting, invert=True)
        by_kind = {kind: column[order] for kind, column in zip(KINDS, numbers, strict=True)}
        return cls(revisions, by_kind, {kind: first_rows(by_kind[kind], known) for kind in KINDS}, known)

    @property
    def places(self) -> Whole:
        """Of rows that stand for a text."""
        return np.flatnonzero(np.logical_or.reduce(list(self.first.values())))

    def shelves(self, places: Whole) -> Iterator[Shelf]:
        for start in range(0, len(places), BATCH):
            yield self._shelf(places[start : start + BATCH])

    def _shelf(self, places: Whole) -> Shelf:
        with connection.cursor() as cursor:
            cursor.execute(JOINED, [self.revisions[places].tolist()])
            revisions, *joined = cursor.fetchone()
        here = np.searchsorted(self.revisions, np.frombuffer(revisions, dtype=">i8"))
        columns = dict(zip(COLUMNS, zip(joined[::2], joined[1::2], strict=True), strict=True))
        return Shelf(
            {key: self._sketches(key[0], here, *columns[name]) for key, name in SKETCH.items()},
            *self._grams(here, columns),
        )

    def _sketches(self, kind: LikeKind, here: Whole, lengths: bytes, joined: bytes) -> tuple[Whole, Sketches]:
        filled = here[np.frombuffer(lengths, dtype=">i4") > 0]
        sketches = np.frombuffer(joined, dtype=np.uint8).reshape(-1, SKETCH_BYTES)
        stands = self.first[kind][filled]
        return filled[stands], sketches[stands]

    def _grams(self, here: Whole, columns: dict[str, Any]) -> tuple[Whole, Grams]:
        found = []
        for number, kind in enumerate(KINDS):
            lengths, joined = columns[GRAMS[kind]]
            sizes = np.frombuffer(lengths, dtype=">i4").astype(np.int64) // 4
            stands = self.first[kind][here]
            values = np.frombuffer(joined, dtype=np.uint32)[np.repeat(stands, sizes)]
            found.append((here[stands] * len(KINDS) + number, Grams(values, sizes[stands])))
        return np.concatenate([texts for texts, _grams in found]), Grams.joined([grams for _texts, grams in found])

    def text(self, code: int) -> tuple[LikeKind, int]:
        """Kind and number of a text that `Shelf.texts` names."""
        kind = KINDS[code % len(KINDS)]
        return kind, int(self.numbers[kind][code // len(KINDS)])


@dataclass(frozen=True)
class Shelf:
    """Some rows. `sketches` with the places of their texts on the roll; `texts` in the order of `grams`, each as twice
    its place, and one more for an answer."""

    sketches: dict[tuple[LikeKind, Unit], tuple[Whole, Sketches]]
    texts: Whole
    grams: Grams

    @classmethod
    def joined(cls, shelves: Sequence[Shelf]) -> Shelf:
        sketches = {}
        for key in SKETCH:
            places, kept = zip(*(shelf.sketches[key] for shelf in shelves), strict=True)
            sketches[key] = np.concatenate(places), np.concatenate(kept)
        texts = np.concatenate([shelf.texts for shelf in shelves])
        return cls(sketches, texts, Grams.joined([shelf.grams for shelf in shelves]))


def first_rows(numbers: Whole, known: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Of the rows with the same number, one: the first that is known, else the first. None of number 0."""
    order = np.lexsort((np.arange(len(numbers)), ~known, numbers))
    ordered = numbers[order]
    begins = np.concatenate([[True], ordered[1:] != ordered[:-1]])[: ordered.size] & (ordered != 0)
    found = np.zeros(len(numbers), dtype=np.bool_)
    found[order[begins]] = True
    return found
