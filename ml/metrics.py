"""Scores of an output against the expected answer: one number for each item, so that differences can be paired.

Each metric is a pure function of two texts. Blank outputs are scored, never skipped. docs/howto/add-a-metric.md.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cache
from typing import Any

from ml.phrases import gettext_noop
from ml.words import count_words, words


@dataclass(frozen=True, slots=True)
class Metric:
    """What a metric is called, which way is better (None: neither), its least and greatest value, and itself.

    `function(output, reference)` returns one finite float; a greatest value of None means no bound.
    `needs_reference` is False for what looks at the output only.
    """

    id: str
    name: str
    description: str
    higher_is_better: bool | None
    range: tuple[float, float | None]
    function: Callable[[str, str], float]
    needs_reference: bool = True


def rouge_l(output: str, reference: str) -> float:
    """ROUGE-L: F1 of the longest common subsequence of words (Lin 2004), from rouge-score.

    Words of every script count: rouge-score's own tokenizer drops all letters but a to z. For ASCII the two agree.
    """
    scored = _rouge().score(reference, output)
    return float(scored["rougeL"].fmeasure)


def chrf(output: str, reference: str) -> float:
    """chrF2 of character 1- to 6-grams, 0 to 100 (Popović 2015), as sacrebleu computes it for one sentence."""
    return float(_chrf().sentence_score(output, [reference]).score)


def token_f1(output: str, reference: str) -> float:
    """F1 of the words in common, as in SQuAD (Rajpurkar et al. 2016), after `normalise_answer`.

    1 if both are blank, 0 if one is. Scripts without blanks are compared character by character.
    """
    found, expected = _answer_words(output), _answer_words(reference)
    if not found or not expected:
        return float(found == expected)
    common = (Counter(found) & Counter(expected)).total()
    return 2 * common / (len(found) + len(expected))


def exact_match(output: str, reference: str) -> float:
    """1 if both are the same after `normalise_answer`, else 0."""
    return float(_comparable(output) == _comparable(reference))


def length_words(output: str, reference: str = "") -> float:
    """How many words the output has."""
    return float(count_words(output))


def length_characters(output: str, reference: str = "") -> float:
    """How many characters the output has, blanks at its ends left out."""
    return float(len(output.strip()))


def normalise_answer(text: str) -> str:
    """SQuAD's normal form: lower case, no punctuation, no English articles, single blanks.

    Beyond ASCII, where SQuAD leaves everything, letters are composed and punctuation goes too.
    """
    lower = unicodedata.normalize("NFC", text).lower()
    bare = lower.translate(_ASCII_PUNCTUATION)
    if not bare.isascii():
        bare = "".join(char for char in bare if char.isascii() or unicodedata.category(char)[0] != "P")
    return " ".join(_ARTICLES.sub(" ", bare).split())


_ALL = (
    Metric(
        id="rouge_l",
        name=gettext_noop("ROUGE-L"),
        description=gettext_noop(
            "How much of the expected answer comes in the same order, word by word: 0 nothing, 1 all of it."
        ),
        higher_is_better=True,
        range=(0.0, 1.0),
        function=rouge_l,
    ),
    Metric(
        id="chrf",
        name=gettext_noop("chrF"),
        description=gettext_noop(
            "Sequences of letters shared with the expected answer, from 0 to 100; forgives inflections."
        ),
        higher_is_better=True,
        range=(0.0, 100.0),
        function=chrf,
    ),
    Metric(
        id="token_f1",
        name=gettext_noop("Token F1"),
        description=gettext_noop("Words shared with the expected answer, in any order: 0 none, 1 all and no other."),
        higher_is_better=True,
        range=(0.0, 1.0),
        function=token_f1,
    ),
    Metric(
        id="exact_match",
        name=gettext_noop("Exact match"),
        description=gettext_noop("The expected answer but for case, punctuation and articles."),
        higher_is_better=True,
        range=(0.0, 1.0),
        function=exact_match,
    ),
    Metric(
        id="length_words",
        name=gettext_noop("Length in words"),
        description=gettext_noop("Words of the output."),
        higher_is_better=None,
        range=(0.0, None),
        function=length_words,
        needs_reference=False,
    ),
    Metric(
        id="length_characters",
        name=gettext_noop("Length in characters"),
        description=gettext_noop("Characters of the output."),
        higher_is_better=None,
        range=(0.0, None),
        function=length_characters,
        needs_reference=False,
    ),
)
METRICS: dict[str, Metric] = {metric.id: metric for metric in _ALL}


def score(output: str, reference: str, only: Collection[str] | None = None) -> dict[str, float]:
    """Every metric of one output by its id, or those in `only`. Raises KeyError for an id that is none."""
    ids = METRICS if only is None else only
    return {metric_id: METRICS[metric_id].function(output, reference) for metric_id in ids}


_ASCII_PUNCTUATION = str.maketrans("", "", string.punctuation)
_ARTICLES = re.compile(r"\b(a|an|the)\b")


def _comparable(text: str) -> str:
    """The normal form; where nothing is left of a text ("A", "!"), the text itself: option A is no blank answer."""
    return normalise_answer(text) or " ".join(text.lower().split())


def _answer_words(text: str) -> list[str]:
    return [part for word in _comparable(text).split() for part in words(word) or [word]]


class _AnyScript:
    def tokenize(self, text: str) -> list[str]:
        return words(text)


@cache
def _rouge() -> Any:
    # Loaded when first needed: a web page that only lists the metrics does without 20 MB.
    from rouge_score.rouge_scorer import RougeScorer

    return RougeScorer(["rougeL"], use_stemmer=False, tokenizer=_AnyScript())


@cache
def _chrf() -> Any:
    from sacrebleu.metrics.chrf import CHRF

    return CHRF()
