"""What a pair's texts are called: the fingerprint of a revision, and the texts as the model sees them."""

from dataclasses import dataclass, field
from typing import Any

from ml.hashing import canonical_json, text_sha256

TEXT_FIELDS = ("instruction", "input", "response")


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
