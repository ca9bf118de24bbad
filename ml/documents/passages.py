"""A text in passages: by its headings, then by paragraphs, then by sentences, none longer than a person likes to read.

A passage is a piece of the text as it stands: `text[passage.start:passage.end] == passage.text`.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

LONGEST, SHORTEST = 2_000, 120
_HEADING = re.compile(r"^(#{1,6})[ \t]+(.+?)[ \t]*$", re.MULTILINE)
_FENCE = re.compile(r"^ {0,3}(?:```|~~~).*?^ {0,3}(?:```|~~~)[^\n]*$", re.MULTILINE | re.DOTALL)
_PARAGRAPH = re.compile(r"\n[ \t]*\n+")
_SENTENCE = re.compile(r"(?<=[.!?…])[\"”»')\]]*\s+|(?<=[。！？])")


@dataclass(frozen=True, slots=True)
class Passage:
    """`trail` names the headings above it, outermost first; `page` counts from 1, 0 where there are no pages."""

    start: int
    end: int
    text: str
    trail: tuple[str, ...] = ()
    page: int = 0


def split_passages(
    text: str, *, longest: int = LONGEST, shortest: int = SHORTEST, pages: tuple[int, ...] = ()
) -> list[Passage]:
    """Passages of at most `longest` characters in the text's order; together they hold all of it but its headings.

    Sections with less than `shortest` characters are put together with what follows below the same heading. `pages`
    are the places where the second and each later page begins. Raises ValueError unless 0 <= shortest < longest.
    """
    if not 0 <= shortest < longest:
        raise ValueError(f"The shortest passage must be below the longest, and {shortest} is not below {longest}.")
    found: list[Passage] = []
    for start, end, trail in _sections(text):
        for first, last in _pieces(text, start, end, longest, shortest):
            page = bisect_right(pages, first) + 1 if pages else 0
            found.append(Passage(first, last, text[first:last], trail, page))
    return _joined(text, found, longest, shortest)


def _sections(text: str) -> Iterator[tuple[int, int, tuple[str, ...]]]:
    """Start, end and headings of what stands between headings; a `#` within a code block is none."""
    fenced = [found.span() for found in _FENCE.finditer(text)]
    starts = [start for start, _end in fenced]
    trail: list[tuple[int, str]] = []
    place = 0
    for heading in _HEADING.finditer(text):
        around = bisect_right(starts, heading.start()) - 1
        if around >= 0 and heading.start() < fenced[around][1]:
            continue
        yield place, heading.start(), tuple(name for _level, name in trail)
        level = len(heading.group(1))
        trail = [*((depth, name) for depth, name in trail if depth < level), (level, heading.group(2))]
        place = heading.end()
    yield place, len(text), tuple(name for _level, name in trail)


def _pieces(text: str, start: int, end: int, longest: int, shortest: int) -> Iterator[tuple[int, int]]:
    """Spans of a section: paragraphs gathered up to `longest`; a longer paragraph is cut at sentences."""
    first = last = -1
    for begin, stop in _paragraphs(text, start, end):
        if first >= 0 and stop - first > longest:
            yield first, last
            first = -1
        if stop - begin > longest:
            yield from _cut(text, begin, stop, longest)
            continue
        first = begin if first < 0 else first
        last = stop
    if first >= 0:
        yield first, last


def _paragraphs(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    place = start
    for gap in _PARAGRAPH.finditer(text, start, end):
        if trimmed := _trim(text, place, gap.start()):
            yield trimmed
        place = gap.end()
    if trimmed := _trim(text, place, end):
        yield trimmed


def _cut(text: str, start: int, end: int, longest: int) -> Iterator[tuple[int, int]]:
    """A paragraph at the last sentence end, line end or blank that still fits; else in the middle of a word."""
    while end - start > longest:
        ends = [found.end() for found in _SENTENCE.finditer(text, start, start + longest) if found.end() > start]
        place = ends[-1] if ends and ends[-1] - start > longest // 4 else 0
        place = place or max(text.rfind("\n", start + 1, start + longest), text.rfind(" ", start + 1, start + longest))
        stop = place if place > start else start + longest
        if trimmed := _trim(text, start, stop):
            yield trimmed
        start = stop
    if trimmed := _trim(text, start, end):
        yield trimmed


def _joined(text: str, passages: list[Passage], longest: int, shortest: int) -> list[Passage]:
    """Put a short passage together with the next one where one of them lies below the other's heading."""
    found: list[Passage] = []
    for passage in passages:
        before = found[-1] if found else None
        if (
            before is not None
            and len(before.text) < shortest
            and passage.end - before.start <= longest
            and passage.trail[: len(before.trail)] == before.trail
        ):
            joined = text[before.start : passage.end]
            found[-1] = Passage(before.start, passage.end, joined, before.trail, before.page)
        else:
            found.append(passage)
    return found


def _trim(text: str, start: int, end: int) -> tuple[int, int] | None:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return (start, end) if start < end else None
