"""Answers that say the question again instead of answering it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ml.checks.base import Check, CheckContext, Finding
from ml.hashing import text_sha256
from ml.phrases import gettext_noop
from ml.words import word_spans, words

_ALL = gettext_noop("The response is the instruction again.")
_PART = gettext_noop("The whole instruction (%(words)s words) stands in the response.")

_JOINT = re.compile(r"(?<=\w)[-‐‑](?=\w)")
_BEHIND = re.compile(r"[?!.:;,…\"”’'»)\]]*\s*")


class CopiesInstruction(Check):
    """The instruction, word for word and whole, inside the response; or the response is most of the instruction."""

    id = "copies_instruction"
    name = gettext_noop("Copies the instruction")
    description = gettext_noop("The response repeats the whole instruction word for word.")
    version = 3
    fields = ("response",)
    defaults = {
        "words": 7,  # a shorter instruction may well occur in its answer
        "share": 0.8,  # of the instruction: a response that is nothing but so much of it is a copy
    }

    def find(self, text: str, context: CheckContext) -> list[Finding]:
        asked = words(context.instruction)
        joined = len(_JOINT.findall(context.instruction))  # IT-tjänster and RUT-avdrag are one word each
        if len(asked) - joined < self.parameters["words"]:
            return []
        said = words(text)
        if len(said) >= len(asked):
            place = _place(asked, said)
            if place is None:
                return []
            spans = list(word_spans(text))
            instead: tuple[str, ...] = ()
            start, end = spans[place][1], spans[place + len(asked) - 1][2]
            if len(said) == len(asked):
                return [self.finding(start, end, _ALL, severity="error")]
            if place == 0:  # an echo before the answer: without it the answer stands alone
                after = _BEHIND.match(text, end)
                start, end, instead = 0, after.end() if after else end, ("",)
            return [self.finding(start, end, _PART, {"words": str(len(asked))}, suggestions=instead)]
        if len(said) >= self.parameters["share"] * len(asked) and _place(said, asked) is not None:
            spans = list(word_spans(text))
            return [self.finding(spans[0][1], spans[-1][2], _ALL, severity="error")]
        return []

    def depends_on(self, context: CheckContext) -> Mapping[str, Any]:
        return {"instruction": text_sha256(context.instruction)}


def _place(few: list[str], many: list[str]) -> int | None:
    """Where the words of `few` stand in a row in `many`."""
    last = len(many) - len(few)
    start = -1
    while start < last:
        try:
            start = many.index(few[0], start + 1, last + 1)
        except ValueError:
            return None
        if many[start : start + len(few)] == few:
            return start
    return None
