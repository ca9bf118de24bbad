"""Two texts that were written at the same time, and what they become together."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from core.denied import Conflict
from core.merge import Piece, conflicts, merge, merged_text
from curation.selectors.pairs import FIELD_LABELS
from curation.turns import turns_text

LABELS = {
    "system": _("System prompt"),
    **FIELD_LABELS,
    "turns": _("Earlier turns"),
    "topic": _("Topic"),
    "language": _("Language"),
}
MERGED = ("system", *FIELD_LABELS)  # put together word by word; of the others one of the two is taken


@dataclass(frozen=True)
class MergeRow:
    """A field in which the texts differ. `merged` is its value in the form, `pieces` are its parts to show."""

    name: str
    label: Any
    base: str
    yours: str
    theirs: str
    merged: Any
    pieces: list[Piece]
    conflicts: int


def merge_rows(conflict: Conflict) -> list[MergeRow]:
    """The fields in which yours and theirs differ. Where the base is unknown, all that differs is left to decide."""
    yours, theirs = conflict.yours or {}, conflict.theirs
    base = conflict.base or {}
    return [
        merge_field(name, base.get(name), yours[name], theirs.get(name))
        for name in LABELS
        if name in yours and yours[name] != theirs.get(name)
    ]


def merge_field(name: str, base: Any, yours: Any, theirs: Any) -> MergeRow:
    before, mine, other = (
        turns_text(value or []) if name == "turns" else value or "" for value in (base, yours, theirs)
    )
    pieces = merge(before, mine, other)
    merged, count = merged_text(pieces), conflicts(pieces)
    if name not in MERGED:
        merged, count = theirs if yours == base else yours, int(base not in (yours, theirs))
    return MergeRow(name, LABELS[name], before, mine, other, merged, pieces, count)


def merged_fields(rows: list[MergeRow]) -> dict[str, Any]:
    return {row.name: row.merged for row in rows}


def merge_typed(
    base: Mapping[str, Any], yours: Mapping[str, Any], theirs: Mapping[str, Any]
) -> tuple[dict[str, Any], int]:
    """Two drafts of the same page put together: the fields, and how many places are left to decide."""
    fields, count = {**theirs, **yours}, 0
    for name, mine in yours.items():
        other, old = theirs.get(name, mine), base.get(name, "")
        if name in MERGED and all(isinstance(text, str) for text in (mine, other, old)):
            row = merge_field(name, old, mine, other)
            fields[name], count = row.merged, count + row.conflicts
        elif mine == old:
            fields[name] = other
    return fields, count
