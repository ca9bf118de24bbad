"""Words that look like slips of words that the dictionary, or else the project, knows.

Spell checkers drown people in false alarms on names, code and the words of a trade, so this one looks only at what can
be judged: lower-case words of more than three letters in prose; one that resembles no known one is a word of its own.
A word with a capital is a name, unless it stands alone and is a long English one, one slip from a very common word.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

from ml.checks.base import Check, CheckContext, Finding, base_language, quote
from ml.checks.english import is_english
from ml.checks.passages import mask_technical
from ml.checks.project_words import ProjectWords
from ml.checks.resemblance import resembles_listed, slip_of_common, spelling
from ml.hashing import json_sha256, text_sha256
from ml.phrases import gettext_noop
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
_CAPITAL_LETTERS, _CAPITAL_COMMON = 7, 1_000
_UNLISTED = gettext_noop("%(word)s is neither in the dictionary nor in the project's glossary.")
_UNUSUAL = gettext_noop("%(word)s stands in no other approved text; %(usual)s stands in %(texts)s.")
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
    """Unknown words that resemble known ones, each where it stands. Suggestions are made on demand: see `suggest`."""

    id = "misspelling"
    name = gettext_noop("Misspelling")
    description = gettext_noop("Lower-case words that look like slips of words of the dictionary or of the project.")
    version = 3
    fields = ("instruction", "input", "response")
    defaults = {
        "letters": 4,  # shorter words are mostly abbreviations
        "foreign_share": 0.6,  # a line with at least this share of unknown words is in another language ...
        "foreign_words": 4,  # ... if it has this many words to judge
        "accepted_texts": 3,  # a word that so many approved texts have is a word of the project
        "project_texts": 50,  # without a dictionary: the project's own words are enough from so many texts on,
        "project_letters": 6,  # words of so many letters are judged by them,
        "usual_texts": 5,  # a word is what was meant if so many texts have it,
        "ending": 3,  # and the last letters must agree: they change with the form of a word
        "findings": 100,  # at most, in one text
        "characters": 200_000,  # read at most, from the beginning
    }

    def find(self, text: str, context: CheckContext) -> list[Finding]:
        """1. Look every word up: most texts end here. 2. Leave out code, addresses, formulas. 3. Leave out lines in
        another language. 4. Leave out words that the text also writes with a capital. 5. Add words with a capital that
        are slips of very common ones.
        """
        text = text[: int(self.parameters["characters"])]
        if base_language(context.language) not in dictionary_languages():
            found = self._by_project(text, context)
        else:
            found = self._by_dictionary(text, context)
        return found[: int(self.parameters["findings"])]

    def _by_dictionary(self, text: str, context: CheckContext) -> list[Finding]:
        vocabulary = _vocabulary(context, int(self.parameters["accepted_texts"]))
        unknown, capitals = self._unknown_words(text, vocabulary), _slips_with_capital(text, vocabulary)
        if not unknown and not capitals:
            return []
        wanted = [*unknown, *capitals]
        lines = (line for line in _LINE.finditer(mask_technical(text)) if any(word in line.group() for word in wanted))
        return [
            self.finding(start, end, _UNLISTED, {"word": quote(word)})
            for line in lines
            for word, start, end in self._unknown_in_line(line, frozenset(unknown.values()), capitals, vocabulary)
        ]

    def _by_project(self, text: str, context: CheckContext) -> list[Finding]:
        """Without a dictionary: words that no other text has, one slip away from a word that many have."""
        project = context.project_words
        if project is None or project.texts < self.parameters["project_texts"]:
            return []
        accepted = _glossary_words(context.glossary) | _word_set(context.prompt)
        judged = [place for line in _LINE.finditer(mask_technical(text)) for place in _lower_case_words(line)]
        times = Counter(word for word, _, _ in judged)
        found = []
        for word, start, end in judged:
            rare = project.counts.get(word, 0) <= 1 and times[word] == 1  # an approved text counts itself
            if len(word) < self.parameters["project_letters"] or not rare or word in accepted:
                continue
            if meant := project.meant(word, int(self.parameters["usual_texts"]), int(self.parameters["ending"])):
                values = {"word": quote(word), "usual": quote(meant), "texts": str(project.counts[meant])}
                found.append(self.finding(start, end, _UNUSUAL, values, suggestions=(meant,), severity="info"))
        return found

    def depends_on(self, context: CheckContext) -> Mapping[str, Any]:
        return {
            "language": base_language(context.language),
            "glossary": _glossary_digest(context.glossary),
            "prompt": text_sha256(context.prompt),
            "project": context.project_words.digest if context.project_words else "",
        }

    def unavailable_reason(self, language: str) -> str | None:
        code = base_language(language)
        if code in dictionary_languages():
            return None
        return (
            f"There is no dictionary for {_NAMES.get(code, 'the language')} ({code}): only words one slip away from a "
            "usual word of this project's approved texts are marked."
        )

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
        if len(parts) > 1 and all(len(part) < letters or vocabulary.accepts(part) for part in parts):
            return False
        return resembles_listed(word, vocabulary.language)

    def _unknown_in_line(
        self, line: re.Match[str], unknown: frozenset[str], capitals: frozenset[str], vocabulary: _Vocabulary
    ) -> list[tuple[str, int, int]]:
        """The places of unknown words in a line of prose; none if the line is in another language."""
        judged = [place for place in _lower_case_words(line) if len(place[0]) >= self.parameters["letters"]]
        different = {word for word, _, _ in judged}
        foreign = sum(1 for word in different if not vocabulary.lists(word))
        enough = len(different) >= self.parameters["foreign_words"]
        if enough and foreign >= len(different) * self.parameters["foreign_share"]:
            return []
        found = [place for place in judged if place[0] in unknown]
        return sorted([*found, *_standing_alone(line, capitals)], key=lambda place: place[1]) if capitals else found


@dataclass(frozen=True, slots=True)
class _Vocabulary:
    """The words that one text may use."""

    language: str
    dictionary: frozenset[str]
    glossary: frozenset[str]
    prompt: frozenset[str]
    learned: frozenset[str]

    def lists(self, word: str) -> bool:
        """Whether some list has the word."""
        return word in self.dictionary or word in self.glossary or word in self.prompt or word in self.learned

    def accepts(self, word: str) -> bool:
        """Whether the word is listed, a plural of the project's words, in another script, or English all the same."""
        singular = word.removesuffix("s")
        if self.lists(word) or singular in self.glossary or singular in self.prompt or singular in self.learned:
            return True
        if not _SCRIPTS.get(self.language, _LATIN).match(word):
            return True
        return self.language == "en" and is_english(word, self.dictionary)


