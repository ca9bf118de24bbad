"""What `ml` said, in the reader's language: from the template and the values that travel beside it (ml/phrases.py)."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext

from ml.phrases import Phrase, beside, filled, sentence_of


def in_words(text: object, said: object = None) -> str:
    """The sentence in the language of now; as it was written where nothing lies beside it, as in old rows."""
    if not isinstance(said, Mapping) or not said.get("template"):
        return str(text or "")
    values: dict[str, Any] = {
        name: in_words("", value) if isinstance(value, Mapping) else value for name, value in said["values"].items()
    }
    return filled(gettext(str(said["template"])), values)


def phrase_in_words(phrase: Phrase) -> str:
    """What ml says at once, without an event or a row between."""
    return in_words(phrase, phrase.to_json())


def kept_in_words(entry: object) -> str:
    """A sentence as rows keep it: {"sentence", "said"}, or a plain text, as one that was said for a reader before."""
    return in_words(entry["sentence"], entry.get("said")) if isinstance(entry, Mapping) else str(entry)


def explained(error: BaseException) -> str:
    """What an error of ml says, in the reader's language."""
    sentence = sentence_of(error)
    return in_words(sentence, beside(sentence).get("said"))
