"""One setting of a recipe: what forms say of it, and which values it takes."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from ml.phrases import filled, gettext_noop

SAME = gettext_noop("The same.")


class RecipeError(ValueError):
    """A setting cannot be used: `field` is its name, `sentence` what is wrong and what to do.

    The sentence is made of a template and values; the value `label` is itself a name that is translated.
    """

    def __init__(self, field: str, template: str, **values: str) -> None:
        self.field, self.template, self.values = field, template, values
        self.sentence = filled(template, values)
        super().__init__(f"{field}: {self.sentence}")


@dataclass(frozen=True, slots=True)
class RecipeField:
    """What a form shows for one setting. `time`, `memory` and `quality` say what becomes of each when it is changed;
    `choices` are (value, label); `only_for` are the methods it belongs to and `objectives` what is learnt with it, each
    empty for all."""

    name: str
    kind: str
    default: Any
    label: str
    help: str
    time: str
    memory: str
    quality: str
    unit: str
    minimum: float | None
    maximum: float | None
    choices: tuple[tuple[str, str], ...]
    advanced: bool
    only_for: tuple[str, ...]
    objectives: tuple[str, ...]


def setting(
    default: Any,
    label: str,
    help_text: str,
    *,
    time: str,
    memory: str,
    quality: str,
    unit: str = "",
    minimum: float | None = None,
    maximum: float | None = None,
    choices: tuple[tuple[str, str], ...] = (),
    advanced: bool = False,
    only_for: tuple[str, ...] = (),
    objectives: tuple[str, ...] = (),
) -> Any:
    """A field of a recipe that knows what forms say of it; the words are marked for translation where it is called."""
    facts = {
        "label": label,
        "help": help_text,
        "time": time,
        "memory": memory,
        "quality": quality,
        "unit": unit,
        "minimum": minimum,
        "maximum": maximum,
        "choices": choices,
        "advanced": advanced,
        "only_for": only_for,
        "objectives": objectives,
    }
    return dataclasses.field(default=default, metadata=facts)


_KINDS: dict[str, Any] = {"int": int, "float": float, "str": str, "bool": bool}
_WANTED = {
    "int": gettext_noop("%(label)s must be a whole number, not %(value)s."),
    "float": gettext_noop("%(label)s must be a number, not %(value)s."),
    "str": gettext_noop("%(label)s must be a word, not %(value)s."),
    "bool": gettext_noop("%(label)s must be true or false, not %(value)s."),
}


def valid(field: RecipeField, value: Any) -> Any:
    """The value in the setting's kind. Raises RecipeError when it is of another kind or out of bounds."""
    wanted = _KINDS[field.kind]
    if wanted is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
        raise RecipeError(field.name, _WANTED[field.kind], label=field.label, value=repr(value))
    if field.choices and value not in {choice for choice, _ in field.choices}:
        allowed = ", ".join(choice for choice, _ in field.choices)
        sentence = gettext_noop("%(label)s must be one of %(allowed)s, not %(value)s.")
        raise RecipeError(field.name, sentence, label=field.label, allowed=allowed, value=repr(value))
    # Written so that a value that is not a number (NaN) fails as well.
    low, high = field.minimum, field.maximum
    if low is not None and high is not None and not low <= float(value) <= high:
        sentence = gettext_noop("%(label)s must lie between %(low)s and %(high)s, not %(value)s.")
        bounds = {"low": f"{low:.10g}", "high": f"{high:.10g}"}
        raise RecipeError(field.name, sentence, label=field.label, value=repr(value), **bounds)
    return value
