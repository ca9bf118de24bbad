"""Checks that compare pairs with one another: the same pair twice, nearly the same, two answers to one question.

They need all pairs of a task at once, so a job runs them and keeps the links. A link is between two pairs.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import ClassVar

from ml.checks.base import AnyCheck
from ml.hashing import text_sha256
from ml.near_duplicates import near_duplicates
from ml.phrases import gettext_noop
from ml.words import words

_MOST_IN_GROUP = 50  # links of one pair with others of a group of equals: beyond that a list says no more


@dataclass(frozen=True, slots=True)
class PairTexts:
    """What a corpus check compares of one pair: the question (instruction and input) and the response."""

    question: str
    response: str


@dataclass(frozen=True, slots=True)
class Link:
    """Two pairs (places in the sequence, the smaller first) that a check ties together, and how alike they are."""

    check: str
    one: int
    other: int
    similarity: float


class CorpusCheck(AnyCheck):
    """Base of the checks over a whole task. `sentence` is what is said of a pair with such a link."""

    sentence: ClassVar[str]

    def links(self, pairs: Sequence[PairTexts]) -> Iterator[Link]:
        """The links among the pairs, each once. Pure and deterministic."""
        raise NotImplementedError


class Duplicate(CorpusCheck):
    """The same question with the same response."""

    id = "duplicate"
    name = gettext_noop("Duplicate")
    description = gettext_noop("Another pair of the task has the same texts, but for capitals, blanks and punctuation.")
    sentence = gettext_noop("Pair %(other)s has the same texts.")
    version = 1

    def links(self, pairs: Sequence[PairTexts]) -> Iterator[Link]:
        for group in _groups(pairs, lambda pair: f"{_plain(pair.question)}\n{_plain(pair.response)}"):
            yield from (Link(self.id, one, other, 1.0) for one, other in _couples(group))


class NearDuplicate(CorpusCheck):
    """Nearly the same question and response: the Jaccard similarity of their words and word pairs is high."""

    id = "near_duplicate"
    name = gettext_noop("Near duplicate")
    description = gettext_noop("Another pair of the task has nearly the same texts.")
    sentence = gettext_noop("Pair %(other)s has nearly the same texts (%(share)s alike).")
    version = 1
    defaults = {"similarity": 0.7}  # of the sets of words and word pairs

    def links(self, pairs: Sequence[PairTexts]) -> Iterator[Link]:
        whole = [f"{pair.question}\n{pair.response}" for pair in pairs]
        first: dict[str, int] = {}
        for index, text in enumerate(whole):
            first.setdefault(_plain(text), index)  # duplicates have a check of their own
        places = list(first.values())
        threshold = self.parameters["similarity"]
        for one, other in near_duplicates([whole[place] for place in places], threshold=threshold):
            similarity = _alike(whole[places[one]], whole[places[other]])
            yield Link(self.id, *sorted((places[one], places[other])), round(similarity, 3))


class Conflict(CorpusCheck):
    """One question, two answers that do not agree: other numbers, yes against no, or hardly a word in common."""

    id = "conflict"
    name = gettext_noop("Conflicting answers")
    description = gettext_noop("Another pair of the task answers the same question differently.")
    sentence = gettext_noop("Pair %(other)s answers the same question differently.")
    version = 1
    defaults = {"alike": 0.4}  # answers with at least this Jaccard similarity of their words agree, numbers aside

    def links(self, pairs: Sequence[PairTexts]) -> Iterator[Link]:
        for group in _groups(pairs, lambda pair: _plain(pair.question)):
            for one, other in _couples(group):
                first, second = pairs[one].response, pairs[other].response
                if _plain(first) != _plain(second) and self._disagree(first, second):
                    yield Link(self.id, one, other, round(_alike(first, second), 3))

    def _disagree(self, one: str, other: str) -> bool:
        numbers, others = set(re.findall(r"\d+", one)), set(re.findall(r"\d+", other))
        if numbers and others and not numbers & others:
            return True
        first, second = words(one), words(other)
        if {first[0], second[0]} in _OPPOSITES if first and second else False:
            return True
        either = set(first) | set(second)
        return bool(either) and len(set(first) & set(second)) < self.parameters["alike"] * len(either)


_OPPOSITES = ({"yes", "no"}, {"ja", "nej"}, {"ja", "nein"}, {"oui", "non"}, {"true", "false"})


def _plain(text: str) -> str:
    """The words of a text; of one without any, the text itself."""
    return " ".join(words(text)) or text.strip()


def _alike(one: str, other: str) -> float:
    first, second = words(one), words(other)
    sets = [{*found, *pairwise(found)} for found in (first, second)]
    either = sets[0] | sets[1]
    return len(sets[0] & sets[1]) / len(either) if either else 1.0


def _groups(pairs: Sequence[PairTexts], key: Callable[[PairTexts], str]) -> Iterator[list[int]]:
    """Places of pairs with the same key, where there are several."""
    found: Mapping[str, list[int]] = defaultdict(list)
    for index, pair in enumerate(pairs):
        if text := key(pair).strip():
            found[text_sha256(text)].append(index)
    return (group for group in found.values() if len(group) > 1)


def _couples(group: Sequence[int]) -> Iterator[tuple[int, int]]:
    """All couples of a group; of a large one each with its next few, so that every member has a link."""
    for position, one in enumerate(group):
        reach = len(group) if len(group) <= _MOST_IN_GROUP else position + 4
        yield from ((one, other) for other in islice(group, position + 1, reach))
