"""Couples of a task's pairs that say the same in other words.

Every vector beside every other while there are few; in a large task beside those of the cells that it lies in
(ml/cells.py), which misses one couple of ten thousand and grows with the task, not with its square.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

import numpy as np
from django.db import connection, transaction
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from curation.models import Embedding, LikenessBasis, NearMeaning, Revision, Task
from curation.models.embeddings import DIMENSIONS
from curation.selectors.columns import numbers_read
from curation.services.likeness import GROWTH, Tell
from ml.cells import CellIndex, Cells
from ml.split import ANSWER_WORDS
from ml.words import count_words

# Cosine of two pairs, question and answer together. Of a company's 503 questions and answers, all different, fourteen
# couples lie above it: twelve ask the same in other words, two nearly the same. Free retellings lie between 0.5 and
# 0.85, where couples that only share their subject lie too, so they are not found (tests/reference/test_meaning.py).
THRESHOLD = 0.86
# With an answer of a few words nearly all is the question. Of 3,080 short bank questions 9 % have one of another intent
# above 0.85, and 0.7 % above this.
SHORT_THRESHOLD = 0.95
# Length of the mean of a task's vectors from which on they are alike by what all of them begin with, as an instruction
# that stands before every text. What they share is taken away before they are compared then.
SHARED = 0.7
FEWEST = 50
PIECE, BATCH = 50_000, 5_000  # vectors compared before what was found is kept, and those that pass by beside them
ALL_WITH_ALL = 20_000  # vectors; what is found in more of them by cells is found faster
CELL, SAMPLE = 1_000, 20_000  # vectors in a cell, about; vectors among which the cells are found
VECTORS = """
    SELECT pair_id, revision_id, vector_send(vector) FROM curation_embedding
    WHERE task_id = %s AND compared = %s AND pair_id > %s ORDER BY pair_id LIMIT %s
"""
SAMPLED = """
    SELECT pair_id, revision_id, vector_send(vector) FROM curation_embedding WHERE pair_id = ANY(%s) ORDER BY pair_id
