"""Checks that compare pairs with one another: the same pair twice, nearly the same, two answers to one question.

Whoever has all pairs of a task proposes couples that may be alike; a check says whether it ties a couple together. The
web keeps likenesses as pairs arrive (curation/services/likeness.py); `corpus_links` proposes from the texts alone.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import ClassVar

from ml.checks.base import AnyCheck
from ml.hashing import text_sha256
from ml.near_duplicates import alike, near_duplicates
from ml.phrases import gettext_noop
from ml.words import words

_MOST_IN_GROUP = 50  # links of one pair with others of a group of equals: beyond that a list says no more


@dataclass(frozen=True, slots=True)
class PairTexts:
    """What a corpus check compares of one pair: the question (instruction and input) and the response."""

    question: str
    response: str

    @property
    def whole(self) -> str:
        return f"{self.question}\n{self.response}"


@dataclass(frozen=True, slots=True)
class Link:
    """Two pairs (places in a sequence, the smaller first) that a check ties together, and how alike they are."""

    check: str
    one: int
    other: int
    similarity: float


class CorpusCheck(AnyCheck):
    """Base of the checks over a whole task. `sentence` is what is said of a pair that is tied to another one."""

    sentence: ClassVar[str]

    def tie(self, one: PairTexts, other: PairTexts) -> float | None:
        """How alike two pairs are (0 to 1) if this check ties them together, else None. Pure."""
        raise NotImplementedError


class Duplicate(CorpusCheck):
    """The same question with the same response."""

    id = "duplicate"
    name = gettext_noop("Duplicate")
    description = gettext_noop("Another pair of the task has the same texts, but for capitals, blanks and punctuation.")
    sentence = gettext_noop("Another pair has the same texts.")
    version = 1

    def tie(self, one: PairTexts, other: PairTexts) -> float | None:
        return 1.0 if _key(one) == _key(other) else None


class NearDuplicate(CorpusCheck):
    """Nearly the same question and response: the Jaccard similarity of their words and word pairs, or of the sequences
    of letters of two short ones, is high."""

    id = "near_duplicate"
    name = gettext_noop("Near duplicate")
    description = gettext_noop("Another pair of the task has nearly the same texts.")
    sentence = gettext_noop("Another pair has nearly the same texts.")
    version = 2
    defaults = {"similarity": 0.7}  # of the sets that ml.near_duplicates compares

    def tie(self, one: PairTexts, other: PairTexts) -> float | None:
        similarity = alike(one.whole, other.whole)
        near = similarity >= self.parameters["similarity"] and _key(one) != _key(other)
        return round(similarity, 3) if near else None


class Conflict(CorpusCheck):
    """One question, two answers that do not agree: other numbers, yes against no, or hardly a word in common; but an
    answer agrees with the same in more words."""

    id = "conflict"
    name = gettext_noop("Conflicting answers")
    description = gettext_noop("Another pair of the task answers the same question differently.")
    sentence = gettext_noop("Another pair answers the same question differently.")
    version = 2
    defaults = {"alike": 0.4}  # answers with at least this Jaccard similarity of their words agree, numbers aside

    def tie(self, one: PairTexts, other: PairTexts) -> float | None:
        if _plain(one.question) != _plain(other.question) or not _plain(one.question).strip():
            return None
        if _plain(one.response) == _plain(other.response) or not self._disagree(one.response, other.response):
            return None
        return round(alike(one.response, other.response), 3)

    def _disagree(self, one: str, other: str) -> bool:
        numbers, others = set(re.findall(r"\d+", one)), set(re.findall(r"\d+", other))
        if numbers and others and not numbers & others:
            return True
        first, second = words(one), words(other)
        if first and second and {first[0], second[0]} in _OPPOSITES:
            return True
        less, more = sorted((set(first), set(second)), key=len)
        if less and less <= more:
            return False  # the same in more words
        return bool(more) and len(less & more) < self.parameters["alike"] * len(less | more)


def corpus_links(pairs: Sequence[PairTexts], checks: Sequence[CorpusCheck]) -> list[Link]:
    """The links among the pairs, each once, in order: equal questions and nearly equal texts are compared."""
    first: dict[str, int] = {}
    for index, pair in enumerate(pairs):
        first.setdefault(_key(pair), index)  # near duplicates of a duplicate need no second look
    places = list(first.values())
    near = near_duplicates([pairs[place].whole for place in places])
    couples = {(places[one], places[other]) for one, other in near}
    couples.update(
        couple for group in _groups([_plain(pair.question) for pair in pairs]) for couple in couples_of(group)
    )
    return [
        Link(check.id, one, other, similarity)
        for one, other in sorted(couples)
        for check in checks
        if (similarity := check.tie(pairs[one], pairs[other])) is not None
    ]


_OPPOSITES = ({"yes", "no"}, {"ja", "nej"}, {"ja", "nein"}, {"oui", "non"}, {"true", "false"})


def _plain(text: str) -> str:
    """The words of a text; of one without any, the text itself."""
    return " ".join(words(text)) or text.strip()


def _key(pair: PairTexts) -> str:
    return f"{_plain(pair.question)}\n{_plain(pair.response)}"


def _groups(keys: Sequence[str]) -> Iterator[list[int]]:
    """Places with the same key, where there are several."""
    found: dict[str, list[int]] = defaultdict(list)
    for index, key in enumerate(keys):
        if key.strip():
            found[text_sha256(key)].append(index)
    return (group for group in found.values() if len(group) > 1)


def couples_of(group: Sequence[int]) -> Iterator[tuple[int, int]]:
    """All couples of a group; of a large one each with its next few, so that every member is in one."""
    for position, one in enumerate(group):
        reach = len(group) if len(group) <= _MOST_IN_GROUP else position + 4
        yield from ((one, other) for other in islice(group, position + 1, reach))
