"""Which language a text is in, from its commonest small words or its script: enough to see that it is the wrong one.

A tenth to a half of the words of any prose are the same few dozen small words, and no two of the languages here share
most of them. Scripts that belong to few languages speak for themselves. When in doubt, nothing is said.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from ml.checks.base import Check, CheckContext, Finding, base_language
from ml.checks.passages import mask_technical
from ml.phrases import gettext_noop
from ml.words import words

NAMES = {
    "ar": gettext_noop("Arabic"), "da": gettext_noop("Danish"), "de": gettext_noop("German"),
    "el": gettext_noop("Greek"), "en": gettext_noop("English"), "es": gettext_noop("Spanish"),
    "fa": gettext_noop("Persian"), "fi": gettext_noop("Finnish"), "fr": gettext_noop("French"),
    "he": gettext_noop("Hebrew"), "it": gettext_noop("Italian"), "ja": gettext_noop("Japanese"),
    "ko": gettext_noop("Korean"), "lv": gettext_noop("Latvian"), "nl": gettext_noop("Dutch"),
    "no": gettext_noop("Norwegian"), "pl": gettext_noop("Polish"), "pt": gettext_noop("Portuguese"),
    "ru": gettext_noop("Russian"), "sv": gettext_noop("Swedish"), "th": gettext_noop("Thai"),
    "zh": gettext_noop("Chinese"),
}  # fmt: skip
# script -> the languages that may be written in it; the first names it.
_SCRIPTS = (
    (re.compile("[\u0400-\u04ff]"), ("ru", "uk", "bg", "sr", "be", "mk", "kk", "mn", "ky", "tg")),
    (re.compile("[\u0370-\u03ff]"), ("el",)),
    (re.compile("[\u0600-\u06ff]"), ("ar", "fa", "ur", "ps", "ckb")),
    (re.compile("[\u0590-\u05ff]"), ("he", "yi")),
    (re.compile("[\u3040-\u30ff]"), ("ja",)),
    (re.compile("[\uac00-\ud7af]"), ("ko",)),
    (re.compile("[\u0e00-\u0e7f]"), ("th",)),
    (re.compile("[\u4e00-\u9fff]"), ("zh", "ja", "yue")),
)
_LETTER = re.compile(r"[^\W\d_]")
_SAME = {"nb": "no", "nn": "no"}
_CLOSE = (frozenset({"da", "no"}),)  # not told apart by small words alone

_OTHER = gettext_noop("This text looks like %(found)s; its language is said to be %(wanted)s.")
_NOT_THE_TASKS = gettext_noop("The task's language is %(wanted)s; this text is marked as %(found)s.")


class Language(Check):
    """A text that is in another language than it is marked with, or that is marked with another than the task's."""

    id = "language"
    name = gettext_noop("Another language")
    description = gettext_noop("A text in another language than the one it is marked with, or than the task's.")
    version = 1
    defaults = {
        "words": 8,  # at least, of prose, to judge by small words
        "different": 3,  # small words of the other language, at least, and ...
        "hits": 4,  # ... occurrences of them, at least ...
        "share": 0.2,  # ... and of all words at least this share ...
        "lead": 2.5,  # ... and so many times as many as of the expected language
        "script_share": 0.5,  # of the letters are in a script that the expected language does not use
        "characters": 5_000,  # read at most, from the beginning
    }

    def find(self, text: str, context: CheckContext) -> list[Finding]:
        wanted = _code(context.language)
        found = self.detect(text, wanted)
        if found and found != wanted:
            values = {"found": language_name(found), "wanted": language_name(wanted)}
            return [self.finding(0, len(text), _OTHER, values)]
        task = _code(context.task_language) if context.task_language else wanted
        if task != wanted:
            values = {"found": language_name(wanted), "wanted": language_name(task)}
            return [self.finding(0, len(text), _NOT_THE_TASKS, values, severity="info")]
        return []

    def detect(self, text: str, wanted: str) -> str | None:
        """Another language than `wanted` that the text is surely in, else None."""
        text = text[: int(self.parameters["characters"])]
        if script := self._script(text, wanted):
            return script
        prose = words(mask_technical(text))
        if len(prose) < self.parameters["words"]:
            return None
        times = Counter(prose)
        hits: Counter[str] = Counter()
        for word, count in times.items():
            for language in small_words().get(word, ()):
                hits[language] += count
        if not hits:
            return None
        best = max(hits, key=lambda language: (hits[language], language == wanted))
        if hits[best] < max(self.parameters["hits"], self.parameters["share"] * len(prose)):
            return None
        # What both languages have (“to” in English and Polish) speaks for neither.
        owners = {word: small_words().get(word, ()) for word in times}
        own = {word: times[word] for word, languages in owners.items() if best in languages and wanted not in languages}
        theirs = sum(times[word] for word, found in owners.items() if wanted in found and best not in found)
        close = any({best, wanted} <= pair for pair in _CLOSE)
        enough = len(own) >= self.parameters["different"] and sum(own.values()) >= self.parameters["lead"] * theirs
        return best if enough and not close else None

    def _script(self, text: str, wanted: str) -> str | None:
        if text.isascii():
            return None
        letters = len(_LETTER.findall(text))
        for script, languages in _SCRIPTS:
            if wanted not in languages:
                found = len(script.findall(text))
                if found >= self.parameters["words"] and found > letters * self.parameters["script_share"]:
                    return languages[0]
        return None

    def depends_on(self, context: CheckContext) -> Mapping[str, Any]:
        return {"language": base_language(context.language), "task": base_language(context.task_language)}


def language_name(code: str) -> str:
    """The English name of a language, or its code."""
    code = _code(code)
    return NAMES.get(code, code)


def _code(language: str) -> str:
    code = base_language(language)
    return _SAME.get(code, code)


@lru_cache(maxsize=1)
def small_words() -> dict[str, tuple[str, ...]]:
    """Each of the commonest small words -> the languages that have it."""
    found: dict[str, list[str]] = {}
    for line in Path(__file__).with_name("function_words.txt").read_text(encoding="utf-8").splitlines():
        code, *small = line.split()
        for word in small:
            found.setdefault(word, []).append(code)
    return {word: tuple(dict.fromkeys(codes)) for word, codes in found.items()}
