"""Numbers in every form in which people write them: 10,000 and ten thousand, 3 May and 05-03, twenty-two."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise

from ml.words import words

NUMBER = re.compile(r"(?<![\w.,])[-−]?\d+(?:[ \u00a0\u202f]\d{3}(?!\d)|[.,'’:/-]?\d)*")

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

_SCALES = {  # noughts -> the words for them
    3: ("thousand", "tusen", "tausend", "k"),
    6: ("million", "millions", "mn", "miljon", "miljoner", "millionen", "millones", "mkr"),
    9: ("billion", "billions", "bn", "miljard", "miljarder", "milliarde", "milliarden", "milliards"),
}
_SCALE = re.compile(r"[ \u00a0\u202f]?([A-Za-z]{1,10})\b")


@lru_cache(maxsize=64)
def numbers_in(source: str) -> frozenset[str]:
    """Every number of a text in every form in which it may be read, and what its words for numbers and months say."""
    found = {
        reading for match in NUMBER.finditer(source) for reading in readings(match.group()) | scaled(source, match)
    }
    found.update(_plain_digits(digits) for digits in re.findall(r"\d+", source))
    said = words(source)
    found.update(number for word in said for number in spelled().get(word, ()))
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


def scaled(text: str, number: re.Match[str]) -> frozenset[str]:
    """What a number means with the word behind it: 35 million is 35,000,000. Empty where no such word stands there."""
    scale = _SCALE.match(text, number.end())
    power = next((power for power, written in _SCALES.items() if scale and scale.group(1).lower() in written), None)
    if power is None:
        return frozenset()
    return frozenset(_plain_digits(_shifted(reading, power)) for reading in readings(number.group()))


def _shifted(number: str, power: int) -> str:
    whole, _, fraction = number.partition(".")
    padded = fraction.ljust(power, "0")
    return f"{whole}{padded[:power]}.{padded[power:]}"


def parts_of(number: str) -> list[str]:
    """The numbers of a date, a time, a range or a reference: 2024-05-03, 10:30, 2010/900."""
    if not re.search(r"\d[:/-]\d|\d\.\d+\.\d", number):
        return []
    return [_plain_digits(part) for part in re.split(r"[:/.-]", number.strip("-−")) if part]


def _plain_digits(number: str) -> str:
    whole, _, fraction = number.partition(".")
    fraction = fraction.rstrip("0")
    return (whole.lstrip("0") or "0") + (f".{fraction}" if fraction else "")


@lru_cache(maxsize=1)
def spelled() -> dict[str, tuple[str, ...]]:
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
    written = [(word, number) for word, numbers in spelled().items() for number in numbers]
    return {(ten, one): str(int(a) + int(b)) for ten, a in written if a in tens for one, b in written if b in ones}