def _vocabulary(context: CheckContext, accepted_texts: int) -> _Vocabulary:
    language = base_language(context.language)
    learned = _learned(context.project_words, accepted_texts) if context.project_words else frozenset()
    glossary, prompt = _glossary_words(context.glossary), _word_set(context.prompt)
    return _Vocabulary(language, _dictionary(language), glossary, prompt, learned)


@lru_cache(maxsize=16)
def _learned(project: ProjectWords, accepted_texts: int) -> frozenset[str]:
    return project.common(accepted_texts)


def words_unlisted(text: str, language: str) -> set[str]:
    """The words of a text that its language's dictionary lacks, in plain form: all of them if it has none."""
    code = base_language(language)
    dictionary = _dictionary(code) if code in dictionary_languages() else frozenset()
    found = {_plain(word) for word in _WORD.findall(mask_technical(text)) if word == word.lower()}
    return {word for word in found if len(word) > 2 and word not in dictionary}


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
    checker = spelling(code)
    near = checker.known(checker.edit_distance_1(word))
    if not near and len(word) <= 12:
        near = checker.known(checker.edit_distance_2(word))
    # People seldom get the first letter wrong: address before dress for adress.
    common = sorted(near, key=lambda known: (known[0] != word[0], -checker.word_frequency[known], known))
    return tuple(dict.fromkeys([*close, *common]))[:most]


@lru_cache(maxsize=1)
def _installed_dictionaries() -> frozenset[str]:
    folder = files("spellchecker") / "resources"
    return frozenset(file.name.split(".")[0] for file in folder.iterdir() if file.name.endswith(".json.gz"))


@lru_cache(maxsize=4)
def _dictionary(language: str) -> frozenset[str]:
    return frozenset(spelling(language).word_frequency.dictionary)


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


def _slips_with_capital(text: str, vocabulary: _Vocabulary) -> frozenset[str]:
    """Long words with a capital that the text has once, and that are one slip from a very common word: Bulding."""
    if vocabulary.language != "en":
        return frozenset()  # German writes every noun so; nothing was measured of other languages
    words = Counter(_WORD.findall(text))
    return frozenset(
        word
        for word, times in words.items()
        if times == 1
        and len(word) >= _CAPITAL_LETTERS
        and word[0].isupper()
        and word[1:].islower()
        and word.lower() not in words
        and not vocabulary.accepts(_plain(word))
        and slip_of_common(_plain(word), vocabulary.language, _CAPITAL_COMMON)
    )


def _standing_alone(line: re.Match[str], capitals: frozenset[str]) -> Iterator[tuple[str, int, int]]:
    """The places of words with a capital that have no other such word beside them: Los Angeles is a name."""
    words = list(_WORD.finditer(line.group()))
    for place, match in enumerate(words):
        beside = [words[n] for n in (place - 1, place + 1) if 0 <= n < len(words)]
        if match.group() in capitals and not any(_one_name(match, other, line.group()) for other in beside):
            yield match.group(), line.start() + match.start(), line.start() + match.end()


def _one_name(one: re.Match[str], other: re.Match[str], text: str) -> bool:
    first, second = sorted((one, other), key=lambda match: match.start())
    return other.group()[0].isupper() and len(other.group()) > 1 and text[first.end() : second.start()] in (" ", "-")


def _lower_case_words(line: re.Match[str]) -> Iterator[tuple[str, int, int]]:
    for match in _WORD.finditer(line.group()):
        word = match.group()
        if word == word.lower():  # not islower(): some scripts have no case
            yield _plain(word), line.start() + match.start(), line.start() + match.end()
