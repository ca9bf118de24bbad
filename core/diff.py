"""What changed between two texts, word by word."""

import re
import unicodedata
from collections.abc import Callable
from difflib import SequenceMatcher

Part = tuple[str, str]  # ("equal" | "insert" | "delete", text)

# Scripts written without spaces are compared letter by letter; everywhere else a word is the unit.
WORDS = re.compile(
    r"[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]|[^\W\u0e00-\u0eff\u3040-\u9fff\uac00-\ud7af]+|\s+|.",
    re.DOTALL,
)
MOST_COMPARISONS = 4_000_000  # about 0.5 s; longer texts are compared line by line, then as a whole
JOINER = "\u200d"


def words(text: str) -> list[str]:
    """Words, runs of space and single signs, in order; joined they give the text again."""
    pieces: list[str] = []
    for piece in WORDS.findall(text):
        # A sign that belongs to the letter before it must not be marked apart from it.
        if pieces and (unicodedata.category(piece[0])[0] == "M" or piece[0] == JOINER or pieces[-1][-1] == JOINER):
            pieces[-1] += piece
        else:
            pieces.append(piece)
    return pieces


def lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)


def word_diff(old: str, new: str) -> list[Part]:
    """The steps from `old` to `new`: its equal and delete parts joined are `old`, its equal and insert parts `new`."""
    if old == new:
        return [("equal", old)] if old else []
    for cut in (words, lines):
        parts = compare(old, new, cut)
        if parts is not None:
            return parts
    return change(old, new)


def compare(old: str, new: str, cut: Callable[[str], list[str]]) -> list[Part] | None:
    """None when comparing at this grain would take too long."""
    before, after = cut(old), cut(new)
    head = common(before, after)
    tail = common(before[head:][::-1], after[head:][::-1])
    left, right = before[head : len(before) - tail], after[head : len(after) - tail]
    if len(left) * len(right) > MOST_COMPARISONS:
        return None
    parts: list[Part] = []
    add(parts, "equal", before[:head])
    for op, i, j, k, m in SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
        if op == "equal":
            add(parts, "equal", left[i:j])
        else:
            add(parts, "delete", left[i:j])
            add(parts, "insert", right[k:m])
    add(parts, "equal", before[len(before) - tail :])
    return joined(parts)


def joined(parts: list[Part]) -> list[Part]:
    """Replacements with nothing but blanks and signs between them are one: what was there, then what is there now."""
    found: list[Part] = []
    old = new = ""
    for place, (op, text) in enumerate(parts):
        between = bool(old and new) and place + 1 < len(parts) and not any(map(str.isalnum, text))
        if op == "delete" or (op == "equal" and between):
            old += text
        if op == "insert" or (op == "equal" and between):
            new += text
        if op == "equal" and not between:
            found += [*change(old, new), (op, text)]
            old = new = ""
    return [*found, *change(old, new)]


def change(old: str, new: str) -> list[Part]:
    return [(op, text) for op, text in (("delete", old), ("insert", new)) if text]


def common(left: list[str], right: list[str]) -> int:
    """How many pieces both begin with."""
    count = 0
    for one, other in zip(left, right, strict=False):
        if one != other:
            break
        count += 1
    return count


def add(parts: list[Part], op: str, pieces: list[str]) -> None:
    text = "".join(pieces)
    if not text:
        return
    if parts and parts[-1][0] == op:
        parts[-1] = (op, parts[-1][1] + text)
    else:
        parts.append((op, text))
