"""Whether an unknown word looks like a slip of a dictionary word, or like a word of its own.

Most false alarms are words of a trade or of another language (startbesked, kubernetes). They resemble no word of the
dictionary; a misspelling nearly always does.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from functools import lru_cache

from spellchecker import SpellChecker

from ml.checks.slips import slips

_DOUBLED = re.compile(r"(.)\1+")
_VOWELS = re.compile("[aeiouyh]")
_SKELETON_WORD, _SKELETON = 7, 4  # letters, at least, of a word and of its skeleton
_LONG, _STEM = 9, 4  # a word of so many letters may have two slips behind so many right ones
_COMMON = 20  # occurrences in the counted texts: a rare word has too many neighbours


@lru_cache(maxsize=4)
def spelling(language: str) -> SpellChecker:
    return SpellChecker(language=language, distance=1)


@lru_cache(maxsize=4)
def dictionary(language: str) -> frozenset[str]:
    return frozenset(spelling(language).word_frequency.dictionary)


@lru_cache(maxsize=20_000)
def resembles_listed(word: str, language: str) -> bool:
    """1. One slip away from a word of the dictionary. 2. Else the same consonants as a common one (definately).
    3. Else two slips away from a common long one with the same beginning (completetion)."""
    if not dictionary(language).isdisjoint(slips(word, _letters(language))):
        return True
    if len(word) >= _SKELETON_WORD and len(_skeleton(word)) >= _SKELETON and _skeleton(word) in _skeletons(language):
        return True
    return len(word) >= _LONG and any(
        within_two(word, listed)
        for listed in _by_stem(language).get(word[:_STEM], ())
        if abs(len(word) - len(listed)) < 3
    )


@lru_cache(maxsize=20_000)
def slip_of_common(word: str, language: str, occurrences: int) -> bool:
    """Whether one slip, not in the first letter, makes the word of one that was counted so often."""
    counts: Mapping[str, int] = spelling(language).word_frequency.dictionary
    listed = dictionary(language)
    near = (known for known in slips(word, _letters(language)) if known in listed)
    return any(known[0] == word[0] and counts[known] >= occurrences for known in near)


def within_two(one: str, other: str) -> bool:
    """Whether at most two letters must be inserted, dropped or changed, or swapped once with a neighbour."""
    while one and other and one[0] == other[0]:
        one, other = one[1:], other[1:]
    while one and other and one[-1] == other[-1]:
        one, other = one[:-1], other[:-1]
    if max(len(one), len(other)) > 12 or abs(len(one) - len(other)) > 2:
        return False
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        older, before, row = before, row, [i]
        for j, against in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != against))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == against:
                cost = min(cost, older[j - 2] + 1)
            row.append(cost)
    return row[-1] <= 2


@lru_cache(maxsize=4)
def _letters(language: str) -> tuple[str, ...]:
    return tuple(sorted(spelling(language).word_frequency.letters))


def _skeleton(word: str) -> str:
    """The first letter and the consonants, doubled ones once."""
    single = _DOUBLED.sub(r"\1", word)
    return single[0] + _VOWELS.sub("", single[1:])


@lru_cache(maxsize=4)
def _common(language: str) -> tuple[str, ...]:
    counts: Mapping[str, int] = spelling(language).word_frequency.dictionary
    return tuple(word for word, count in counts.items() if count >= _COMMON and len(word) >= _SKELETON_WORD - 1)


@lru_cache(maxsize=4)
def _skeletons(language: str) -> frozenset[str]:
    return frozenset(map(_skeleton, _common(language)))


@lru_cache(maxsize=4)
def _by_stem(language: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for word in _common(language):
        if len(word) >= _LONG - 2:
            found[word[:_STEM]].append(word)
    return dict(found)
