"""Texts that are empty, or far shorter than texts of this kind are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ml.checks.base import Check, CheckContext, Finding
from ml.phrases import gettext_noop
from ml.words import count_words

_EMPTY = gettext_noop("This text is empty.")
_ONLY_SIGNS = gettext_noop("This text has no letter and no digit.")
_UNDER_USUAL = gettext_noop("19 of 20 accepted texts of this task have at least %(low)s words; this has %(words)s.")
_UNDER_REFERENCE = gettext_noop("The expected answer has %(reference)s words; this has %(words)s.")


class TooShort(Check):
    """Nothing at all, no letter or digit, or a small part of what is usual."""

    id = "too_short"
    name = gettext_noop("Too short or empty")
    description = gettext_noop("No words at all, or far fewer than the accepted answers or the expected answer have.")
    version = 3
    sees_blank = True
    defaults = {
        "typical_share": 0.5,  # of the 5 % quantile of the accepted texts
        "typical_texts": 20,  # fewer accepted texts say nothing about what is typical
        "reference_share": 0.2,  # of the words of the expected answer ...
        "reference_words": 10,  # ... if at least so many are missing
    }

    def find(self, text: str, context: CheckContext) -> list[Finding]:
        words = count_words(text)
        if not words:
            if any(not letter.isspace() and not letter.isascii() for letter in text):
                return []  # an emoji is an answer, and has no words to count
            return [self.finding(0, len(text), _ONLY_SIGNS if text.strip() else _EMPTY, severity="error")]
        if context.field != "response":
            return []
        if context.reference.strip():
            expected = count_words(context.reference)
            least, missing = expected * self.parameters["reference_share"], expected - words
            if words < least and missing >= self.parameters["reference_words"]:
                values = {"words": f"{words:,}", "reference": f"{expected:,}"}
                return [self.finding(0, len(text), _UNDER_REFERENCE, values)]
            return []
        lengths = context.typical_lengths
        enough = lengths is not None and lengths.count >= self.parameters["typical_texts"]
        if lengths is not None and enough and words < lengths.low * self.parameters["typical_share"]:
            values = {"words": f"{words:,}", "low": f"{lengths.low:,}"}
            return [self.finding(0, len(text), _UNDER_USUAL, values)]
        return []

    def depends_on(self, context: CheckContext) -> Mapping[str, Any]:
        lengths = context.typical_lengths
        return {
            "field": context.field,
            "typical": [lengths.low, lengths.count] if lengths else None,
            "reference": count_words(context.reference),
        }
