"""Couples of a task's pairs that say the same in other words: every vector beside every other."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from django.db import connection, transaction
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from curation.models import Embedding, LikenessBasis, NearMeaning, Revision, Task
from curation.models.embeddings import DIMENSIONS
from curation.services.likeness import GROWTH, Tell
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
PIECE, BATCH = 10_000, 2_500  # their scores are what lies in memory: 100 MB
VECTORS = """
    SELECT pair_id, revision_id, vector_send(vector) FROM curation_embedding
    WHERE task_id = %s AND compared = %s AND pair_id > %s ORDER BY pair_id LIMIT %s
"""
SENT = np.dtype([("head", ">i2", 2), ("vector", ">f4", DIMENSIONS)])  # as pgvector sends it
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Vectors:
    """Revisions and, as rows of length 1, what they mean."""

    pairs: list[int]
    revisions: list[int]
    rows: Floats


def couples_update(task: Task, tell: Tell) -> None:
    """Compare the vectors that are new with all; each piece is complete in itself.

    All of them again when there are half as many more as when that was last done: by then more is known of what the
    task's texts have in common, which counts for no likeness.
    """
    basis_follow(task)
    less = shared_part(task)
    total = Embedding.objects.filter(task=task, compared=False).count()
    done = 0
    while (own := vectors_after(task, 0, less, compared=False, most=PIECE)).pairs:
        tell(done, total, _("Looking for pairs that say the same in other words"))
        found = couples_among(task, own, less)
        with transaction.atomic():
            NearMeaning.objects.bulk_create(found, ignore_conflicts=True, batch_size=5_000)
            seen = Embedding.objects.filter(pair__in=own.pairs, revision_id__in=own.revisions)
            seen.update(compared=True)  # one embedded anew meanwhile keeps its turn
        done += len(own.pairs)


@transaction.atomic
def basis_follow(task: Task) -> None:
    count = Embedding.objects.filter(task=task).count()
    basis, _made = LikenessBasis.objects.get_or_create(task=task, defaults={"edition": 0, "revisions": 0})
    if count > basis.meanings * GROWTH:
        Embedding.objects.filter(task=task, compared=True).update(compared=False)
        NearMeaning.objects.filter(task=task).delete()
        LikenessBasis.objects.filter(task=task).update(meanings=count)


def couples_among(task: Task, own: Vectors, less: Floats) -> list[NearMeaning]:
    found: dict[tuple[int, int], float] = {}
    for others in (own, *compared_before(task, less)):
        for start in range(0, len(others.pairs), BATCH):
            scores = others.rows[start : start + BATCH] @ own.rows.T
            for there, here in np.argwhere(scores >= THRESHOLD).tolist():
                one, other = sorted((others.revisions[start + there], own.revisions[here]))
                if one != other:
                    found[one, other] = min(1.0, float(scores[there, here]))
    short = short_among({revision for couple in found for revision in couple})
    return [
        NearMeaning(task=task, one=one, other=other, similarity=score)
        for (one, other), score in found.items()
        if score >= SHORT_THRESHOLD or not {one, other} & short
    ]


def compared_before(task: Task, less: Floats) -> Iterator[Vectors]:
    last = 0
    while (found := vectors_after(task, last, less, compared=True, most=BATCH)).pairs:
        yield found
        last = found.pairs[-1]


def vectors_after(task: Task, last: int, less: Floats, *, compared: bool, most: int) -> Vectors:
    with connection.cursor() as cursor:
        cursor.execute(VECTORS, [task.pk, compared, last, most])
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
