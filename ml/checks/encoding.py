"""Characters that no writer meant: text decoded with the wrong encoding, control characters, invisible marks."""

from __future__ import annotations

import re

from ml.checks.base import Check, CheckContext, Finding, Severity, quote
from ml.phrases import gettext_noop

# UTF-8 read as Windows-1252 or Latin-1: a lead byte as a letter, then continuation bytes as what stands there. Leads
# that correct texts have before a quotation mark or a dash (ß, Å) count only within a word, Cyrillic and Greek in rows.
_NEXT = "\u0080-\u00bf\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc\u2013-\u203a\u20ac\u2122"
_NEXT_IN_WORD = "\u0080-\u009f\u00a1-\u00aa\u00ac-\u00ba\u00bc-\u00bf"
_MOJIBAKE = re.compile(
    f"(?:[ÂÃ][{_NEXT}]|â[€‚\u0080\u0082][{_NEXT}]|(?<=[a-z])[ÄÅ][{_NEXT_IN_WORD}]|[ÄÅ][{_NEXT_IN_WORD}](?=[a-z]))+"
    f"|(?:[ÎÏÐÑ][{_NEXT}]){{3,}}"
)
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufdd0-\ufdef\ufffe\uffff]+")
_REPLACED = re.compile("\ufffd+")
_PRIVATE = re.compile("[\ue000-\uf8ff]+")
_INVISIBLE = re.compile("[\u202a-\u202e\u2066-\u2069\u200b\u2060\ufeff\u00ad]+")

_MISREAD = gettext_noop("%(what)s was read with the wrong encoding; it was meant as %(meant)s.")
_CONTROLS = gettext_noop("A control character (%(code)s), which nobody sees and no model should learn.")
_LOST = gettext_noop("A character that was lost in an earlier conversion (U+FFFD); write it again.")
_PRIVATES = gettext_noop("A character without a meaning outside one font (%(code)s).")
_INVISIBLES = gettext_noop("An invisible character (%(code)s).")

_UNWANTED: tuple[tuple[re.Pattern[str], str, Severity], ...] = (
    (_CONTROL, _CONTROLS, "error"),
    (_PRIVATE, _PRIVATES, "warning"),
    (_INVISIBLE, _INVISIBLES, "info"),
)


class Encoding(Check):
    """Mojibake with its repair, control characters, lost characters, private and invisible ones."""

    id = "encoding"
    name = gettext_noop("Broken encoding")
    description = gettext_noop("Text read with the wrong encoding, control characters, lost or invisible characters.")
    version = 1
    fields = ("instruction", "input", "response")
    defaults = {"findings": 50}  # at most, in one text

    def find(self, text: str, context: CheckContext) -> list[Finding]:
        if text.isascii() and not _CONTROL.search(text):
            return []
        found = [*self._misread(text)]
        found += [self.finding(*match.span(), _LOST, severity="error") for match in _REPLACED.finditer(text)]
        for pattern, template, severity in _UNWANTED:
            for match in pattern.finditer(text):
                values = {"code": f"U+{ord(match.group()[0]):04X}"}
                found.append(self.finding(*match.span(), template, values, severity=severity, suggestions=("",)))
        outermost: list[Finding] = []
        for finding in sorted(found, key=lambda finding: (finding.start, -finding.end)):
            if not outermost or finding.start >= outermost[-1].end:  # a mark inside a misread word is part of it
                outermost.append(finding)
        return outermost[: int(self.parameters["findings"])]

    def _misread(self, text: str) -> list[Finding]:
        found = []
        for match in _MOJIBAKE.finditer(text):
            if meant := repaired(match.group()):
                values = {"what": quote(match.group()), "meant": quote(meant)}
                found.append(self.finding(*match.span(), _MISREAD, values, severity="error", suggestions=(meant,)))
        return found


def repaired(text: str) -> str:
    """What a passage says when its characters are taken as the bytes of UTF-8; "" if they are none."""
    raw = bytearray()
    for letter in text:
        try:
            raw += letter.encode("cp1252")
        except UnicodeEncodeError:
            if ord(letter) > 0xFF:
                return ""
            raw.append(ord(letter))
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return ""
