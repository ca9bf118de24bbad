"""Which pairs say in other words what another or a test item says: vectors beside each other.

Found by the jobs that make vectors and that compare texts. Couples of a task's own pairs are kept for the split, which
puts both into one part; what says the same as an item of a suite beside the other leaks (services/leaks.py). A pair
whose vector has not come yet was not looked at, and whoever freezes is told how many those are.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import IO

import numpy as np
from django.db import transaction
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from core.denied import ApplicationError
from core.model_server import embed
from curation.array_file import ArrayFile
from curation.choices import LeakMethod, LikeKind
from curation.models import Leak, SuiteItem, Task
from curation.models.embeddings import DIMENSIONS
from curation.selectors.columns import Whole, numbers_of
from curation.selectors.leak_texts import TEXTS, new_items
from curation.selectors.uncompared import newest_suite
from curation.services.couples import (
    LOOKS,
    SHORT_THRESHOLD,
    THRESHOLD,
    Floats,
    Vectors,
    cells_of,
    couples_update,
    looks_keep,
    matrix,
    shared_part,
    short_among,
    vectors_of,
)
from curation.services.likeness import Tell, task_held
from ml.cells import CellIndex, Cells
from ml.split import ANSWER_WORDS
from ml.words import count_words

PIECE, BATCH = 25_000, 5_000  # pairs beside which all items pass by before what was found is kept; items at once


@dataclass(frozen=True)
class Items:
    """Items of suites, each text once, with their vectors of length 1 as rows."""

    keys: NDArray[np.bytes_]
    pairs: Whole
    short: NDArray[np.bool_]  # of whose pairs an answer of a few words gives nothing away
    vectors: Floats


def meanings_update(task: Task, tell: Tell, kept: Callable[[], None] = lambda: None) -> int:
    """Compare the vectors that are new with the task's others, and those that must with the items of suites. `kept` is
    called whenever something was done that need not be done again.

    Returns how many pairs were compared with items.
    """
    with task_held(task, tell):
        couples_update(task, tell, kept)
        return items_compare(task, tell, kept)


def items_compare(task: Task, tell: Tell, kept: Callable[[], None]) -> int:
    """Compare the vectors of a task's pairs with the items of suites that they were not compared with; returns how many
    pairs were. Items without a vector are asked of the model server; while it is silent, nothing is taken as compared.
    """
    newest = newest_suite(task)
    pairs, _compared, upto = numbers_of(LOOKS, [task.pk], 3)
    if (upto >= newest).all():
        return 0
    less = shared_part(pairs)
    cells = cells_of(pairs, less)
    done = 0
    for before in sorted({*upto[upto < newest].tolist()}):
        behind = pairs[upto == before]
        with TemporaryFile() as file:
            try:
                items = items_after(task, before, less, file, tell)
            except ApplicationError:
                return done
            for start in range(0, len(behind), PIECE):
                tell(start, len(behind), _("Looking for pairs that say what test items say"))
                own = vectors_of(behind[start : start + PIECE], less)
                found = leaks_among(task, own, items, cells)
                with transaction.atomic():
                    Leak.objects.bulk_create(found, ignore_conflicts=True, batch_size=BATCH)
                    looks_keep(own, upto=newest)
                done += len(own.pairs)
                kept()
    return done


def items_after(task: Task, upto: int, less: Floats, file: IO[bytes], tell: Tell) -> ArrayFile[Items]:
    """The items of suites after `upto`, each text once. Raises ApplicationError where vectors are missing."""
    items = ArrayFile(file, Items)
    ids = new_items(task, upto)
    for start in range(0, len(ids), BATCH):
        tell(start, len(ids), _("Taking down what test items say"))
        items.add(items_meant(ids[start : start + BATCH].tolist(), less))
    return items


def items_meant(ids: Sequence[int], less: Floats) -> Items:
    rows = list(
        SuiteItem.objects.filter(pk__in=ids, revision__erased_at=None).order_by("pk")
        .values_list("fingerprint", "revision_id", "revision__pair_id", *TEXTS)
    )  # fmt: skip
    known = vectors_of(np.array(sorted({row[2] for row in rows}), dtype=np.int64), less)
    place = {revision: number for number, revision in enumerate(known.revisions)}
    vectors = np.zeros((len(rows), DIMENSIONS), dtype=np.float32)
    there = [number for number, row in enumerate(rows) if row[1] in place]
    vectors[there] = known.rows[[place[rows[number][1]] for number in there]]
    if missing := [number for number, row in enumerate(rows) if row[1] not in place]:
        vectors[missing] = matrix(embed(["\n".join(filter(None, rows[number][3:])) for number in missing]), less)
    return Items(
        np.array([row[0] for row in rows], dtype="S64"),
        np.array([row[2] for row in rows], dtype=np.int64),
        np.array([count_words(row[-1]) < ANSWER_WORDS for row in rows], dtype=np.bool_),
        vectors,
    )


def leaks_among(task: Task, own: Vectors, items: Iterable[Items], cells: Cells) -> list[Leak]:
    """A pair does not give itself away: a changed ratio moves it as a whole."""
    index = CellIndex(cells, own.rows)
    found: dict[tuple[int, str], tuple[float, bool]] = {}
    for shelf in items:
        for couples, cosines in index.alike(shelf.vectors, THRESHOLD):
            for (row, item), cosine in zip(couples.tolist(), cosines.tolist(), strict=True):
                if own.pairs[row] != shelf.pairs[item]:
                    key = own.revisions[row], shelf.keys[item].decode()
                    found[key] = min(1.0, cosine), bool(shelf.short[item])
    short = short_among({revision for revision, _key in found})
    return [
        Leak(
            task=task, revision_id=revision, fingerprint=key, method=LeakMethod.MEANING, field=LikeKind.PROMPT,
            score=cosine,
        )
        for (revision, key), (cosine, short_item) in found.items()
        if cosine >= SHORT_THRESHOLD or not (short_item or revision in short)
    ]  # fmt: skip
