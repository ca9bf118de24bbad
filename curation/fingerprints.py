"""A pair's texts as one value: read from forms and rows, told unfit, named by their fingerprint."""

from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from curation.models import Revision
from ml.hashing import canonical_json, text_sha256

TEXT_FIELDS = ("instruction", "input", "response")
LONGEST = 200_000  # characters of one field: far beyond what a small model can read
MOST_PASTED = 4 * LONGEST


@dataclass(frozen=True)
class Texts:
    """Everything a person writes of a pair. `turns` are earlier turns, {"role", "content"} each."""

    instruction: str
    response: str
    input: str = ""
    system: str = ""
    turns: list[dict[str, str]] = field(default_factory=list)
    language: str = "en"
    topic: str = ""

    @property
    def fingerprint(self) -> str:
        return texts_fingerprint(self.seen_by_model())

    def seen_by_model(self) -> dict[str, Any]:
        return {
            "system": self.system,
            "instruction": self.instruction,
            "input": self.input,
            "response": self.response,
            "turns": self.turns,
        }

    def to_json(self) -> dict[str, Any]:
        return {**self.seen_by_model(), "language": self.language, "topic": self.topic}


def texts_fingerprint(texts: dict[str, Any]) -> str:
    """SHA-256 of the five things a model sees: system, instruction, input, response and earlier turns."""
    return text_sha256(canonical_json(texts))


@dataclass(frozen=True)
class Traces:
    """How a text came about, beside what it says: characters that were pasted, places that an output is read off."""

    pasted: int = 0
    evidence: list[dict[str, Any]] | None = None


NO_TRACES = Traces()


def text_problem(text: str) -> str:
    """Why a text cannot be stored, as a sentence, or ""."""
    if len(text) > LONGEST:
        return _("This text has %(count)d characters; at most %(most)d fit.") % {"count": len(text), "most": LONGEST}
    if "\x00" in text:
        return _("This text contains a NUL character, which no text can hold; remove it.")
    if not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text):
        return _("This text contains half of a character (a lone surrogate); write the character again.")
    return ""


def texts_from(fields: dict[str, Any], before: Texts | None = None) -> Texts:
    """Texts from a form's or an API body's fields; what is not given stays as it was. Line ends become \\n."""
    kept = before.to_json() if before else {}
    given = {
        name: value.replace("\r\n", "\n") if isinstance(value, str) else value
        for name, value in fields.items()
        if name in ("system", *TEXT_FIELDS, "turns", "language", "topic")
    }
    return Texts(**{**kept, **given})


def texts_of(revision: Revision) -> Texts:
    return Texts(
        instruction=revision.instruction,
        response=revision.response,
        input=revision.input,
        system=revision.system,
        turns=revision.turns,
        language=revision.language,
        topic=revision.topic,
    )
