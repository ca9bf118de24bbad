"""Words that neither the language's dictionary, nor the project's glossary, nor the prompt knows.

Spell checkers drown people in false alarms on names, code and the words of a trade, so this one looks only at what can
be judged: lower-case words of more than three letters in prose of a language that has a dictionary.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

from spellchecker import SpellChecker

from ml.checks.base import Check, CheckContext, Finding, base_language, quote
from ml.checks.english import is_english
from ml.checks.passages import mask_technical
from ml.hashing import json_sha256, text_sha256
from ml.words import normalise

# Letters with the marks that decomposed and vocalised texts put on them; parts joined by any of the apostrophes in use.
_LETTERS = "[^\\W\\d_](?:[^\\W\\d_]|[\u0300-\u036f\u064b-\u065f\u0670])*"
_WORD = re.compile(f"{_LETTERS}(?:['\u2019\u02bc]{_LETTERS})*")
_LINE = re.compile(r"[^\n]+")
# Only words wholly in the dictionary's script are judged: Chinese in an English answer is no misspelling.
_LATIN = re.compile("['a-z\u00df-\u024f\u1e00-\u1eff\u0300-\u036f]*$")
_SCRIPTS = {"ar": re.compile("[\u0600-\u06ff]*$")}
# These lists lack too many inflected forms: of a few correct sentences 9 % (ru), 14 % (lv), 31 % (fa) of the words.
_TOO_POOR = frozenset({"fa", "lv", "ru"})
_NAMES = {
    "ru": "Russian",
    "lv": "Latvian",
    "fa": "Persian",
    "sv": "Swedish",
    "da": "Danish",
    "no": "Norwegian",
    "nb": "Norwegian",
    "fi": "Finnish",
    "pl": "Polish",
}


class Misspelling(Check):
    """Unknown words, each where it stands. Suggestions are made on demand: see `suggest`."""

    id = "misspelling"
    name = "Misspelling"
    description = "Lower-case words that neither the dictionary nor the project's glossary nor the prompt has."
    version = 1
    defaults = {
        "letters": 4,  # shorter words are mostly abbreviations
        "foreign_share": 0.6,  # a line with at least this share of unknown words is in another language ...
        "foreign_words": 4,  # ... if it has this many words to judge
        "findings": 100,  # at most, in one text
        "characters": 200_000,  # read at most, from the beginning
    }

    def find(self, text: str, context: CheckContext) -> list[Finding]:
        """1. Look every word up: most texts end here. 2. Leave out code, addresses, formulas. 3. Leave out lines in
        another language. 4. Leave out words that the text also writes with a capital.
        """
        if self.unavailable_reason(context.language):
            return []
        text = text[: int(self.parameters["characters"])]
        vocabulary = _vocabulary(context)
        unknown = self._unknown_words(text, vocabulary)
        if not unknown:
            return []
        lines = (line for line in _LINE.finditer(mask_technical(text)) if any(word in line.group() for word in unknown))
        return [
            self.finding(start, end, f"{quote(word)} is neither in the dictionary nor in the project's glossary.")
            for line in lines
            for word, start, end in self._unknown_in_line(line, frozenset(unknown.values()), vocabulary)
        ][: int(self.parameters["findings"])]

    def depends_on(self, context: CheckContext) -> Mapping[str, Any]:
        return {
            "language": base_language(context.language),
            "glossary": _glossary_digest(context.glossary),
            "prompt": text_sha256(context.prompt),
        }

    def unavailable_reason(self, language: str) -> str | None:
        code = base_language(language)
        if code in dictionary_languages():
            return None
        return f"There is no dictionary for {_NAMES.get(code, 'the language')} ({code}): spelling is not checked."

    def _unknown_words(self, text: str, vocabulary: _Vocabulary) -> dict[str, str]:
        """The unknown lower-case words of a text as written, each with its plain form; each looked up once, wherever
        it stands. A word that the text also writes with a capital is a name, as a rule."""
        rest = set(_WORD.findall(text)) - vocabulary.dictionary
        names = {_plain(word) for word in rest if word != word.lower()}
        small = {word: _plain(word) for word in rest if word == word.lower()}
        return {
            word: plain for word, plain in small.items() if plain not in names and self._is_unknown(plain, vocabulary)
        }

    def _is_unknown(self, word: str, vocabulary: _Vocabulary) -> bool:
        letters = int(self.parameters["letters"])
        if len(word) < letters or vocabulary.accepts(word):
            return False
        # l'avion, kubernetes's and y'all'd are made of known and of short parts
        parts = word.removesuffix("n't").split("'")
        return len(parts) == 1 or not all(len(part) < letters or vocabulary.accepts(part) for part in parts)

    def _unknown_in_line(
        self, line: re.Match[str], unknown: frozenset[str], vocabulary: _Vocabulary
    ) -> list[tuple[str, int, int]]:
        """The places of unknown words in a line of prose; none if the line is in another language."""
        judged = [place for place in _lower_case_words(line) if len(place[0]) >= self.parameters["letters"]]
        different = {word for word, _, _ in judged}
        foreign = sum(1 for word in different if not vocabulary.lists(word))
        enough = len(different) >= self.parameters["foreign_words"]
        if enough and foreign >= len(different) * self.parameters["foreign_share"]:
            return []
        return [place for place in judged if place[0] in unknown]


@dataclass(frozen=True, slots=True)
class _Vocabulary:
    """The words that one text may use."""

    language: str
    dictionary: frozenset[str]
    glossary: frozenset[str]
    prompt: frozenset[str]

    def lists(self, word: str) -> bool:
        """Whether some list has the word."""
        return word in self.dictionary or word in self.glossary or word in self.prompt

    def accepts(self, word: str) -> bool:
        """Whether the word is listed, a plural of the project's words, in another script, or English all the same."""
        singular = word.removesuffix("s")
        if self.lists(word) or singular in self.glossary or singular in self.prompt:
            return True
        if not _SCRIPTS.get(self.language, _LATIN).match(word):
            return True
        return self.language == "en" and is_english(word, self.dictionary)


