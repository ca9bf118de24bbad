"""Which group and which part each approved pair belongs to, before anything is stored."""

from collections.abc import Sequence
from dataclasses import dataclass

from curation.models.pairs import part_of
from ml.hashing import salted_digest


@dataclass(frozen=True, slots=True)
class SplitRow:
    """An approved pair as the split sees it; `group` and `position` are what an earlier freeze drew, or "" and None."""

    pair_id: int
    instruction: str
    input: str
    response: str
    source: str
    group: str
    position: float | None


@dataclass(frozen=True, slots=True)
class Place:
    group: str
    position: float
    part: str


@dataclass(frozen=True)
class Splitting:
    """`places` by pair; `left_out` are (pair, reason) that would tie a train group to a test group."""

    places: dict[int, Place]
    left_out: list[tuple[int, str]]


def split_pairs(rows: Sequence[SplitRow], *, salt: str, train_share: float) -> Splitting:
    groups: dict[str, str] = {}
    places = {}
    for row in rows:
        name = row.group or groups.setdefault(" ".join(row.instruction.lower().split()), f"g{row.pair_id}")
        position = row.position
        if position is None:
            position = int(salted_digest(name, salt)[:13], 16) / 16**13
        places[row.pair_id] = Place(name, position, str(part_of(position, train_share)))
    return Splitting(places, [])
