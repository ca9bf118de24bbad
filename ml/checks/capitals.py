"""What capitals tell of English words: a long one may be a slip (Bulding), a word after one Latin (Y. pestis)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from ml.checks.dictionaries import WORD, plain
from ml.checks.resemblance import slip_of_common
from ml.checks.vocabulary import Vocabulary

_LETTERS, _COMMON = 7, 1_000
# A genus, or its first letter, and a species, told by its ending: Giardia intestinalis, Y. pestis, C. jejuni.
_SPECIES = re.compile(r"\b(?:([A-Z])\.|([A-Z][a-z]{3,})) ([a-z]{3,}(?:is|us|um|ae|i))\b")


def slips_with_capital(text: str, vocabulary: Vocabulary) -> frozenset[str]:
    """Long words with a capital that the text has once, and that are one slip from a very common word: Bulding."""
    if vocabulary.language != "en":
        return frozenset()  # German writes every noun so; nothing was measured of other languages
    words = Counter(WORD.findall(text))
    return frozenset(
        word
        for word, times in words.items()
        if times == 1
        and len(word) >= _LETTERS
        and word.isalpha()  # no Where'd
        and word[0].isupper()
        and word[1:].islower()
        and word.lower() not in words
        and not vocabulary.accepts(plain(word))
        and slip_of_common(plain(word), vocabulary.language, _COMMON)
    )


def standing_alone(line: re.Match[str], capitals: frozenset[str]) -> Iterator[tuple[str, int, int]]:
    """The places of words with a capital that have no other such word beside them: Los Angeles is a name."""
    words = list(WORD.finditer(line.group()))
    for place, match in enumerate(words):
        beside = [words[n] for n in (place - 1, place + 1) if 0 <= n < len(words)]
        if match.group() in capitals and not any(_one_name(match, other, line.group()) for other in beside):
            yield match.group(), line.start() + match.start(), line.start() + match.end()


def species(line: str, vocabulary: Vocabulary) -> set[int]:
    """Where the names of species begin in a line; a genus is no word of the dictionary."""
    return {
        match.start(3)
        for match in _SPECIES.finditer(line)
        if match.group(1) or not vocabulary.lists(match.group(2).lower())
    }


def _one_name(one: re.Match[str], other: re.Match[str], text: str) -> bool:
    first, second = sorted((one, other), key=lambda match: match.start())
    return other.group()[0].isupper() and len(other.group()) > 1 and text[first.end() : second.start()] in (" ", "-")
