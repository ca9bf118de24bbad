"""What a text check is: one class with an id, a version and a pure `find`.

A finding belongs to (text fingerprint, check id, check version, parameters key): computed once, shared by an expert's
pair and a model's output that say the same, and out of date when any of the four changes. A false positive is dismissed
by a person, never deleted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from ml.checks.project_words import ProjectWords
from ml.hashing import json_sha256, text_sha256
from ml.phrases import Phrase, filled
from ml.words import count_words

Severity = Literal["info", "warning", "error"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a check found: characters `start` to `end` (exclusive) of the text, and a sentence about it.

    The sentence is a template with its values, so that a page can show it in the reader's language (ml/phrases.py).
    """

    check: str
    version: int
    start: int
    end: int
    severity: Severity
    template: str
    values: Mapping[str, str] = field(default_factory=dict)
    suggestions: tuple[str, ...] = ()

    @property
    def message(self) -> str:
        """The sentence in English."""
        return filled(self.template, self.values)


@dataclass(frozen=True, slots=True)
class TypicalLengths:
    """How long the accepted texts of a task are, in words: the median, the 95 % and 5 % quantiles; and their number."""

    median: int
    high: int
    count: int
    low: int = 0

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
        low, high = (ordered[-(-share * len(ordered) // 100) - 1] for share in (5, 95))
        return cls(ordered[last // 2], high, len(ordered), low)


@dataclass(frozen=True, slots=True)
class CheckContext:
    """What surrounds a text: everything besides the text that a finding may depend on.

    `language` is a language code ("en", "sv", "pt-BR"). `glossary` holds words that the project accepts, in any case.
    `prompt` is what the text answers; its words are accepted too. `instruction` is the part of it that says what to do.
    `source` is the text that an extraction takes its answer from, "" where the answer may say more. `task_language` is
    the language that the task asks for. `token_count` of `max_tokens` are counted by the caller with the task's own
    tokenizer, over whatever the limit is about. `reference` is the expected answer of a test item. `project_words`
    are the words of the project's approved texts in that language.
    """

    language: str = "en"
    field: str = "response"
    prompt: str = ""
    instruction: str = ""
    source: str = ""
    reference: str = ""
    task_language: str = ""
    project_words: ProjectWords | None = None
    glossary: frozenset[str] = frozenset()
    max_tokens: int | None = None
    token_count: int | None = None
    typical_lengths: TypicalLengths | None = None


class AnyCheck:
    """What text checks and corpus checks have in common: `id` is also the anchor in docs/checks.md, the filter word and
    the name under which findings are dismissed."""

    id: ClassVar[str]
    name: ClassVar[str]
    description: ClassVar[str]
    version: ClassVar[int]
    defaults: ClassVar[Mapping[str, float]] = {}
    on_by_default: ClassVar[bool] = True

    def __init__(self, **parameters: float) -> None:
        unknown = sorted(set(parameters) - set(self.defaults))
        if unknown:
            known = ", ".join(self.defaults) or "none"
            raise ValueError(f"The check {self.id} has no parameter {unknown[0]!r}; it has: {known}.")
        self.parameters: dict[str, float] = {**self.defaults, **parameters}


class Check(AnyCheck):
    """Base of all text checks. Subclasses set the class attributes and implement `find`; see docs/howto/add-a-check.md.

    `version` rises when the same text may get other findings. `defaults` are the parameters with their usual values.
    `fields` are the parts of a pair that it looks at. `sees_blank`: it has something to say of an empty text.
    """

    fields: ClassVar[tuple[str, ...]] = ("instruction", "response")
    sees_blank: ClassVar[bool] = False

    def find(self, text: str, context: CheckContext) -> list[Finding]:
        """The findings in `text`, in order. Pure: same text and context, same findings; nothing stored or fetched."""
        raise NotImplementedError

    def depends_on(self, context: CheckContext) -> Mapping[str, Any]:
        """The JSON values of the context that `find` looks at: stored findings hold only while these are the same."""
        return {}

    def parameters_key(self, context: CheckContext) -> str:
        """SHA-256 of the parameters and of what the findings depend on besides the text."""
        return json_sha256({"parameters": self.parameters, **self.depends_on(context)})

    def unavailable_reason(self, language: str) -> Phrase | None:
        """A sentence if this check can say nothing about texts of that language, else None."""
        return None

    def finding(
        self,
        start: int,
        end: int,
        template: str,
        values: Mapping[str, str] | None = None,
        *,
        severity: Severity = "warning",
        suggestions: tuple[str, ...] = (),
    ) -> Finding:
        """A finding of this check. The template is marked with `gettext_noop`, its values are named as in it."""
        return Finding(self.id, self.version, start, end, severity, template, values or {}, suggestions)


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
