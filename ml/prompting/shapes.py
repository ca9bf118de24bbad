"""The shapes that travel between the application and the models: a pair as an example, and a prompt template."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from ml.hashing import json_sha256

PARTS = ("train", "develop", "test")
ROLES = ("user", "assistant")


class TemplateError(ValueError):
    """A prompt template or an example is malformed; the message is a sentence for the person who wrote it."""

    code = "template"


@dataclass(frozen=True, slots=True)
class Turn:
    """One earlier turn of a conversation."""

    role: Literal["user", "assistant"]
    content: str

    def to_json(self) -> dict[str, str]:
        return {"role": self.role, "content": self.content}


@dataclass(frozen=True, slots=True)
class Example:
    """One pair as the models see it: a line of `pairs.jsonl` or `items.jsonl`."""

    id: str
    instruction: str
    input: str = ""
    response: str = ""
    system: str = ""
    part: str = "train"
    turns: tuple[Turn, ...] = ()
    language: str = "en"

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Example:
        """Read one JSON object. Unknown keys are ignored; a missing or mistyped one raises TemplateError."""
        if not isinstance(value, dict):
            raise TemplateError("An example must be a JSON object.")
        texts = {key: _text(value, key, default) for key, default in _DEFAULTS.items()}
        if texts["part"] not in PARTS:
            raise TemplateError(f"The part of example {texts['id']} must be one of {', '.join(PARTS)}.")
        turns = tuple(_turn(turn, texts["id"]) for turn in value.get("turns") or ())
        return cls(turns=turns, **texts)

    def to_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "part": self.part,
            "system": self.system,
            "instruction": self.instruction,
            "input": self.input,
            "response": self.response,
            "turns": [turn.to_json() for turn in self.turns],
            "language": self.language,
        }


_DEFAULTS: dict[str, str | None] = {
    "id": None,
    "instruction": None,
    "input": "",
    "response": "",
    "system": "",
    "part": "train",
    "language": "en",
}


def _text(value: dict[str, Any], key: str, default: str | None) -> str:
    found = value.get(key, default)
    if not isinstance(found, str):
        raise TemplateError(f"The field {key} of an example must be a text, but it is {type(found).__name__}.")
    return found


def _turn(value: Any, example: str) -> Turn:
    if not isinstance(value, dict) or value.get("role") not in ROLES or not isinstance(value.get("content"), str):
        raise TemplateError(f"Each turn of example {example} needs a role (user or assistant) and a content text.")
    return Turn(role=value["role"], content=value["content"])


@dataclass(frozen=True, slots=True)
class Template:
    """How an example becomes a prompt.

    kind `chat`: `prompt`, filled in, is the user's message, and the model's own chat template does the rest.
    kind `text`: system, filled prompt and `before_response` make up the prompt; the model answers with the response
    followed by `after_response` and its end-of-text token.
    `{{system}}`, `{{instruction}}` and `{{input}}` are replaced literally: a template is never a program.
    """

    kind: Literal["chat", "text"] = "chat"
    prompt: str = "{{instruction}}\n\n{{input}}"
    before_response: str = ""
    after_response: str = ""
    extra: dict[str, Any] = field(default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        if self.kind not in ("chat", "text"):
            raise TemplateError(f"The kind of a template is chat or text, not {self.kind!r}.")
        for name in ("prompt", "before_response", "after_response"):
            if not isinstance(getattr(self, name), str):
                raise TemplateError(f"The field {name} of a template must be a text.")
        if "{{instruction}}" not in self.prompt and "{{input}}" not in self.prompt:
            raise TemplateError("The template's prompt must contain {{instruction}} or {{input}}.")
        if self.kind == "chat" and (self.before_response or self.after_response):
            raise TemplateError("A chat template has no text before or after the response: the model brings its own.")

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Template:
        """Read the JSON form; raises TemplateError. Keys that it does not know are kept in `extra`."""
        if not isinstance(value, dict):
            raise TemplateError("A template must be a JSON object.")
        known = {key: value[key] for key in ("kind", "prompt", "before_response", "after_response") if key in value}
        extra = {key: value[key] for key in value if key not in known}
        return cls(**known, extra=extra)

    def to_json(self) -> dict[str, Any]:
        return {
            **self.extra,
            "kind": self.kind,
            "prompt": self.prompt,
            "before_response": self.before_response,
            "after_response": self.after_response,
        }

    @property
    def fingerprint(self) -> str:
        """SHA-256 over the four fields that decide the rendering."""
        return json_sha256({key: value for key, value in self.to_json().items() if key not in self.extra})
