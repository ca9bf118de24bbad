"""Swear words. Off unless a project switches it on: a text about language, law or medicine may need them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from ml.checks.base import Check, CheckContext, Finding, base_language
from ml.phrases import gettext_noop
from ml.words import word_spans

_SWORN = gettext_noop("A swear word.")


class Profanity(Check):
    """Swear words of the text's language, as whole words."""

    id = "profanity"
    name = gettext_noop("Profanity")
    description = gettext_noop("Swear words, whole ones only. Off by default.")
    version = 1
    on_by_default = False
    defaults = {"findings": 20}  # at most, in one text

    def find(self, text: str, context: CheckContext) -> list[Finding]:
        listed = _words(base_language(context.language)) - frozenset(map(str.casefold, context.glossary))
        found = [self.finding(start, end, _SWORN) for word, start, end in word_spans(text) if word in listed]
        return found[: int(self.parameters["findings"])]

    def depends_on(self, context: CheckContext) -> Mapping[str, Any]:
        return {"language": base_language(context.language), "glossary": sorted(context.glossary)}


@lru_cache(maxsize=1)
def _lists() -> dict[str, frozenset[str]]:
    lines = Path(__file__).with_name("profanity_words.txt").read_text(encoding="utf-8").splitlines()
    return {line.split()[0]: frozenset(line.split()[1:]) for line in lines}


def _words(language: str) -> frozenset[str]:
    """Those of the language; an English oath is one in every language."""
    return _lists().get(language, frozenset()) | _lists()["en"]
