"""Texts that say the same over and over: the commonest way in which a small model fails.

A share of repeated word 4-grams above a fifth separated models that loop from models that answer almost perfectly
(98 % of a raw model's answers, 1 to 12 % of finetuned ones). What people repeat on purpose is set apart first: code and
tables are left out, of lists only whole items count, verse may have a refrain.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence

from ml.checks.base import Check, CheckContext, Finding, Severity, quote
from ml.checks.loops import SIZE, Loop, find_loops, repeat_distances
from ml.checks.passages import Line, drop_markers, lines, mask_code
from ml.phrases import gettext_noop
from ml.words import words

# One to six letters, ten times and more: "hahahahahahahahahaha", "aaaaaaaaaaaa".
_STUTTER = re.compile(r"([^\W\d_]{1,6}?)\1{9,}")

_STUTTERED = gettext_noop("%(what)s is repeated %(times)s times in a row.")
_LOOPED = gettext_noop("%(what)s stands here %(times)s times in a row.")
_REPEATED = gettext_noop("%(share)s of this text repeats words that were there before; at most %(limit)s is usual.")

_Word = tuple[str, int, int]


class Repetition(Check):
    """A block repeated at once (“and the and the and the”), or too large a share of words that were there before."""

    id = "repetition"
    name = gettext_noop("Repetition")
    description = gettext_noop(
        "The same words again and again. Code, tables, lists with a pattern and refrains are left alone."
    )
    version = 3
    defaults = {
        "share": 0.2,  # of the 4-grams of prose are repeats: a warning
        "verse_share": 0.5,  # the same for verse
        "error_share": 0.5,  # an error
        "ngrams": 12,  # repeats, at least: one quoted sentence is no failure
        "block_times": 3,  # a block of words that stands so often in a row, ...
        "block_words": 9,  # ... so many words in all, ...
        "letter_share": 0.3,  # ... and has at least this share of letters
        "stutter": 20,  # letters, at least: "xxxxxxxxxx" is a blank to fill in
        "findings": 20,  # at most, in one text
    }

    def find(self, text: str, context: CheckContext) -> list[Finding]:
        places = _STUTTER.finditer(mask_code(text))
        stutters = [self._stutter(place) for place in places if len(place.group()) >= self.parameters["stutter"]]
        if stutters or not self._may_repeat(text):
            return stutters[: int(self.parameters["findings"])]
        parts = list(lines(text))
        prose = [word for line in parts if line.kind != "table" for word in line.words]
        loops = [self._block(text, prose, loop) for loop in self._loops(text, prose)]
        return loops[: int(self.parameters["findings"])] or self._share(text, parts)

    def _may_repeat(self, text: str) -> bool:
        """Whether a closer look is worth it: enough 4-grams that were there before, or the distances of a loop."""
        tokens = words(drop_markers(text))
        repeats, distances = repeat_distances(tokens)
        if any(count >= max(3, 2 * distance - SIZE + 1) for distance, count in distances.items()):
            return True
        plain_prose = not any(mark in text for mark in "|`~\t")  # else the share is that of the prose between
        least = self.parameters["share"] * (len(tokens) - SIZE + 1) if plain_prose else 0
        return repeats >= max(self.parameters["ngrams"], least)

    def _stutter(self, match: re.Match[str]) -> Finding:
        times = len(match.group()) // len(match.group(1))
        values = {"what": quote(match.group(1)), "times": str(times)}
        return self.finding(*match.span(), _STUTTERED, values, severity="error", suggestions=(match.group(1),))

    def _block(self, text: str, prose: Sequence[_Word], loop: Loop) -> Finding:
        """A finding on all that comes after the first copy, so that taking it away leaves a whole text."""
        last = loop.first + loop.period - 1
        start, second, end = prose[loop.first][1], prose[last + 1][1], prose[loop.end - 1][2]
        severity = self._severity((loop.end - loop.first) / len(prose))
        values = {"what": quote(text[start:second]), "times": str(loop.times)}
        return self.finding(prose[last][2], end, _LOOPED, values, severity=severity, suggestions=("",))

    def _loops(self, text: str, prose: Sequence[_Word]) -> Iterator[Loop]:
        for loop in find_loops([word for word, _, _ in prose], int(self.parameters["block_times"])):
            block = text[prose[loop.first][1] : prose[loop.first + loop.period - 1][2]]
            enough_letters = _letter_share(block) >= self.parameters["letter_share"]
            if loop.end - loop.first >= self.parameters["block_words"] and enough_letters:
                yield loop

    def _share(self, text: str, parts: Sequence[Line]) -> list[Finding]:
        """A finding on the longest stretch of words that were there before, if the share of such words is too large."""
        repeats, total = _count_repeats(parts)
        share = len(repeats) / total if total else 0.0
        limit = self.parameters["verse_share" if _is_verse(parts) else "share"]
        if share <= limit or len(repeats) < self.parameters["ngrams"]:
            return []
        start, end = _longest_stretch(repeats)
        if _letter_share(text[start:end]) < self.parameters["letter_share"]:
            return []
        shown = max(round(share * 100), math.floor(limit * 100) + 1)  # 20.4 % is more than 20 %, and has to look so
        values = {"share": f"{shown}%", "limit": f"{limit:.0%}"}
        return [self.finding(start, end, _REPEATED, values, severity=self._severity(share))]

    def _severity(self, share: float) -> Severity:
        return "error" if share > self.parameters["error_share"] else "warning"


def _count_repeats(parts: Sequence[Line]) -> tuple[list[tuple[int, int]], int]:
    """The places of the 4-grams that stood earlier in the text, and the number of all 4-grams.

    Prose is read across its line ends. Items of a list share their beginning on purpose: the 4-grams of an item are
    repeats only if the whole item was there before.
    """
    grams_seen: set[tuple[str, ...]] = set()
    items_seen: set[tuple[str, ...]] = set()
    repeats: list[tuple[int, int]] = []
    total = 0
    for kind, stretch in _stretches(parts):
        tokens = tuple(word for word, _, _ in stretch)
        known_item = kind == "item" and tokens in items_seen
        items_seen.add(tokens)
        for index in range(len(tokens) - SIZE + 1):
            gram = tokens[index : index + SIZE]
            if known_item or (kind == "prose" and gram in grams_seen):
                repeats.append((stretch[index][1], stretch[index + SIZE - 1][2]))
            if kind == "prose":
                grams_seen.add(gram)
            total += 1
    return repeats, total


def _stretches(parts: Sequence[Line]) -> Iterator[tuple[str, list[_Word]]]:
    """Paragraphs of prose (lines joined) and single items; tables are left out."""
    prose: list[_Word] = []
    for line in parts:
        if line.kind == "prose":
            prose.extend(line.words)
            continue
        if prose:
            yield "prose", prose
            prose = []
        if line.kind == "item":
            yield "item", line.words
    if prose:
        yield "prose", prose


def _is_verse(parts: Sequence[Line]) -> bool:
    """Poems and songs: at least eight lines of prose, most of them short, and more than one word long on average."""
    sizes = [len(line.words) for line in parts if line.kind == "prose"]
    return len(sizes) >= 8 and sum(size <= 10 for size in sizes) >= 0.8 * len(sizes) and sum(sizes) > 2 * len(sizes)


def _longest_stretch(places: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """The longest run of places that touch or overlap, merged into one."""
    best = current = places[0]
    for start, end in places[1:]:
        current = (current[0], max(end, current[1])) if start <= current[1] else (start, end)
        best = max(best, current, key=lambda place: place[1] - place[0])
    return best


def _letter_share(text: str) -> float:
    return sum(map(str.isalpha, text)) / len(text)
