"""Words that look like slips of words that the dictionary, or else the project, knows.

Spell checkers drown people in false alarms on names, code and the words of a trade, so this one looks only at what can
be judged: lower-case words of more than three letters in prose; one that resembles no known one is a word of its own.
A word with a capital is a name, unless it stands alone and is a long English one, one slip from a very common word.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from ml.checks.base import Check, CheckContext, Finding, base_language, quote
from ml.checks.capitals import slips_with_capital, species, standing_alone
from ml.checks.dictionaries import WORD, dictionary_languages, plain
from ml.checks.language import language_name
from ml.checks.passages import mask_technical
from ml.checks.resemblance import resembles_listed
from ml.checks.vocabulary import Vocabulary, glossary_words, vocabulary_of, word_set
from ml.hashing import json_sha256, text_sha256
from ml.phrases import Phrase, gettext_noop

_MANY = 300  # unknown words in one text
_LINE = re.compile(r"[^\n]+")
_UNLISTED = gettext_noop("%(word)s is neither in the dictionary nor in the project's glossary.")
_UNUSUAL = gettext_noop("%(word)s stands in no other approved text; %(usual)s stands in %(texts)s.")
_NO_DICTIONARY = gettext_noop(
    "There is no dictionary for %(language)s (%(code)s): only words one slip away from a usual word of this project's "
    "approved texts are marked."
)
_SOME_LANGUAGE = gettext_noop("the language")


class Misspelling(Check):
    """Unknown words that resemble known ones, each where it stands. Suggestions are made on demand: see `suggest`."""

    id = "misspelling"
    name = gettext_noop("Misspelling")
    description = gettext_noop("Lower-case words that look like slips of words of the dictionary or of the project.")
    version = 4
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
            found = self._bydictionary(text, context)
        return found[: int(self.parameters["findings"])]

    def _bydictionary(self, text: str, context: CheckContext) -> list[Finding]:
        vocabulary = vocabulary_of(context, int(self.parameters["accepted_texts"]))
        unknown, capitals = self._unknown_words(text, vocabulary), slips_with_capital(text, vocabulary)
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
        accepted = glossary_words(context.glossary) | word_set(context.prompt)
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

    def unavailable_reason(self, language: str) -> Phrase | None:
        code = base_language(language)
        if code in dictionary_languages():
            return None
        name = language_name(language)
        return Phrase(_NO_DICTIONARY, language=Phrase(_SOME_LANGUAGE if name == code else name), code=code)

    def _unknown_words(self, text: str, vocabulary: Vocabulary) -> dict[str, str]:
        """The unknown lower-case words of a text as written, each with its plain form; each looked up once, wherever
        it stands. A word that the text also writes with a capital is a name, as a rule."""
        rest = set(WORD.findall(text)) - vocabulary.dictionary
        if (
            len(rest) > _MANY
        ):  # a book in another language: a word that resembles nothing takes a fifth of a millisecond
            prose = [line for line in _LINE.finditer(mask_technical(text)) if not self._is_foreign(line, vocabulary)]
            rest &= {word for line in prose for word in WORD.findall(line.group())}
        names = {plain(word) for word in rest if word != word.lower()}
        small = {word: plain(word) for word in rest if word == word.lower()}
        return {
            word: plain for word, plain in small.items() if plain not in names and self._is_unknown(plain, vocabulary)
        }

    def _is_unknown(self, word: str, vocabulary: Vocabulary) -> bool:
        letters = int(self.parameters["letters"])
        if len(word) < letters or vocabulary.accepts(word):
            return False
        # l'avion, kubernetes's and y'all'd are made of known and of short parts
        parts = word.removesuffix("n't").split("'")
        if len(parts) > 1 and all(len(part) < letters or vocabulary.accepts(part) for part in parts):
            return False
        return resembles_listed(word, vocabulary.language)

    def _unknown_in_line(
        self, line: re.Match[str], unknown: frozenset[str], capitals: frozenset[str], vocabulary: Vocabulary
    ) -> list[tuple[str, int, int]]:
        """The places of unknown words in a line of prose; none if the line is in another language."""
        if self._is_foreign(line, vocabulary):
            return []
        found = [place for place in _lower_case_words(line) if place[0] in unknown]
        if found and vocabulary.language == "en":
            latin = species(line.group(), vocabulary)
            found = [place for place in found if place[1] - line.start() not in latin]
        return sorted([*found, *standing_alone(line, capitals)], key=lambda place: place[1]) if capitals else found

    def _is_foreign(self, line: re.Match[str], vocabulary: Vocabulary) -> bool:
        judged = (word for word, _, _ in _lower_case_words(line) if len(word) >= self.parameters["letters"])
        different = set(judged)
        foreign = sum(1 for word in different if not vocabulary.lists(word))
        enough = len(different) >= self.parameters["foreign_words"]
        return enough and foreign >= len(different) * self.parameters["foreign_share"]


@lru_cache(maxsize=64)
def _glossary_digest(glossary: frozenset[str]) -> str:
    return json_sha256(sorted(glossary))


def _lower_case_words(line: re.Match[str]) -> Iterator[tuple[str, int, int]]:
    for match in WORD.finditer(line.group()):
        word = match.group()
        if word == word.lower():  # not islower(): some scripts have no case
            yield plain(word), line.start() + match.start(), line.start() + match.end()
