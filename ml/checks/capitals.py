"""English words with a capital that are no names but slips of very common words: Bulding."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from ml.checks.dictionaries import WORD, plain
from ml.checks.resemblance import slip_of_common
from ml.checks.vocabulary import Vocabulary

_LETTERS, _COMMON = 7, 1_000


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


def _one_name(one: re.Match[str], other: re.Match[str], text: str) -> bool:
    first, second = sorted((one, other), key=lambda match: match.start())
    return other.group()[0].isupper() and len(other.group()) > 1 and text[first.end() : second.start()] in (" ", "-")
