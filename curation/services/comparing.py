"""Step 4 of services/likeness.py: which texts of a task say nearly the same, and which stand inside others.

What is new is taken piece by piece; beside each piece pass all texts that were compared before, some thousands at a
time. A piece is complete in itself, and memory is that of a piece, however many texts there are.
"""

from collections.abc import Callable, Iterator
from itertools import chain

import numpy as np
from django.db import transaction
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from curation.choices import LikeKind
from curation.models import ContainedText, Likeness, LikenessBasis, NearText, Task
from curation.selectors.columns import Whole
from curation.selectors.compared_texts import common_of, read_texts
from curation.selectors.shelves import BATCH, Roll, Shelf
from ml.containment import GramIndex
from ml.near_duplicates import THRESHOLD, Bands, proposed, similarities

PIECE = 50_000  # revisions compared before what was found is kept
Tell = Callable[[int, int, str], None]


def compare_open(task: Task, basis: LikenessBasis, tell: Tell, kept: Callable[[], None]) -> None:
    """Compare what was not compared yet with one another and with all that was; `kept` is called after each piece."""
    roll = Roll.of(task)
    waiting = np.flatnonzero(~roll.known)
    standing = roll.places
    for start in range(0, len(waiting), PIECE):
        piece = waiting[start : start + PIECE]

        def told(share: float, message: str, start: int = start, piece: Whole = piece) -> None:
            tell(start + int(share * len(piece)), len(waiting), message)

        own = np.intersect1d(standing, piece, assume_unique=True)
        near, inside = piece_compare(task, basis, roll, own, standing[roll.known[standing]], told)
        with transaction.atomic():
            NearText.objects.bulk_create(near, ignore_conflicts=True, batch_size=BATCH)
            ContainedText.objects.bulk_create(inside, ignore_conflicts=True, batch_size=BATCH)
            Likeness.objects.filter(revision__in=roll.revisions[piece].tolist()).update(compared=True)
        roll.known[piece] = True
        kept()


def piece_compare(
    task: Task, basis: LikenessBasis, roll: Roll, own: Whole, known: Whole, told: Callable[[float, str], None]
) -> tuple[list[NearText], list[ContainedText]]:
    """The rows at the places `own` with one another and with those at `known`."""
    if not len(own):
        return [], []
    piece = Shelf.joined(list(roll.shelves(own)))
    bands = {key: Bands(sketches) for key, (_places, sketches) in piece.sketches.items() if len(sketches)}
    index = GramIndex(piece.grams)
    couples = {key: [own_couples(*piece.sketches[key])] for key in bands}
    inside: dict[tuple[int, int], float] = {}
    shelves = (len(own) + len(known)) / BATCH
    for number, (shelf, is_own) in enumerate(
        chain(((shelf, True) for shelf in roll.shelves(own)), ((shelf, False) for shelf in roll.shelves(known)))
    ):
        told(number / (shelves + 1), _("Looking for pairs that say nearly the same"))
        inside |= contained(index, piece, shelf)
        for key in () if is_own else bands:
            places, sketches = shelf.sketches[key]
            met = bands[key].proposed(sketches)
            couples[key].append(np.stack([piece.sketches[key][0][met[:, 0]], places[met[:, 1]]], axis=1))
    near = [
        row
        for (kind, _unit), found in couples.items()
        for row in near_texts(task, basis, roll, kind, np.concatenate(found), told)
    ]
    return near, [
        contained_text(task, roll.text(inner), roll.text(outer), share) for (inner, outer), share in inside.items()
    ]


def own_couples(places: Whole, sketches: NDArray[np.uint8]) -> Whole:
    """Places of likely pairs within a piece."""
    return places[proposed(sketches, np.ones(len(sketches), dtype=np.bool_))]


def contained(index: GramIndex, piece: Shelf, shelf: Shelf) -> dict[tuple[int, int], float]:
    """(inner, outer) texts, one of the piece and one of the shelf, and the share of the inner one's grams."""
    inside, around = index.both(shelf.grams)
    found = {(int(piece.texts[inner]), int(shelf.texts[outer])): share for outer, inner, share in inside}
    found |= {(int(shelf.texts[inner]), int(piece.texts[outer])): share for inner, outer, share in around}
    return {couple: share for couple, share in found.items() if couple[0] != couple[1]}


def contained_text(task: Task, inner: tuple[LikeKind, int], outer: tuple[LikeKind, int], share: float) -> ContainedText:
    return ContainedText(task=task, kind=inner[0], inner=inner[1], outer_kind=outer[0], outer=outer[1], share=share)


def near_texts(
    task: Task, basis: LikenessBasis, roll: Roll, kind: LikeKind, couples: Whole, told: Callable[[float, str], None]
) -> Iterator[NearText]:
    """Those of the likely couples (places on the roll) that are as alike as it takes."""
    common = common_of(basis, kind)
    for start in range(0, len(couples), BATCH):
        told(1, _("Comparing pairs that may say the same"))
        part = couples[start : start + BATCH]
        places, ends = np.unique(part, return_inverse=True)
        texts = read_texts(roll.revisions[places].tolist())[kind]
        words = [texts.get(revision, (0, ""))[1] for revision in roll.revisions[places].tolist()]
        found = similarities(words, [(one, other) for one, other in ends.reshape(-1, 2).tolist()], common)
        for (one, other), similarity in zip(part.tolist(), found, strict=True):
            if similarity >= THRESHOLD:
                first, second = sorted((int(roll.numbers[kind][one]), int(roll.numbers[kind][other])))
                yield NearText(task=task, kind=kind, one=first, other=second, similarity=similarity)
