"""Sentences that people read. `ml` translates nothing; it marks what the web may translate.

A sentence is a template ("%(words)s words") with its values beside it. The marker has the name that
`django-admin makemessages` looks for, so that the templates of ml stand in the same catalogue as those of the pages.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def gettext_noop(sentence: str) -> str:
    """The sentence itself: marked for the translators, not translated."""
    return sentence


def counted(number: int, one: str, many: str) -> str:
    """“1 pair is”, “1,200 pairs are”: for the sentences of logs and cards, which are not translated."""
    return f"{number:,} {one if number == 1 else many}"


def filled(template: str, values: Mapping[str, Any]) -> str:
    """A template with its values. A sentence without values is taken as it is, per cent signs and all."""
    return template % values if values else template
