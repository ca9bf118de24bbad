"""What an extraction says that the text it was taken from does not: numbers, dates, names, quotations.

An extraction adds nothing, so each of these must occur in the source or in the instruction, written this or another
way: 10,000 for 10 000, 3 May for 05-03, ten for 10.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from ml.checks.base import Check, CheckContext, Finding, base_language, quote
from ml.checks.passages import mask_code
from ml.checks.written_numbers import NUMBER, numbers_in, parts_of, readings, scaled, spelled
from ml.hashing import text_sha256
from ml.phrases import gettext_noop
from ml.words import normalise, words

_MARKER = re.compile(r"^[ \t]*(?:\(?\d{1,3}[.)]|[-*+•])[ \t]+", re.MULTILINE)
_WORD = re.compile(r"[^\W\d_]+(?:[.'’&-][^\W\d_]+)*")
_QUOTED = re.compile(r"“([^“”\n]{3,400})”|\"([^\"\n]{3,400})\"|«([^«»\n]{3,400})»|„([^„“”\n]{3,400})[“”]")
_SENTENCE_END = re.compile(r"(?:^|[.!?:;…|\n\"“”«»(\[]|^[ \t]*[-*•])[\s\"'“”«»(\[*_#>-]*$")

_NUMBER_MISSING = gettext_noop("The source does not have the number %(what)s.")
_NAME_MISSING = gettext_noop("The source does not have the name %(what)s.")
_QUOTE_MISSING = gettext_noop("The source does not say %(what)s in these words.")


class Unsupported(Check):
    """Numbers, dates, names and quotations of an extraction that its source does not contain."""

    id = "unsupported"
    name = gettext_noop("Not in the source")
    description = gettext_noop("Of extractions: numbers, dates, names and quotations that the input does not contain.")
    version = 2
    fields = ("response",)
    defaults = {
        "quote_words": 3,  # a shorter quotation may be a word that is spoken of
        "findings": 50,  # at most, in one text
    }

    def find(self, text: str, context: CheckContext) -> list[Finding]:
        if not context.source.strip():
            return []
        source = f"{context.source}\n{context.instruction}"
        prose = mask_code(text)
        found = [
            *(
                self.finding(*span, _NUMBER_MISSING, {"what": quote(text[slice(*span)])})
                for span in _numbers(prose, source)
            ),
            *(
                self.finding(*span, _NAME_MISSING, {"what": quote(text[slice(*span)])})
                for span in _names(prose, source, base_language(context.language))
            ),
            *self._quotations(text, source),
        ]
        return sorted(found, key=lambda one: one.start)[: int(self.parameters["findings"])]

    def _quotations(self, text: str, source: str) -> Iterator[Finding]:
        said = f" {' '.join(words(source))} "
        for match in _QUOTED.finditer(text):
            quoted = words(match.group(match.lastindex or 0))
            if len(quoted) >= self.parameters["quote_words"] and f" {' '.join(quoted)} " not in said:
                values = {"what": quote(match.group()[1:-1])}
                yield self.finding(*match.span(match.lastindex or 0), _QUOTE_MISSING, values)

    def depends_on(self, context: CheckContext) -> Mapping[str, Any]:
        asked = f"{context.instruction}\n\n{context.source}" if context.source.strip() else ""
        return {"source": text_sha256(asked), "language": base_language(context.language)}


def _numbers(text: str, source: str) -> Iterator[tuple[int, int]]:
    """The places of numbers that the source has in no form. The numbers before the items of a list are none."""
    known = numbers_in(source)
    for match in NUMBER.finditer(_MARKER.sub(lambda marker: " " * len(marker.group()), text)):
        parts = parts_of(match.group())
        if (readings(match.group()) | scaled(text, match)) & known or (parts and all(part in known for part in parts)):
            continue
        if not _is_known_decade(text, match, known):
            yield match.span()


def _is_known_decade(text: str, number: re.Match[str], known: frozenset[str]) -> bool:
    """The 1930s, 1930-talet: of a year that the source has."""
    decade = number.group()
    if not re.fullmatch(r"\d{3}0", decade) or not re.match(r"['’]?s\b|-tal", text[number.end() : number.end() + 5]):
        return False
    return any(len(year) == 4 and year[:3] == decade[:3] for year in known)


def _names(text: str, source: str, language: str) -> Iterator[tuple[int, int]]:
    """Words with a capital inside a sentence that the source does not have. German writes every noun so: not judged."""
    if language == "de":
        return
    known = _words_in(source)
    numbers = None
    for match in _WORD.finditer(text):
        word = match.group()
        if len(word) < 2 or not word[0].isupper() or _is_known(word, known):
            continue
        if _SENTENCE_END.search(text[max(0, match.start() - 40) : match.start()]) or _begins_line(text, match.start()):
            continue
        months = spelled().get(normalise(word), ())
        if months:
            numbers = numbers or numbers_in(source)
            if any(month in numbers for month in months):
                continue
        yield match.span()


def _begins_line(text: str, place: int) -> bool:
    """Whether the word belongs to a heading or a label (“Date of Birth:”), which the source need not have."""
    start = text.rfind("\n", 0, place) + 1
    end = text.find("\n", place)
    line = text[start : end if end >= 0 else len(text)]
    colon = line.find(":")
    return start + colon > place if 0 < colon <= 40 else line.lstrip().startswith("#")


def _is_known(word: str, known: frozenset[str]) -> bool:
    plain = normalise(word)
    stem = re.sub(r"'s$|s'$|'$", "", plain)
    forms = (plain, stem, plain.removesuffix("s"), plain.replace(".", ""))
    if any(form in known for form in forms):
        return True
    parts = re.split(r"[.'&-]", plain)
    return len(parts) > 1 and all(part in known for part in parts if part)


@lru_cache(maxsize=64)
def _words_in(source: str) -> frozenset[str]:
    """The words of a text, their parts, and the initials of its names: WHO for World Health Organization."""
    found = {normalise(match.group()) for match in _WORD.finditer(source)}
    found.update(words(source))
    found.update(word.replace(".", "") for word in list(found))
    found.update(word.removesuffix("s") for word in list(found))
    for run in re.finditer(r"(?:\b[^\W\d_][\w'’-]*[ -]){1,7}[^\W\d_][\w'’-]*", source):
        initials = "".join(part[0] for part in re.split(r"[ -]", run.group()) if part[:1].isupper())
        found.update(
            initials[start:end].casefold()
            for start in range(len(initials))
            for end in range(start + 2, len(initials) + 1)
        )
    return frozenset(found)
