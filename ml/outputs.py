"""Output fields of an extraction task: what a response must hold, and the one way in which it is written down.

A response of such a task is a JSON object. It is always rendered from the fields' values by `render_outputs`, so that
the same values are the same text, letter for letter; a model is then taught one way of writing and no other.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

KINDS = ("text", "number", "date", "boolean", "choice")
MOST_FIELDS = 40
MOST_CHOICES = 200
LONGEST_NAME = 60
INTEGER = re.compile(r"-?\d{1,15}")
DECIMAL = re.compile(r"-?\d{1,15}\.\d{1,15}")
TRUTH = {"true": True, "false": False}


class OutputError(ValueError):
    """What is wrong with the definition of output fields, as a sentence."""


@dataclass(frozen=True, slots=True)
class OutputField:
    """One field: `kind` is one of KINDS, `choices` the allowed values of a choice, `many` makes it a list.

    A field that is not `required` may be null, a list that is not may be empty.
    """

    name: str
    kind: str = "text"
    choices: tuple[str, ...] = ()
    many: bool = False
    required: bool = True

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name, "kind": self.kind, "choices": list(self.choices), "many": self.many,
            "required": self.required,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class OutputProblem:
    """What is wrong with one field's value; `field` is "" when it is the whole response."""

    field: str
    sentence: str


def outputs_from_json(given: Any) -> list[OutputField]:
    """Read a definition. Raises OutputError naming the field."""
    if not isinstance(given, list) or len(given) > MOST_FIELDS:
        raise OutputError(f"Output fields are a list of at most {MOST_FIELDS} entries.")
    fields = [_field(entry, number) for number, entry in enumerate(given, 1)]
    names = [field.name for field in fields]
    if len(set(names)) < len(names):
        raise OutputError(f"Two output fields are called “{max(names, key=names.count)}”.")
    return fields


def _field(entry: Any, number: int) -> OutputField:
    if not isinstance(entry, dict) or not isinstance(entry.get("name"), str) or not entry["name"].strip():
        raise OutputError(f"Output field {number} needs a name.")
    name = " ".join(entry["name"].split())
    kind, choices = entry.get("kind", "text"), entry.get("choices") or []
    if len(name) > LONGEST_NAME or not name.isprintable():
        raise OutputError(f"The name of output field {number} has at most {LONGEST_NAME} printable characters.")
    if kind not in KINDS:
        raise OutputError(f"Output field “{name}” has a kind among {', '.join(KINDS)}.")
    if not isinstance(choices, list) or not all(isinstance(choice, str) and choice.strip() for choice in choices):
        raise OutputError(f"The allowed values of output field “{name}” are texts.")
    if (kind == "choice") != bool(choices) or len(choices) > MOST_CHOICES:
        raise OutputError(f"Output field “{name}” has allowed values (at most {MOST_CHOICES}) if it is a choice.")
    allowed = tuple(dict.fromkeys(" ".join(choice.split()) for choice in choices))
    return OutputField(name, kind, allowed, bool(entry.get("many", False)), bool(entry.get("required", True)))


def value_read(field: OutputField, text: str) -> Any:
    """What a person typed as the field's value: None for nothing. What does not fit stays the text it is."""
    text = text.strip()
    if not text:
        return None
    if field.kind == "number" and INTEGER.fullmatch(text):
        return int(text)
    if field.kind == "number" and DECIMAL.fullmatch(text):
        return float(text)
    return TRUTH.get(text.lower(), text) if field.kind == "boolean" else text


def outputs_typed(fields: Sequence[OutputField], texts: Sequence[str]) -> dict[str, Any]:
    """Values from what was typed, a text for each field in order; the entries of a list stand on lines of their own."""
    values: dict[str, Any] = {}
    for field, text in zip(fields, [*texts, *[""] * len(fields)], strict=False):
        entries = [value_read(field, line) for line in text.split("\n")] if field.many else []
        values[field.name] = (
            [entry for entry in entries if entry is not None] if field.many else value_read(field, text)
        )
    return values


def value_text(field: OutputField, value: Any) -> str:
    """The value as it stands in the form."""
    if field.many:
        return "\n".join(map(_plain, value if isinstance(value, list) else [] if value is None else [value]))
    return "" if value is None else _plain(value)


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def render_outputs(fields: Sequence[OutputField], values: Mapping[str, Any]) -> str:
    """The response: a JSON object with every field in its order, one on each line."""
    lines = []
    for field in fields:
        value = values.get(field.name, [] if field.many else None)
        written = json.dumps(value, ensure_ascii=False, allow_nan=False, sort_keys=True)
        lines.append(f"  {json.dumps(field.name, ensure_ascii=False)}: {written}")
    return "{\n" + ",\n".join(lines) + "\n}"


def parse_outputs(fields: Sequence[OutputField], response: str) -> tuple[dict[str, Any], list[OutputProblem]]:
    """The values that a response holds, and everything in it that does not fit. Never raises."""
    try:
        found = json.loads(response)
    except (ValueError, RecursionError) as error:
        where = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
        return {}, [OutputProblem("", f"The response is no JSON object{where}.")]
    if not isinstance(found, dict):
        return {}, [OutputProblem("", "The response is no JSON object.")]
    known = {field.name for field in fields}
    problems = [
        OutputProblem("", f"The response has an unknown field “{name}”.") for name in found if name not in known
    ]
    return found, [*problems, *check_outputs(fields, found)]


def check_outputs(fields: Sequence[OutputField], values: Mapping[str, Any]) -> list[OutputProblem]:
    """What is wrong with the values, field by field in their order."""
    return [
        OutputProblem(field.name, sentence)
        for field in fields
        if (sentence := _problem(field, values.get(field.name, [] if field.many else None)))
    ]


def _problem(field: OutputField, value: Any) -> str:
    if field.many:
        if not isinstance(value, list):
            return f"“{field.name}” must be a list."
        if field.required and not value:
            return f"“{field.name}” needs at least one entry."
        return next((sentence for entry in value if (sentence := _misfit(field, entry))), "")
    if value is None:
        return f"“{field.name}” is missing." if field.required else ""
    return _misfit(field, value)


def _misfit(field: OutputField, value: Any) -> str:
    if field.kind == "number":
        fits = isinstance(value, int | float) and not isinstance(value, bool) and value == value
        return "" if fits and abs(value) < 1e300 else f"“{field.name}” must be a number such as 12 or 3.5."
    if field.kind == "boolean":
        return "" if isinstance(value, bool) else f"“{field.name}” must be true or false."
    if not isinstance(value, str) or not value.strip():
        return f"“{field.name}” must be a text."
    if field.kind == "date" and not _is_date(value):
        return f"“{field.name}” must be a date such as 2024-05-31."
    if field.kind == "choice" and value not in field.choices:
        return f"“{field.name}” must be one of: {', '.join(field.choices)}."
    return ""


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
