"""Texts longer than the model can learn, or than answers of this kind are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ml.checks.base import Check, CheckContext, Finding
from ml.phrases import gettext_noop
from ml.words import count_words, word_spans

_OVER_LIMIT = gettext_noop("%(tokens)s tokens; the limit is %(limit)s, so %(over)s must go.")
_OVER_REFERENCE = gettext_noop("%(words)s words; the expected answer has %(reference)s.")
_OVER_USUAL = gettext_noop(
    "%(words)s words; 19 of 20 accepted texts of this task have at most %(high)s (half of them %(median)s)."
)


class TooLong(Check):
    """Over the token limit (an error: such a pair is left out of training), or out of the ordinary (a warning)."""

    id = "too_long"
    name = gettext_noop("Too long")
    description = gettext_noop(
        "More tokens than the limit, or far more words than the accepted answers or the expected answer have."
    )
    version = 1
    defaults = {
        "typical_factor": 1.5,  # times the 95 % quantile of the accepted texts
        "typical_texts": 20,  # fewer accepted texts say nothing about what is typical
        "reference_factor": 3,  # times the words of the expected answer ...
        "reference_words": 30,  # ... and at least so many words more: "Paris." may be answered by a sentence
    }

    def find(self, text: str, context: CheckContext) -> list[Finding]:
        over_limit = self._over_limit(text, context)
        return [over_limit] if over_limit else self._over_expectation(text, context)

    def depends_on(self, context: CheckContext) -> Mapping[str, Any]:
        lengths = context.typical_lengths
        return {
            "tokens": [context.token_count, context.max_tokens],
            "typical": [lengths.median, lengths.high, lengths.count] if lengths else None,
            "reference": count_words(context.reference),
        }

    def _over_limit(self, text: str, context: CheckContext) -> Finding | None:
        tokens, limit = context.token_count, context.max_tokens
        if tokens is None or limit is None or tokens <= limit:
            return None
        values = {"tokens": f"{tokens:,}", "limit": f"{limit:,}", "over": f"{tokens - limit:,}"}
        return self.finding(0, len(text), _OVER_LIMIT, values, severity="error")

    def _over_expectation(self, text: str, context: CheckContext) -> list[Finding]:
        expected = self._most_words(context)
        if expected is None or len(text) <= expected:  # a word has at least one character
            return []
        spans = [(start, end) for _, start, end in word_spans(text)]
        if len(spans) <= expected:
            return []
        values = {"words": f"{len(spans):,}"}
        lengths = context.typical_lengths
        if context.reference.strip():
            template, more = _OVER_REFERENCE, {"reference": f"{count_words(context.reference):,}"}
        else:
            assert lengths is not None  # else nothing would be expected
            template, more = _OVER_USUAL, {"high": f"{lengths.high:,}", "median": f"{lengths.median:,}"}
        return [self.finding(spans[expected][0], spans[-1][1], template, {**values, **more})]

    def _most_words(self, context: CheckContext) -> int | None:
        """How many words still are ordinary; None if nothing is known."""
        if context.reference.strip():
            words = count_words(context.reference)
            return int(max(words * self.parameters["reference_factor"], words + self.parameters["reference_words"]))
        lengths = context.typical_lengths
        if lengths and lengths.count >= self.parameters["typical_texts"]:
            return int(lengths.high * self.parameters["typical_factor"])
        return None
