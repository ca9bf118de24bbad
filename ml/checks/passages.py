"""Where a text is prose and where it is something else: code, formulas, addresses, tables, lists.

Masked passages are blanked, never cut out, so that places in the masked text are places in the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ml.words import word_spans

LineKind = Literal["prose", "item", "table"]

# A fence that is never closed reaches to the end: a model that was cut off left it open. Every alternative either
# always matches once begun or is bounded, so that no text takes more than linear time.
_CODE = r"""
    (?:```|~~~)(?s:.)*?(?:```|~~~|\Z)
  | `[^`\n]*`
"""
_TECHNICAL = (
    _CODE
    + r"""
  | \$\$(?s:.){1,2000}?\$\$
  | \$(?=[^\s$])[^$\n]{0,300}(?<=[^\s$])\$(?!\d)         # as pandoc does: "$5 and $10" is no formula
  | \\begin\{(?s:.)*?(?:\\end\{[^{}\n]{0,40}\}|\Z)
  | \\\([^\n]{1,300}?\\\) | \\\[(?s:.){1,1000}?\\\]
  | \\[A-Za-z]+\*?(?:\{[^{}\n]{0,200}\})?
  | </?[A-Za-z][^<>\n]{0,300}> | &\#?\w{1,10};
  | \b(?:https?|ftp|file|mailto|www)[:.][^\s<>"]+
  | (?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}
  | (?<!\w)[@\#/~][\w.:/-]+                                # @name, #tag, /a/path
  | \b\w{1,80}(?:[./\\_:=]{1,2}\w{1,80}(?!\w)){1,20}(?:\(\))?  # file.txt, a/b, snake_case, Module::name
  | \b\w{1,80}\(\) | \b\w*\d\w*                             # call(), b2b
"""
)
_CODE_PATTERN = re.compile(_CODE, re.VERBOSE)
_TECHNICAL_PATTERN = re.compile(_TECHNICAL, re.VERBOSE)
_ITEM = re.compile(r"^[ \t]{0,40}(?:[-*+•–·]|\(?(?:\d{1,3}|[A-Za-z]|[ivx]{1,5})[.)])[ \t]+(?=\S)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a text: what it is, and its normalised words with their places in the whole text."""

    kind: LineKind
    words: list[tuple[str, int, int]]


def mask_code(text: str) -> str:
    """The text with fenced and inline code blanked out; lines stay lines."""
    return _CODE_PATTERN.sub(_blank, text) if "`" in text or "~~~" in text else text


def mask_technical(text: str) -> str:
    """The text with everything blanked out that no dictionary has: code, LaTeX, HTML, addresses, paths, identifiers."""
    return _TECHNICAL_PATTERN.sub(_blank, text)


def drop_markers(text: str) -> str:
    """The text without the bullets and numbers before the items of its lists; places change."""
    return _ITEM.sub("", text)


def lines(text: str) -> Iterator[Line]:
    """The lines that have words, without the code between them."""
    start = 0
    for raw in mask_code(text).splitlines(keepends=True):
        offset = start
        start += len(raw)
        marker = _ITEM.match(raw)
        if marker:
            raw, offset = raw[marker.end() :], offset + marker.end()
        words = [(word, begin + offset, end + offset) for word, begin, end in word_spans(raw)]
        if words:
            kind: LineKind = "table" if raw.count("|") >= 2 or raw.count("\t") >= 2 else "item" if marker else "prose"
            yield Line(kind, words)


def _blank(match: re.Match[str]) -> str:
    """Blanks of the same length; line ends stay."""
    found = match.group()
    return " " * len(found) if "\n" not in found else re.sub(r"[^\n]", " ", found)
