"""Two changes of one text put together: the three-way merge of diff3, word by word.

S. Khanna, K. Kunal, B. Pierce: A Formal Investigation of Diff3, 2007.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from core.diff import MOST_COMPARISONS, lines, words

YOURS, THEIRS, END = "⟦yours⟧", "⟦theirs⟧", "⟦end⟧"
UNDECIDED = re.compile(f"{YOURS}.*?{THEIRS}.*?{END}", re.DOTALL)
Kind = Literal["same", "yours", "theirs", "both", "conflict"]


@dataclass(frozen=True)
class Piece:
    """A stretch of the three texts. `both`: you and they made the same change."""

    kind: Kind
    base: str
    yours: str
    theirs: str

    @property
    def merged(self) -> str:
        """What it becomes; a conflict holds both, between marks."""
        if self.kind == "conflict":
            return f"{YOURS}{self.yours}{THEIRS}{self.theirs}{END}"
        return self.theirs if self.kind == "theirs" else self.yours


def merge(base: str, yours: str, theirs: str) -> list[Piece]:
    """The pieces in order; their `base`, `yours` and `theirs` joined are the three texts.

    1. Where base and yours, and base and theirs, have words in common, all three agree.
    2. Between two such places, whoever kept the base gives way to who changed it.
    3. Where both changed it and not alike, it is a conflict.
    Words are compared; texts too long for that are compared line by line, and beyond that as a whole.
    """
    for cut in (words, lines):
        pieces = merge_cut(base, yours, theirs, cut)
        if pieces is not None:
            return pieces
    return [piece] if (piece := judge(base, yours, theirs)) else []


def merge_cut(base: str, yours: str, theirs: str, cut: Callable[[str], list[str]]) -> list[Piece] | None:
    """None when comparing at this grain would take too long."""
    old, mine, other = cut(base), cut(yours), cut(theirs)
    if len(old) * max(len(mine), len(other)) > MOST_COMPARISONS:
        return None
    pieces: list[Piece] = []
    at_old = at_mine = at_other = 0
    for i, j, k, size in agreements(old, mine, other):
        piece = judge("".join(old[at_old:i]), "".join(mine[at_mine:j]), "".join(other[at_other:k]))
        if piece:
            pieces.append(piece)
        if size:
            text = "".join(old[i : i + size])
            pieces.append(Piece("same", text, text, text))
        at_old, at_mine, at_other = i + size, j + size, k + size
    return pieces


def agreements(old: Sequence[str], mine: Sequence[str], other: Sequence[str]) -> list[tuple[int, int, int, int]]:
    """(place in old, in mine, in other, length) of what all three have in common; the last one ends them, length 0."""
    left = SequenceMatcher(None, old, mine, autojunk=False).get_matching_blocks()
    right = SequenceMatcher(None, old, other, autojunk=False).get_matching_blocks()
    found = []
    m = n = 0
    while m < len(left) and n < len(right):
        one, two = left[m], right[n]
        start, stop = max(one.a, two.a), min(one.a + one.size, two.a + two.size)
        if start < stop:
            found.append((start, one.b + start - one.a, two.b + start - two.a, stop - start))
        if one.a + one.size < two.a + two.size:
            m += 1
        else:
            n += 1
    return [*found, (len(old), len(mine), len(other), 0)]


def judge(base: str, yours: str, theirs: str) -> Piece | None:
    """What became of one stretch, None when there is nothing in it."""
    if not (base or yours or theirs):
        return None
    kind: Kind = "conflict"
    if yours == theirs:
        kind = "same" if yours == base else "both"
    elif yours == base:
        kind = "theirs"
    elif theirs == base:
        kind = "yours"
    return Piece(kind, base, yours, theirs)


def merged_text(pieces: Sequence[Piece]) -> str:
    return "".join(piece.merged for piece in pieces)


def conflicts(pieces: Sequence[Piece]) -> int:
    return sum(piece.kind == "conflict" for piece in pieces)


def is_undecided(text: str) -> bool:
    """Whether a place is left in the text where nobody chose between the two."""
    return UNDECIDED.search(text) is not None
