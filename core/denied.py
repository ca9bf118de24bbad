"""A refusal is an object that carries its reason: the guard raises it, the page shows it, the API returns it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import PermissionDenied


@dataclass(frozen=True)
class Denied:
    reason: Any  # a translated sentence
    cure: Any = ""

    def __bool__(self) -> bool:
        return False

    def __str__(self) -> str:
        return f"{self.reason} {self.cure}".strip()


class Refused(PermissionDenied):
    """Raised by access.py when a member may see the project but not do this: answered with 403 and the reason."""

    def __init__(self, denied: Denied) -> None:
        super().__init__(str(denied))
        self.denied = denied


class ApplicationError(Exception):
    """An expected refusal by a service: a sentence for the person who must act. Pages show it, the API answers 400.

    `field` names the form field it belongs to, if any; `also` are further fields with what is wrong there, so that a
    person mends all of them at once.
    """

    def __init__(self, sentence: Any, *, field: str = "", also: Mapping[str, Any] | None = None) -> None:
        super().__init__(str(sentence))
        self.sentence = sentence
        self.field = field
        self.also = dict(also or {})


class Hindrance(ApplicationError):
    """A refusal that may pass by itself, such as of a program that is busy or just being restarted: a job that met it
    is tried again."""


class Conflict(ApplicationError):
    """A stale write: 409 (412 with If-Match). Carries both texts so that nothing typed is lost, and the `base` that
    both began with where it is known."""

    def __init__(self, sentence: Any, *, yours: Any, theirs: Any, version: int, base: Any = None) -> None:
        super().__init__(sentence)
        self.yours, self.theirs, self.version, self.base = yours, theirs, version, base