"""
SENT = np.dtype([("head", ">i2", 2), ("vector", ">f4", DIMENSIONS)])  # as pgvector sends it
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Vectors:
    """Revisions and, as rows of length 1, what they mean."""

    pairs: list[int]
    revisions: list[int]
    rows: Floats

    def shelves(self) -> Iterator[Vectors]:
        for start in range(0, len(self.pairs), BATCH):
            part = slice(start, start + BATCH)
            yield Vectors(self.pairs[part], self.revisions[part], self.rows[part])


def couples_update(task: Task, tell: Tell, kept: Callable[[], None]) -> None:
    """Compare the vectors that are new with all; each piece is complete in itself, and `kept` is called after it.

    All of them again when there are half as many more as when that was last done: by then more is known of what the
    task's texts have in common, which counts for no likeness.
    """
    basis_follow(task)
    less = shared_part(task)
    total = Embedding.objects.filter(task=task, compared=False).count()
    cells = cells_of(task, less) if total else None
    done = 0
    while cells and (own := piece_read(task, less)).pairs:

        def told(done: int = done) -> None:
            tell(done, total, _("Looking for pairs that say the same in other words"))

        found = couples_among(task, own, less, cells, told)
        with transaction.atomic():
            NearMeaning.objects.bulk_create(found, ignore_conflicts=True, batch_size=5_000)
            seen = Embedding.objects.filter(pair__in=own.pairs, revision_id__in=own.revisions)
            seen.update(compared=True)  # one embedded anew meanwhile keeps its turn
        done += len(own.pairs)
        kept()


@transaction.atomic
def basis_follow(task: Task) -> None:
    count = Embedding.objects.filter(task=task).count()
    basis, _made = LikenessBasis.objects.get_or_create(task=task, defaults={"edition": 0, "revisions": 0})
    if count > basis.meanings * GROWTH:
        Embedding.objects.filter(task=task, compared=True).update(compared=False)
        NearMeaning.objects.filter(task=task).delete()
        LikenessBasis.objects.filter(task=task).update(meanings=count)


def cells_of(task: Task, less: Floats) -> Cells:
    (pairs,) = numbers_read(Embedding.objects.filter(task=task).order_by("pair"), "pair_id")
    if len(pairs) <= ALL_WITH_ALL:
        return Cells(np.ones((1, DIMENSIONS), dtype=np.float32))
    chosen = pairs[:: -(-len(pairs) // SAMPLE)].tolist()
    return Cells.among(vectors_read(SAMPLED, [chosen], less).rows, len(pairs) // CELL)


def couples_among(task: Task, own: Vectors, less: Floats, cells: Cells, told: Callable[[], None]) -> list[NearMeaning]:
    """Those of which one is among these vectors, and the other too or compared before."""
    index = CellIndex(cells, own.rows)
    revisions = np.array(own.revisions)
    found: dict[tuple[int, int], float] = {}
    for others in chain(own.shelves(), shelves_read(task, less, compared=True)):
        told()
        there = np.array(others.revisions)
        for couples, cosines in index.alike(others.rows, THRESHOLD):
            ends = np.sort(np.stack([revisions[couples[:, 0]], there[couples[:, 1]]], axis=1), axis=1)
            for (one, other), cosine in zip(ends.tolist(), cosines.tolist(), strict=True):
                if one != other:
                    found[one, other] = min(1.0, cosine)
    short = short_among({revision for couple in found for revision in couple})
    return [
        NearMeaning(task=task, one=one, other=other, similarity=score)
        for (one, other), score in found.items()
        if score >= SHORT_THRESHOLD or not {one, other} & short
    ]


def piece_read(task: Task, less: Floats) -> Vectors:
    """The next ones that are new, read a shelf at a time: what the database sends takes several times their room."""
    shelves = list(islice(shelves_read(task, less, compared=False), PIECE // BATCH))
    return Vectors(
        [pair for shelf in shelves for pair in shelf.pairs],
        [revision for shelf in shelves for revision in shelf.revisions],
        np.concatenate([matrix([], less), *(shelf.rows for shelf in shelves)]),
    )


def shelves_read(task: Task, less: Floats, *, compared: bool) -> Iterator[Vectors]:
    last = 0
    while (found := vectors_read(VECTORS, [task.pk, compared, last, BATCH], less)).pairs:
        yield found
        last = found.pairs[-1]


def vectors_read(query: str, values: Sequence[Any], less: Floats) -> Vectors:
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        rows = cursor.fetchall()
    sent = np.frombuffer(b"".join(bytes(row[2]) for row in rows), dtype=SENT)
    return Vectors([row[0] for row in rows], [row[1] for row in rows], matrix(sent["vector"], less))


def short_among(revisions: Iterable[int]) -> set[int]:
    """Those whose answers have a few words."""
    rows = Revision.objects.filter(pk__in=list(revisions)).values_list("pk", "response")
    return {pk for pk, response in rows.iterator(chunk_size=5_000) if count_words(response) < ANSWER_WORDS}


def shared_part(task: Task) -> Floats:
    """What the vectors of a task have in common, where that is so much that it would make all of them alike."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*), avg(vector)::text FROM curation_embedding WHERE task_id = %s", [task.pk])
        count, mean = cursor.fetchone()
    found = np.array(json.loads(mean or "[0]"), dtype=np.float32)
    return found if count >= FEWEST and np.linalg.norm(found) >= SHARED else np.zeros(1, dtype=np.float32)


def matrix(vectors: Sequence[Sequence[float]] | Floats, less: Floats) -> Floats:
    """The vectors without `less`, as rows of length 1."""
    if not len(vectors):
        return np.zeros((0, DIMENSIONS), dtype=np.float32)
    found = np.asarray(vectors, dtype=np.float32) - less
    return found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-9)
