"""Sentences that people read. `ml` translates nothing; it marks what the web may translate.

A sentence is a template ("%(words)s words") with its values beside it. The marker has the name that
`django-admin makemessages` looks for, so that the templates of ml stand in the same catalogue as those of the pages.
Events, reports and errors carry such sentences as a Phrase; core/sentences.py says them in the reader's language.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self


def gettext_noop(sentence: str) -> str:
    """The sentence itself: marked for the translators, not translated."""
    return sentence


def filled(template: str, values: Mapping[str, Any]) -> str:
    """A template with its values. A sentence without values is taken as it is, per cent signs and all."""
    return template % values if values else template


class Phrase(str):
    """An English sentence that knows what it was made of. A value may be a phrase of its own."""

    template: str
    values: dict[str, Any]

    def __new__(cls, template: str, **values: Any) -> Self:
        made = super().__new__(cls, filled(template, values))
        made.template, made.values = template, values
        return made

    def to_json(self) -> dict[str, Any]:
        values = {name: value.to_json() if isinstance(value, Phrase) else value for name, value in self.values.items()}
        return {"template": self.template, "values": values}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        values = {name: cls.from_json(one) if isinstance(one, dict) else one for name, one in value["values"].items()}
        return cls(value["template"], **values)


PLACED = gettext_noop("%(place)s: %(reason)s")


class PhraseError(ValueError):
    """An error that says a phrase: `template`, marked for the translators, with its values."""

    def __init__(self, template: str, **values: Any) -> None:
        super().__init__(Phrase(template, **values))

    def at(self, place: str) -> Self:
        """The same error with the place where it was met before it."""
        return type(self)(PLACED, place=place, reason=self.args[0])


def beside(sentence: object) -> dict[str, Any]:
    """What travels beside a sentence in JSON: {"said": …} of a phrase, nothing of other texts."""
    return {"said": sentence.to_json()} if isinstance(sentence, Phrase) else {}


def sentence_of(error: BaseException) -> str:
    """What an error says: the phrase it was raised with, else its text, else the name of its kind."""
    first = error.args[0] if error.args else None
    return first if isinstance(first, Phrase) else str(error) or type(error).__name__
