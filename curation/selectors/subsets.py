"""Shares of a version's train part that lie inside each other: the same data, less of it.

A row's rank comes from its salted digest and a seed, so it is the same for ever, also after an erasure, and 10 % are
part of 25 %.
"""

from dataclasses import dataclass

import numpy as np

from curation.choices import Part
from curation.models import DatasetVersion, VersionPair
from ml.hashing import text_sha256

OFFERED = (0.05, 0.1, 0.25, 0.5, 1.0)
CHUNK = 5_000
RANKED = np.dtype([("ordinal", np.int64), ("rank", "S64")])


@dataclass(frozen=True, slots=True)
class Subset:
    """`share` of the train part, above 0 and up to 1; develop and test stay whole. Raises ValueError."""

    share: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise ValueError(f"A subset holds a share above 0 and up to 1 of the train part, not {self.share}.")

    @property
    def whole(self) -> bool:
        return self.share == 1


def subset_size(subset: Subset, rows: int) -> int:
    """Rounded, but at least one row."""
    return min(rows, max(1, round(subset.share * rows)))


def subset_ordinals(version: DatasetVersion, subset: Subset) -> set[int]:
    """The places of the train rows that belong to it. A smaller share of the same seed is always part of a larger."""
    train = VersionPair.objects.filter(version=version, part=Part.TRAIN).order_by("ordinal")
    rows = train.values_list("ordinal", "digest").iterator(chunk_size=CHUNK)
    ranked = np.fromiter(((place, text_sha256(f"{subset.seed} {digest}")) for place, digest in rows), dtype=RANKED)
    order = np.argsort(ranked["rank"], kind="stable")[: subset_size(subset, len(ranked))]
    return set(ranked["ordinal"][order].tolist())


def subsets_offered(version: DatasetVersion) -> list[tuple[float, int]]:
    """(share, rows) of the usual sizes of this version, smallest first."""
    rows = version.counts.get("parts", {}).get(Part.TRAIN, 0)
    return [(share, subset_size(Subset(share), rows)) for share in OFFERED] if rows else []
