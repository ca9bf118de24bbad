"""What a text check is: one class with an id, a version and a pure `find`.

A finding belongs to (text fingerprint, check id, check version, parameters key): computed once, shared by an expert's
pair and a model's output that say the same, and out of date when any of the four changes. A false positive is dismissed
by a person, never deleted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from ml.hashing import json_sha256, text_sha256
from ml.words import count_words

Severity = Literal["info", "warning", "error"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a check found: characters `start` to `end` (exclusive) of the text, and a sentence about it."""

    check: str
    version: int
    start: int
    end: int
    severity: Severity
    message: str
    suggestions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TypicalLengths:
    """How long the accepted texts of a task are: the median and the 95 % quantile in words, and the number of texts."""

    median: int
    high: int
    count: int

    @classmethod
    def of(cls, texts: Sequence[str]) -> TypicalLengths | None:
        """From the texts themselves; None if there are none."""
        return cls.of_counts([count_words(text) for text in texts])

    @classmethod
    def of_counts(cls, counts: Sequence[int]) -> TypicalLengths | None:
        """From word counts; quantiles are counts that occur (the smallest with at least that share at or below it)."""
        if not counts:
            return None
        ordered = sorted(counts)
        last = len(ordered) - 1
        return cls(ordered[last // 2], ordered[-(-95 * len(ordered) // 100) - 1], len(ordered))


@dataclass(frozen=True, slots=True)
class CheckContext:
    """What surrounds a text: everything besides the text that a finding may depend on.

    `language` is a language code ("en", "sv", "pt-BR"). `glossary` holds words that the project accepts, in any case.
    `prompt` is what the text answers; its words are accepted too. `token_count` of `max_tokens` are counted by the
    caller with the task's own tokenizer, over whatever the limit is about. `reference` is the expected answer of a
    test item.
    """

    language: str = "en"
    field: str = "response"
    prompt: str = ""
    reference: str = ""
    glossary: frozenset[str] = frozenset()
    max_tokens: int | None = None
    token_count: int | None = None
    typical_lengths: TypicalLengths | None = None


class Check:
    """Base of all checks. Subclasses set the class attributes and implement `find`; see docs/howto/add-a-check.md.

    `id` is also the anchor in docs/checks.md, the filter word and the name under which findings are dismissed.
    `version` rises when the same text may get other findings. `defaults` are the parameters with their usual values.
    """

    id: ClassVar[str]
    name: ClassVar[str]
    description: ClassVar[str]
    version: ClassVar[int]
    defaults: ClassVar[Mapping[str, float]]

    def __init__(self, **parameters: float) -> None:
        unknown = sorted(set(parameters) - set(self.defaults))
        if unknown:
            known = ", ".join(self.defaults) or "none"
            raise ValueError(f"The check {self.id} has no parameter {unknown[0]!r}; it has: {known}.")
        self.parameters: dict[str, float] = {**self.defaults, **parameters}

    def find(self, text: str, context: CheckContext) -> list[Finding]:
        """The findings in `text`, in order. Pure: same text and context, same findings; nothing stored or fetched."""
        raise NotImplementedError

    def depends_on(self, context: CheckContext) -> Mapping[str, Any]:
        """The JSON values of the context that `find` looks at: stored findings hold only while these are the same."""
        return {}

    def parameters_key(self, context: CheckContext) -> str:
        """SHA-256 of the parameters and of what the findings depend on besides the text."""
        return json_sha256({"parameters": self.parameters, **self.depends_on(context)})

    def unavailable_reason(self, language: str) -> str | None:
        """A sentence if this check can say nothing about texts of that language, else None."""
        return None

    def finding(
        self, start: int, end: int, message: str, *, severity: Severity = "warning", suggestions: tuple[str, ...] = ()
    ) -> Finding:
        """A finding of this check."""
        return Finding(self.id, self.version, start, end, severity, message, suggestions)


def text_fingerprint(text: str) -> str:
    """The key of a text in the store of findings: SHA-256 of the exact text."""
    return text_sha256(text)


def base_language(code: str) -> str:
    """The language of a code without its region or script: "pt" for "pt-BR"."""
    return code.replace("_", "-").split("-")[0].casefold()


def quote(text: str, most: int = 60) -> str:
    """A passage as a message shows it: on one line, in quotation marks, at most `most` characters."""
    flat = " ".join(text[: 4 * most].split())
    return f"“{flat}”" if len(flat) <= most else f"“{flat[: most - 1].rstrip()}…”"
