"""Which group and which part each approved pair belongs to, before anything is stored: ml.split over stored links."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from curation.choices import Origin
from curation.models import Place, Task
from curation.selectors.likeness import stored_links
from ml.split import LeftOut, PairText, Part, Placement, assign


@dataclass(frozen=True, slots=True)
class SplitRow:
    """An approved revision as the split sees it."""

    pair_id: int
    revision_id: int
    source: str
    origin: str


@dataclass(frozen=True)
class Splitting:
    """`placements` of all pairs that have one, `fresh` those drawn now; `parts` of the pairs that take part.

    `left_out` would tie groups of two parts together.
    """

    placements: dict[int, Placement]
    fresh: frozenset[int]
    parts: dict[int, str]
    left_out: list[LeftOut]


def split_rows(task: Task, rows: Sequence[SplitRow], *, train_share: float) -> Splitting:
    """Groups and parts of all rows. Places drawn earlier stay; a row that would bridge two parts is left out."""
    places = Place.objects.filter(task=task).values_list("pair_id", "group", "position", "pinned")
    existing = {
        str(pair): Placement(group, position, cast(Part, pinned) if pinned else None)
        for pair, group, position, pinned in places.iterator(chunk_size=5_000)
    }
    # A file's name or a law that many answers cite is no passage; only a document's passage ties pairs together.
    passages = {row.pair_id: row.source for row in rows if row.origin == Origin.DOCUMENT and row.source}
    split = assign(
        [PairText(str(row.pair_id), "") for row in rows],
        salt=task.salt,
        train_share=train_share,
        existing=existing,
        links=stored_links(task, {row.revision_id: row.pair_id for row in rows}, passages),
    )
    return Splitting(
        placements={int(pair): place for pair, place in split.placements.items()},
        fresh=frozenset(int(pair) for pair in split.placements if pair not in existing),
        parts={int(pair): str(part) for pair, part in split.parts.items()},
        left_out=list(split.left_out),
    )
