"""Which group and which part each approved pair belongs to, before anything is stored: ml.split over the rows."""

from collections.abc import Sequence
from dataclasses import dataclass

from curation.choices import Origin
from ml.split import PairText, Part, Placement, assign


@dataclass(frozen=True, slots=True)
class SplitRow:
    """An approved pair as the split sees it; `group` and `position` are what an earlier freeze drew, or "" and None."""

    pair_id: int
    instruction: str
    input: str
    response: str
    source: str
    origin: str
    group: str
    position: float | None


@dataclass(frozen=True, slots=True)
class Place:
    group: str
    position: float
    part: str


@dataclass(frozen=True)
class Splitting:
    """`places` by pair; `left_out` are (pair, sentence) that would tie groups of two parts together."""

    places: dict[int, Place]
    left_out: list[tuple[int, str]]


def split_pairs(rows: Sequence[SplitRow], *, salt: str, train_share: float) -> Splitting:
    """Groups and parts of all rows. Places drawn earlier stay; a row that would bridge two parts is left out."""
    existing = {
        str(row.pair_id): Placement(row.group, row.position) for row in rows if row.position is not None and row.group
    }
    split = assign([pair_text(row) for row in rows], salt=salt, train_share=train_share, existing=existing)
    places = {int(pair): place(split.placements[pair], part) for pair, part in split.parts.items()}
    return Splitting(places, [(int(row.id), row.sentence) for row in split.left_out])


def pair_text(row: SplitRow) -> PairText:
    # A file's name or a law that many answers cite is no passage; only a document's passage ties pairs together.
    source = row.source if row.origin == Origin.DOCUMENT else None
    return PairText(str(row.pair_id), row.instruction, row.input, row.response, source)


def place(placement: Placement, part: Part) -> Place:
    return Place(placement.group, placement.position, str(part))
