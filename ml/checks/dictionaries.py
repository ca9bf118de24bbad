"""The word lists at hand: which languages have one, what a word may have meant, which words of a text none has."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection
from functools import lru_cache
from importlib.resources import files

from ml.checks.base import base_language
from ml.checks.passages import mask_technical
from ml.checks.resemblance import dictionary, spelling
from ml.words import normalise

# Letters with the marks that decomposed and vocalised texts put on them; parts joined by any of the apostrophes in use.
_LETTERS = "[^\\W\\d_](?:[^\\W\\d_]|[\u0300-\u036f\u064b-\u065f\u0670])*"
WORD = re.compile(f"{_LETTERS}(?:['\u2019\u02bc]{_LETTERS})*")
# These lists lack too many inflected forms: of a few correct sentences 9 % (ru), 14 % (lv), 31 % (fa) of the words.
_TOO_POOR = frozenset({"fa", "lv", "ru"})


def dictionary_languages() -> frozenset[str]:
    """The languages that can be checked."""
    return _installed() - _TOO_POOR


@lru_cache(maxsize=1)
def _installed() -> frozenset[str]:
    folder = files("spellchecker") / "resources"
    return frozenset(file.name.split(".")[0] for file in folder.iterdir() if file.name.endswith(".json.gz"))


def plain(word: str) -> str:
    """The form in which words are listed: lower case, composed, straight apostrophe."""
    return word.lower() if word.isascii() else normalise(word).replace("\u02bc", "'")


def words_unlisted(text: str, language: str) -> set[str]:
    """The words of a text that its language's dictionary lacks, in plain form: all of them if it has none."""
    code = base_language(language)
    listed = dictionary(code) if code in dictionary_languages() else frozenset()
    found = {plain(word) for word in WORD.findall(mask_technical(text)) if word == word.lower()}
    return {word for word in found if len(word) > 2 and word not in listed}


def suggest(word: str, language: str, *, glossary: Collection[str] = frozenset(), most: int = 5) -> tuple[str, ...]:
    """What the writer may have meant, best first: close glossary words, then dictionary words by how common they are.

    One edit away, or two for words of at most twelve letters if nothing is nearer (longer words take seconds).
    Empty for an empty word, and for a language without a dictionary and a glossary without a close word.
    """
    word = normalise(word)
    if not word.strip():
        return ()
    written = {normalise(known): known for known in sorted(glossary)}
    close = [written[known] for known in difflib.get_close_matches(word, written, n=most, cutoff=0.8)]
    code = base_language(language)
    if code not in dictionary_languages():
        return tuple(close)
    checker = spelling(code)
    near = checker.known(checker.edit_distance_1(word))
    if not near and len(word) <= 12:
        near = checker.known(checker.edit_distance_2(word))
    # People seldom get the first letter wrong: address before dress for adress.
    common = sorted(near, key=lambda known: (known[0] != word[0], -checker.word_frequency[known], known))
    return tuple(dict.fromkeys([*close, *common]))[:most]
