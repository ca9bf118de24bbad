"""Personal data that can be told by its form: addresses of mail, numbers of telephones, cards, accounts and people.

Names, streets and birthdays have no form of their own and are not found: the docs say so, and reviewers must look.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ml.checks.base import Check, CheckContext, Finding, quote
from ml.phrases import gettext_noop

_MAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}(?![\w@-])")
_CARD = re.compile(r"(?<![\d.])\d(?:[ -]?\d){12,18}(?![\d.]?\d)")
_ACCOUNT = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?:[ ]?[A-Z0-9]){11,30}(?![A-Za-z0-9])")
_IPV4 = re.compile(r"(?<![\d.])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?![\d.]?\d)")
_IPV6 = re.compile(r"(?<![\w:])(?:[0-9A-Fa-f]{1,4}:){7}[0-9A-Fa-f]{1,4}(?![\w:])")
_US_NUMBER = re.compile(r"(?<![\d-])(?!000|666|9\d\d)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\d-])")
_SWEDISH = re.compile(r"(?<![\d-])(?:19|20)?\d{2}(?:0[1-9]|1[0-2])(?:[06][1-9]|[1278]\d|[39][01])[-+]\d{4}(?![\d-])")
# Groups of digits as people write telephone numbers, perhaps with an extension.
_PHONE = re.compile(
    r"(?<![\w.,/:+-])(?<!\d )(?:\+\d{1,3}[ .-]?|00\d{1,3}[ .-])?(?:\(\d{1,5}\)[ .-]?)?\d{1,5}(?:[ .-]\d{2,8}){0,6}"
    r"(?:[ ]?(?:x|ext\.?|anknytning)[ ]?\d{1,6})?(?![\w/=]|[.,:-]\d)"
)
_CALLED = re.compile(
    r"\b(?:phone|tel(?:e(?:fon|phone))?|mobil(?:e|nummer)?|cell|call|calling|ring|reach|fax|sms|text|whatsapp|numret|nummer"
    r"|contact|number is|number|dial|messages? to)\W{0,3}(?:\w+\W{1,3}){0,4}$",
    re.IGNORECASE,
)
_EXAMPLE_MAIL = re.compile(
    r"@(?:[\w-]+\.)*(?:example(?:\.[a-z]{2,3}){0,2}|(?:test|invalid|localhost)(?:\.(?:com|org|net))?)$", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class _Kind:
    template: str
    placeholder: str  # what may stand there instead
    pattern: re.Pattern[str]
    is_real: Callable[[str, re.Match[str]], bool]  # (text, match)


def luhn(digits: str) -> bool:
    """The checksum of card and personal numbers (ISO/IEC 7812)."""
    total = 0
    for index, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + index % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def iban(text: str) -> bool:
    """The checksum of account numbers (ISO 13616): rearranged and read as a number it leaves 1 modulo 97."""
    plain = text.replace(" ", "")
    return 15 <= len(plain) <= 34 and int("".join(str(int(letter, 36)) for letter in plain[4:] + plain[:4])) % 97 == 1


def _digits(text: str) -> str:
    return re.sub(r"\D", "", text)


def _is_card(_text: str, match: re.Match[str]) -> bool:
    digits = _digits(match.group())
    return digits[0] in "23456" and len(set(digits)) > 2 and luhn(digits)


def _is_phone(text: str, match: re.Match[str]) -> bool:
    """A telephone number by its form (+46, an area code in brackets or with a nought) or by the words before it."""
    found = match.group()
    number = re.split(r"x|ext|ankn", found, flags=re.IGNORECASE)[0]
    groups = re.findall(r"\d+", number)
    digits = sum(map(len, groups))
    if not 7 <= digits <= 15 or (len(groups) == 1 and not found.startswith("+")):
        return False
    if _is_date(groups) or (found.count(".") == 3 and _IPV4.fullmatch(number)):
        return False
    if found.startswith(("+", "(")) or re.match(r"00[1-9]", found) or number != found:
        return True
    if _is_amount(number):
        return False
    if _CALLED.search(text[max(0, match.start() - 60) : match.start()]):
        return True
    if re.match(r"0[1-9]", groups[0]):
        return len(groups) > 1
    return len(groups) > 2 and digits >= 9 and len(set(re.findall(r"[ .-]", number))) == 1


def _is_amount(number: str) -> bool:
    """25 000 000, or a span of amounts: 60 000-120 000."""
    return all(re.fullmatch(r"\d{1,3}(?: 000| \d{3})*", part) for part in number.split("-")) and " " in number


def _is_date(groups: list[str]) -> bool:
    """2024-05-03, 03.05.2024, perhaps with a time; or two years."""
    sizes = [len(group) for group in groups[:3]]
    years = [group for group in groups if len(group) == 4 and group[:2] in ("18", "19", "20", "21")]
    return len(years) >= 2 or (bool(years) and sorted(sizes) in ([1, 1, 4], [1, 2, 4], [2, 2, 4]))


def _is_example(match: re.Match[str]) -> bool:
    return _EXAMPLE_MAIL.search(match.group()) is not None


def _is_swedish(_text: str, match: re.Match[str]) -> bool:
    return luhn(_digits(match.group())[-10:])


_KINDS = (
    _Kind(gettext_noop("A mail address: %(what)s."), "[email]", _MAIL, lambda _, match: not _is_example(match)),
    _Kind(
        gettext_noop("An account number: %(what)s."), "[account number]", _ACCOUNT, lambda _, match: iban(match.group())
    ),
    _Kind(gettext_noop("A payment card number: %(what)s."), "[card number]", _CARD, _is_card),
    _Kind(gettext_noop("A personal number: %(what)s."), "[personal number]", _SWEDISH, _is_swedish),
    _Kind(gettext_noop("A social security number: %(what)s."), "[social security number]", _US_NUMBER, lambda *_: True),
    _Kind(gettext_noop("An IP address: %(what)s."), "[IP address]", _IPV4, lambda *found: not _is_version(*found)),
    _Kind(gettext_noop("An IP address: %(what)s."), "[IP address]", _IPV6, lambda *_: True),
    _Kind(gettext_noop("A telephone number: %(what)s."), "[phone number]", _PHONE, _is_phone),
)
_LOCAL = re.compile(r"(?:0|10|127|255)\.|169\.254\.|172\.(?:1[6-9]|2\d|3[01])\.|192\.168\.")


def _is_version(text: str, match: re.Match[str]) -> bool:
    """1.2.3.4 after the word version; and addresses that are the same in every house."""
    before = text[max(0, match.start() - 12) : match.start()].lower()
    return bool(_LOCAL.match(match.group())) or "version" in before or before.endswith(("v", "v."))


class PersonalData(Check):
    """Mail addresses, telephone, card, account and personal numbers, network addresses; what is checked by a checksum
    is found only if that is right."""

    id = "personal_data"
    name = gettext_noop("Personal data")
    description = gettext_noop("Mail and IP addresses; numbers of telephones, cards, accounts and people.")
    version = 4
    fields = ("instruction", "input", "response")
    defaults = {"findings": 50}  # at most, in one text

    def find(self, text: str, context: CheckContext) -> list[Finding]:
        if not re.search(r"\d{2}|@", text):
            return []
        taken: list[tuple[int, int]] = []
        found = []
        for kind, start, end in _matches(text):
            if not any(start < other_end and other_start < end for other_start, other_end in taken):
                taken.append((start, end))
                values = {"what": quote(text[start:end])}
                found.append(self.finding(start, end, kind.template, values, suggestions=(kind.placeholder,)))
        return sorted(found, key=lambda one: one.start)[: int(self.parameters["findings"])]


def _matches(text: str) -> Iterator[tuple[_Kind, int, int]]:
    """Kind by kind, the surest first: what a card number holds is no telephone number."""
    for kind in _KINDS:
        for match in kind.pattern.finditer(text):
            if kind.is_real(text, match):
                yield kind, *match.span()
