"""Two texts that were written at the same time, side by side."""

from dataclasses import dataclass
from typing import Any

from core.denied import Conflict
from core.diff import Part, word_diff
from curation.selectors.pairs import FIELD_LABELS


@dataclass(frozen=True)
class ConflictField:
    label: Any
    yours: str
    theirs: str
    diff: list[Part]  # from theirs to yours


def conflict_fields(conflict: Conflict) -> list[ConflictField]:
    """Only the fields in which the two differ."""
    if not conflict.yours:
        return []
    return [
        ConflictField(
            label, conflict.yours[name], conflict.theirs[name], word_diff(conflict.theirs[name], conflict.yours[name])
        )
        for name, label in FIELD_LABELS.items()
        if conflict.yours[name] != conflict.theirs[name]
    ]
