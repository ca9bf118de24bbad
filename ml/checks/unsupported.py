"""What an extraction says that the text it was taken from does not: numbers, dates, names, quotations.

An extraction adds nothing, so each of these must occur in the source or in the instruction, written this or another
way: 10,000 for 10 000, 3 May for 05-03, ten for 10.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import pairwise
from typing import Any

from ml.checks.base import Check, CheckContext, Finding, base_language, quote
from ml.checks.passages import mask_code
from ml.hashing import text_sha256
from ml.phrases import gettext_noop
from ml.words import normalise, words

_NUMBER = re.compile(r"(?<![\w.,])[-−]?\d+(?:[ \u00a0\u202f]\d{3}(?!\d)|[.,'’:/-]?\d)*")
_MARKER = re.compile(r"^[ \t]*(?:\(?\d{1,3}[.)]|[-*+•])[ \t]+", re.MULTILINE)
_WORD = re.compile(r"[^\W\d_]+(?:[.'’&-][^\W\d_]+)*")
_QUOTED = re.compile(r"“([^“”\n]{3,400})”|\"([^\"\n]{3,400})\"|«([^«»\n]{3,400})»|„([^„“”\n]{3,400})[“”]")
_SENTENCE_END = re.compile(r"(?:^|[.!?:;…|\n\"“”«»(\[]|^[ \t]*[-*•])[\s\"'“”«»(\[*_#>-]*$")
# number -> how it is written out, in English, Swedish, German, French, Spanish
_SPELLED = """
0 zero noll null zéro cero
1 one en ett eins ein eine un une uno una first första erste premier primero
2 two två zwei deux dos second andra zweite double twice
3 three tre drei trois tres third tredje dritte
4 four fyra vier quatre cuatro fourth
5 five fem fünf cinq cinco fifth
6 six sex sechs seis sixth
7 seven sju sieben sept siete seventh
8 eight åtta acht huit ocho eighth
9 nine nio neun neuf nueve ninth
10 ten tio zehn dix diez tenth decade
11 eleven elva elf onze once eleventh
12 twelve tolv zwölf douze doce twelfth dozen
13 thirteen tretton dreizehn treize trece
14 fourteen fjorton vierzehn quatorze catorce
15 fifteen femton fünfzehn quinze quince
16 sixteen sexton sechzehn seize
17 seventeen sjutton siebzehn
18 eighteen arton achtzehn
19 nineteen nitton neunzehn
20 twenty tjugo zwanzig vingt veinte twentieth
30 thirty trettio dreißig trente treinta
40 forty fyrtio vierzig quarante cuarenta
50 fifty femtio fünfzig cinquante cincuenta
60 sixty sextio sechzig soixante sesenta
70 seventy sjuttio siebzig setenta
80 eighty åttio achtzig ochenta
90 ninety nittio neunzig noventa
100 hundred hundra hundert cent cien century
1000 thousand tusen tausend mille mil
1000000 million miljon millionen
"""
_MONTHS = """
1 january jan januari januar janvier enero
2 february feb februari februar février febrero
3 march mar mars märz marzo
4 april apr avril abril
5 may maj mai mayo
6 june jun juni juin junio
7 july jul juli juillet julio
8 august aug augusti août agosto
9 september sep sept septembre septiembre
10 october oct oktober okt octobre octubre
11 november nov novembre noviembre
12 december dec dezember dez décembre diciembre
"""

_NUMBER_MISSING = gettext_noop("The source does not have the number %(what)s.")
_NAME_MISSING = gettext_noop("The source does not have the name %(what)s.")
_QUOTE_MISSING = gettext_noop("The source does not say %(what)s in these words.")


class Unsupported(Check):
    """Numbers, dates, names and quotations of an extraction that its source does not contain."""

    id = "unsupported"
    name = gettext_noop("Not in the source")
    description = gettext_noop("Of extractions: numbers, dates, names and quotations that the input does not contain.")
    version = 1
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
    known = _numbers_in(source)
    for match in _NUMBER.finditer(_MARKER.sub(lambda marker: " " * len(marker.group()), text)):
        parts = _parts(match.group())
        if not (readings(match.group()) & known) and not (parts and all(part in known for part in parts)):
            yield match.span()


@lru_cache(maxsize=64)
def _numbers_in(source: str) -> frozenset[str]:
    """Every number of a text in every form in which it may be read, and what its words for numbers and months say."""
    found = {reading for match in _NUMBER.finditer(source) for reading in readings(match.group())}
    found.update(part for match in _NUMBER.finditer(source) for part in _parts(match.group()))
    found.update(_plain_digits(digits) for digits in re.findall(r"\d+", source))
    said = words(source)
    found.update(number for word in said for number in _spelled().get(word, ()))
    compounds = _compounds()
    found.update(compounds[couple] for couple in pairwise(said) if couple in compounds)
    return frozenset(found)


def readings(number: str) -> frozenset[str]:
    """How a number may be meant: 10,000 is ten thousand or ten. Without signs, leading and trailing noughts."""
    plain = re.sub(r"[ \u00a0\u202f'’]", "", number.lstrip("-−"))
    found = {_plain_digits(re.sub(r"[.,]", "", plain))} if re.fullmatch(r"\d{1,3}(?:[.,]\d{3})+", plain) else set()
    if len(re.findall(r"[.,]", plain)) <= 1:
        found.add(_plain_digits(plain.replace(",", ".")))
    elif match := re.fullmatch(r"(\d{1,3}(?:([.,])\d{3})+)[.,](\d+)", plain):
        found.add(_plain_digits(f"{match.group(1).replace(match.group(2), '')}.{match.group(3)}"))
    return frozenset(found)


def _parts(number: str) -> list[str]:
    """The numbers of a date, a time, a range or a reference: 2024-05-03, 10:30, 2010/900."""
    if not re.search(r"\d[:/-]\d|\d\.\d+\.\d", number):
        return []
    return [_plain_digits(part) for part in re.split(r"[:/.-]", number.strip("-−")) if part]


def _plain_digits(number: str) -> str:
    whole, _, fraction = number.partition(".")
    fraction = fraction.rstrip("0")
    return (whole.lstrip("0") or "0") + (f".{fraction}" if fraction else "")


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
        months = _spelled().get(normalise(word), ())
        if months:
            numbers = numbers or _numbers_in(source)
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


@lru_cache(maxsize=1)
def _spelled() -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for line in (_SPELLED + _MONTHS).strip().splitlines():
        if line.strip():
            number, *written = line.split()
            for word in written:
                found.setdefault(word, []).append(number)
    return {word: tuple(numbers) for word, numbers in found.items()}


@lru_cache(maxsize=1)
def _compounds() -> dict[tuple[str, str], str]:
    """twenty, two -> 22; words of two languages in one number do no harm."""
    tens, ones = {str(number) for number in range(20, 100, 10)}, {str(number) for number in range(1, 10)}
    written = [(word, number) for word, numbers in _spelled().items() for number in numbers]
    return {(ten, one): str(int(a) + int(b)) for ten, a in written if a in tens for one, b in written if b in ones}
