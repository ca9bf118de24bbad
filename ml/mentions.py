"""Whom and where texts speak of, as far as they name it: words of gender, regions of the world, names.

Counting words is coarse, and says so: it shows that nobody but men occurs in a data set, not who somebody is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from ml.checks.base import base_language
from ml.checks.language import small_words
from ml.checks.passages import mask_technical
from ml.words import words

FEMININE, MASCULINE = "feminine", "masculine"
# Two to four words with a capital, within a sentence: names of people, authorities, companies.
_NAME = re.compile(
    r"(?:(?<=[^\W\d_] )|(?<=[^\W\d_][,;] ))[^\W\d_a-z][^\W\d_]+(?:[ -][^\W\d_a-z][^\W\d_]+){1,3}(?![^\W\d_])"
)
# What ends the name of a law; Jude Law and Buffalo Bill are people.
_LAWS = {
    "act", "acts", "amendment", "code", "convention", "directive", "directives", "ordinance", "regulation",
    "regulations", "statute", "treaty",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mentions:
    """What one text names, each once."""

    genders: frozenset[str]
    regions: frozenset[str]
    names: frozenset[str]


def mentions(text: str, language: str) -> Mentions:
    """The genders, regions and names in a text of that language; nothing is guessed from a first name."""
    found = set(words(text))
    gendered, regions = _lists()
    code = base_language(language)
    genders = {gender for gender in (FEMININE, MASCULINE) if found & gendered.get((gender, code), frozenset())}
    places = {region for region, named in regions.items() if found & named}
    named = (match.group() for match in _NAME.finditer(mask_technical(text)))
    names = {name for name in named if len(name) <= 60 and _is_name(re.split("[ -]", name), code)}
    return Mentions(frozenset(genders), frozenset(places), frozenset(names))


def _is_name(parts: list[str], language: str) -> bool:
    """Neither a law nor words of a title: How To Have Good Habits For Life."""
    if parts[-1].casefold() in _LAWS or not all(part[0].isupper() for part in parts):
        return False
    return not any(language in small_words().get(part.casefold(), ()) for part in parts[1:])


def region_names() -> list[str]:
    """Every region that texts can be found to speak of."""
    return list(_lists()[1])


@lru_cache(maxsize=1)
def _lists() -> tuple[dict[tuple[str, str], frozenset[str]], dict[str, frozenset[str]]]:
    gendered: dict[tuple[str, str], frozenset[str]] = {}
    regions: dict[str, frozenset[str]] = {}
    for line in Path(__file__).with_name("mentions.txt").read_text(encoding="utf-8").splitlines():
        head, *rest = line.split()
        if head in (FEMININE, MASCULINE):
            gendered[(head, rest[0])] = frozenset(rest[1:])
        else:
            regions[head.replace("_", " ")] = frozenset(rest)
    return gendered, regions
