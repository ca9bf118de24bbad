"""What a word is, for every language, in one place: checks, near duplicates and metrics count the same words.

A word is a run of letters, digits and the marks that belong to them. Scripts written without blanks (Chinese, Japanese,
Thai, Lao, Khmer, Burmese) give one word a character: too fine for a linguist, right for counting and comparing.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

# Thai to Lao, Burmese, Khmer, kana, and the Han blocks of the first two planes.
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)


def _mark_ranges() -> str:
    r"""All combining marks as a character class: `\w` leaves them out and would cut Hindi words into pieces."""
    ranges: list[list[int]] = []
    for code in range(0x300, 0x20000):
        if unicodedata.category(chr(code)) in ("Mn", "Mc"):
            if ranges and ranges[-1][1] == code - 1:
                ranges[-1][1] = code
            else:
                ranges.append([code, code])
    return "".join(f"{chr(first)}-{chr(last)}" for first, last in ranges)


_MARKS = _mark_ranges()
_ANY_WORD = re.compile(rf"[{_UNSPACED}][{_MARKS}]*|(?:(?![{_UNSPACED}])[^\W_][{_MARKS}]*)+")
_ASCII_WORD = re.compile(r"[^\W_]+")  # the same for ASCII, six times as fast


def normalise(text: str) -> str:
    """Lower case, composed letters, straight apostrophes: equal for texts that a reader takes for the same."""
    return unicodedata.normalize("NFC", text).casefold().replace("\u2019", "'")


def words(text: str) -> list[str]:
    """The normalised words of a text, in order."""
    return _pattern(text).findall(normalise(text))


def word_spans(text: str) -> Iterator[tuple[str, int, int]]:
    """Each word (normalised) with the place (start, end) where it stands in `text` as given."""
    for match in _pattern(text).finditer(text):
        yield normalise(match.group()), match.start(), match.end()


def count_words(text: str) -> int:
    """How many words a text has."""
    return sum(1 for _ in _pattern(text).finditer(text))


def _pattern(text: str) -> re.Pattern[str]:
    return _ASCII_WORD if text.isascii() else _ANY_WORD