def _vocabulary(context: CheckContext) -> _Vocabulary:
    language = base_language(context.language)
    return _Vocabulary(language, _dictionary(language), _glossary_words(context.glossary), _word_set(context.prompt))


def dictionary_languages() -> frozenset[str]:
    """The languages that can be checked."""
    return _installed_dictionaries() - _TOO_POOR


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
    spelling = _spelling(code)
    near = spelling.known(spelling.edit_distance_1(word))
    if not near and len(word) <= 12:
        near = spelling.known(spelling.edit_distance_2(word))
    # People seldom get the first letter wrong: address before dress for adress.
    common = sorted(near, key=lambda known: (known[0] != word[0], -spelling.word_frequency[known], known))
    return tuple(dict.fromkeys([*close, *common]))[:most]


@lru_cache(maxsize=1)
def _installed_dictionaries() -> frozenset[str]:
    folder = files("spellchecker") / "resources"
    return frozenset(file.name.split(".")[0] for file in folder.iterdir() if file.name.endswith(".json.gz"))


@lru_cache(maxsize=4)
def _spelling(language: str) -> SpellChecker:
    return SpellChecker(language=language, distance=1)


@lru_cache(maxsize=4)
def _dictionary(language: str) -> frozenset[str]:
    return frozenset(_spelling(language).word_frequency.dictionary)


@lru_cache(maxsize=64)
def _glossary_words(glossary: frozenset[str]) -> frozenset[str]:
    """The words of all entries: an entry may be a phrase."""
    return _word_set("\n".join(glossary))


@lru_cache(maxsize=64)
def _glossary_digest(glossary: frozenset[str]) -> str:
    return json_sha256(sorted(glossary))


@lru_cache(maxsize=256)
def _word_set(text: str) -> frozenset[str]:
    """All words of a text in lower case, and the parts of those with an apostrophe."""
    found = [_plain(word) for word in _WORD.findall(text)]
    return frozenset([*found, *(part for word in found if "'" in word for part in word.split("'"))])


def _plain(word: str) -> str:
    """The form in which words are listed: lower case, composed, straight apostrophe."""
    return word.lower() if word.isascii() else normalise(word).replace("\u02bc", "'")


def _lower_case_words(line: re.Match[str]) -> Iterator[tuple[str, int, int]]:
    for match in _WORD.finditer(line.group()):
        word = match.group()
        if word == word.lower():  # not islower(): some scripts have no case
            yield _plain(word), line.start() + match.start(), line.start() + match.end()
