"""Which group and which part each approved pair belongs to, before anything is stored: ml.split over stored links."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from curation.choices import Part as PartChoice
from curation.models import Place, Task
from curation.selectors.columns import Whole
from curation.selectors.likeness import stored_links
from ml.split import DEVELOP_SHARE, NAMES, LeftOut, Lone, PairText, Part, Placement, assign

CHUNK = 5_000
NONE = -1
PARTS: tuple[Part, ...] = tuple(cast(Part, part) for part in PartChoice.values)


@dataclass(frozen=True)
class Splitting:
    """Of each pair, in the order of `pairs`: the name of its group, "" where it has none, its position, what overrides
    it and the part that it takes part in; the last two as places in PARTS or NONE. `fresh` are those placed now.

    `left_out` would tie groups of two parts together.
    """

    pairs: Whole
    groups: NDArray[np.bytes_]
    positions: NDArray[np.float64]
    pinned: NDArray[np.int8]
    parts: NDArray[np.int8]
    fresh: NDArray[np.bool_]
    left_out: list[LeftOut]

    def placement(self, row: int) -> Placement | None:
        if not self.groups[row]:
            return None
        pinned = PARTS[self.pinned[row]] if self.pinned[row] != NONE else None
        return Placement(self.groups[row].decode(), float(self.positions[row]), pinned)


def pairs_split(
    task: Task, pairs: Whole, revisions: Whole, passages: Mapping[int, str], *, train_share: float
) -> Splitting:
    """Groups and parts of all pairs (ascending; `revisions` in the same order). Places drawn earlier stay; one that
    would bridge two parts is left out.

    Only what is linked with others takes part in the game of ml.split; the rest, nearly all of a large task, is handled
    as columns.
    """
    split = placed_before(task, pairs)
    links = stored_links(task, revisions, pairs, passages)
    linked = np.isin(pairs, np.array([int(pair) for link in links for pair in link.members], dtype=np.int64))
    known = split.groups != b""
    alone = np.flatnonzero(~linked & ~known)
    lone = Lone(map(str, pairs[alone]), task.salt, placed=int((~linked & known).sum()))
    rows = {str(pairs[row]): row for row in np.flatnonzero(linked).tolist()}
    found = assign(
        [PairText(pair, "") for pair in rows],
        salt=task.salt,
        train_share=train_share,
        existing={pair: place for pair, row in rows.items() if (place := split.placement(row))},
        links=links,
        lone=lone,
    )
    split.left_out.extend(found.left_out)
    split.groups[alone], split.positions[alone], split.fresh[alone] = lone.names, lone.positions, True
    for pair, place in found.placements.items():
        row = rows[pair]
        split.fresh[row] = not known[row]
        split.groups[row], split.positions[row] = place.group.encode(), place.position
        split.pinned[row] = PARTS.index(place.pinned) if place.pinned else NONE  # a new pair of a pinned group follows
    alone = np.flatnonzero(~linked)
    split.parts[alone] = parts_at(split.positions[alone], split.pinned[alone], train_share)
    for pair, part in found.parts.items():
        split.parts[rows[pair]] = PARTS.index(part)
    return split


def placed_before(task: Task, pairs: Whole) -> Splitting:
    """What earlier freezes drew for these pairs."""
    count = len(pairs)
    groups, positions = np.zeros(count, dtype=NAMES), np.zeros(count)
    pinned = np.full(count, NONE, dtype=np.int8)
    places = Place.objects.filter(task=task).values_list("pair_id", "group", "position", "pinned")
    for pair, group, position, part in places.iterator(chunk_size=CHUNK):
        row = int(np.searchsorted(pairs, pair))
        if row < count and pairs[row] == pair:
            groups[row], positions[row] = group.encode(), position
            pinned[row] = PARTS.index(part) if part else NONE
    unplaced = np.full(count, NONE, dtype=np.int8)
    return Splitting(pairs, groups, positions, pinned, unplaced, np.zeros(count, dtype=np.bool_), [])


def parts_at(positions: NDArray[Any], pinned: NDArray[np.int8], train_share: float) -> NDArray[np.int8]:
    """As `ml.split.part_of` tells them."""
    develop, train, test = (PARTS.index(part) for part in ("develop", "train", "test"))
    found = np.where(positions < train_share, train, test)
    found[positions < train_share * DEVELOP_SHARE] = develop
    return np.where(pinned == NONE, found, pinned).astype(np.int8)
