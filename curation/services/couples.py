"""Couples of a task's pairs that say the same in other words.

Every vector beside every other while there are few; in a large task beside those of the cells that it lies in
(ml/cells.py), which misses one couple of ten thousand and grows with the task, not with its square.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db import connection, transaction
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from curation.models import Embedding, EmbeddingLook, LikenessBasis, NearMeaning, Revision, Task
from curation.models.embeddings import DIMENSIONS
from curation.selectors.columns import Whole, numbers_of
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
    SELECT pair_id, revision_id, vector_send(vector) FROM curation_embedding WHERE pair_id = ANY(%s) ORDER BY pair_id
"""
MEAN = "SELECT avg(vector)::text FROM curation_embedding WHERE pair_id = ANY(%s)"
# Pairs that have a meaning; whether it was compared, and up to which suite.
LOOKS = """
    SELECT kept.pair_id, coalesce(look.compared, false)::int, coalesce(look.suites_upto, 0) FROM curation_embedding kept
    LEFT JOIN curation_embeddinglook look ON look.embedding_id = kept.pair_id AND look.revision_id = kept.revision_id
    WHERE kept.task_id = %s ORDER BY kept.pair_id
"""
LOOKED = """
    INSERT INTO curation_embeddinglook AS kept (embedding_id, revision_id, compared, suites_upto)
    SELECT pair_id, revision_id, %(compared)s, %(upto)s FROM unnest(%(pairs)s::bigint[], %(revisions)s::bigint[])
        AS seen(pair_id, revision_id) JOIN curation_embedding USING (pair_id, revision_id)
    ON CONFLICT (embedding_id) DO UPDATE SET revision_id = excluded.revision_id,
        compared = excluded.compared OR kept.compared AND kept.revision_id = excluded.revision_id,
        suites_upto = greatest(
            excluded.suites_upto, CASE WHEN kept.revision_id = excluded.revision_id THEN kept.suites_upto END
        )
"""
SENT = np.dtype([("head", ">i2", 2), ("vector", ">f4", DIMENSIONS)])  # as pgvector sends it
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Vectors:
    """Revisions and, as rows of length 1, what they mean."""

    pairs: list[int]
    revisions: list[int]
    rows: Floats


def couples_update(task: Task, tell: Tell, kept: Callable[[], None]) -> None:
    """Compare the vectors that are new with all; each piece is complete in itself, and `kept` is called after it.

    All of them again when there are half as many more as when that was last done: by then more is known of what the
    task's texts have in common, which counts for no likeness.
    """
    basis_follow(task)
    pairs, compared, _upto = numbers_of(LOOKS, [task.pk], 3)
    known, waiting = pairs[compared == 1], pairs[compared == 0]
    if not len(waiting):
        return
    less = shared_part(pairs)
    cells = cells_of(pairs, less)
    for start in range(0, len(waiting), PIECE):

        def told(start: int = start) -> None:
            tell(start, len(waiting), _("Looking for pairs that say the same in other words"))

        own = vectors_of(waiting[start : start + PIECE], less)
        found = couples_among(task, own, np.concatenate([known, waiting[:start]]), less, cells, told)
        with transaction.atomic():
            NearMeaning.objects.bulk_create(found, ignore_conflicts=True, batch_size=BATCH)
            looks_keep(own, compared=True)
        kept()


@transaction.atomic
def basis_follow(task: Task) -> None:
    count = Embedding.objects.filter(task=task).count()
    basis, _made = LikenessBasis.objects.get_or_create(task=task, defaults={"edition": 0, "revisions": 0})
    if count > basis.meanings * GROWTH:
        EmbeddingLook.objects.filter(embedding__task=task).update(compared=False)
        NearMeaning.objects.filter(task=task).delete()
        LikenessBasis.objects.filter(task=task).update(meanings=count)


def looks_keep(seen: Vectors, *, compared: bool = False, upto: int = 0) -> None:
    """These were compared with the others, or with items up to a suite. One embedded anew meanwhile keeps its turn."""
    values: dict[str, Any] = {"compared": compared, "upto": upto, "pairs": seen.pairs, "revisions": seen.revisions}
    with connection.cursor() as cursor:
        cursor.execute(LOOKED, values)


def cells_of(pairs: Whole, less: Floats) -> Cells:
    if len(pairs) <= ALL_WITH_ALL:
        return Cells(np.ones((1, DIMENSIONS), dtype=np.float32))
    return Cells.among(vectors_of(some_of(pairs), less).rows, len(pairs) // CELL)


def some_of(pairs: Whole) -> Whole:
    return pairs[:: max(1, -(-len(pairs) // SAMPLE))]


def couples_among(
    task: Task, own: Vectors, known: Whole, less: Floats, cells: Cells, told: Callable[[], None]
) -> list[NearMeaning]:
    """Those of which one is among these vectors, and the other too or among the known pairs."""
    index = CellIndex(cells, own.rows)
    revisions = np.array(own.revisions)
    found: dict[tuple[int, int], float] = {}
    for others in shelves(np.concatenate([np.array(own.pairs, dtype=np.int64), known]), less):
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


def shelves(pairs: Whole, less: Floats) -> Iterator[Vectors]:
    """Read some thousands at a time: what the database sends takes several times their room."""
    for start in range(0, len(pairs), BATCH):
        with connection.cursor() as cursor:
            cursor.execute(VECTORS, [pairs[start : start + BATCH].tolist()])
            rows = cursor.fetchall()
        sent = np.frombuffer(b"".join(bytes(row[2]) for row in rows), dtype=SENT)
        yield Vectors([row[0] for row in rows], [row[1] for row in rows], matrix(sent["vector"], less))


def vectors_of(pairs: Whole, less: Floats) -> Vectors:
    parts = list(shelves(pairs, less))
    return Vectors(
        [pair for part in parts for pair in part.pairs],
        [revision for part in parts for revision in part.revisions],
        np.concatenate([matrix([], less), *(part.rows for part in parts)]),
    )


def short_among(revisions: Iterable[int]) -> set[int]:
    """Those whose answers have a few words."""
    rows = Revision.objects.filter(pk__in=list(revisions)).values_list("pk", "response")
    return {pk for pk, response in rows.iterator(chunk_size=5_000) if count_words(response) < ANSWER_WORDS}


def shared_part(pairs: Whole) -> Floats:
    """What the vectors of a task have in common, where that is so much that it would make all of them alike."""
    if len(pairs) < FEWEST:
        return np.zeros(1, dtype=np.float32)
    with connection.cursor() as cursor:
        cursor.execute(MEAN, [some_of(pairs).tolist()])
        found = np.array(json.loads(cursor.fetchone()[0] or "[0]"), dtype=np.float32)
    return found if np.linalg.norm(found) >= SHARED else np.zeros(1, dtype=np.float32)


def matrix(vectors: Sequence[Sequence[float]] | Floats, less: Floats) -> Floats:
    """The vectors without `less`, as rows of length 1."""
    if not len(vectors):
        return np.zeros((0, DIMENSIONS), dtype=np.float32)
    found = np.asarray(vectors, dtype=np.float32) - less
    return found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-9)
