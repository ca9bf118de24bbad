"""Pages of a long list by position, never by number: no COUNT, no OFFSET, and nothing shifts while rows arrive."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet

from core.numbers import whole_number

SIZE = 50


@dataclass(frozen=True)
class Page:
    rows: list[Any]
    newer: str  # query string of the page above, "" when this is the first
    older: str


def keyset_page(rows: QuerySet[Any], query: Mapping[str, str], size: int = SIZE) -> Page:
    """One page of `rows`, newest (highest id) first, from `query`'s `before` or `after` id.

    A position that is no number is ignored. The other keys of `query` stay in the links.
    """
    before, after = position(query, "before"), position(query, "after")
    if after is not None:
        found = list(rows.filter(pk__gt=after).order_by("pk")[: size + 1])
        more_newer, more_older = len(found) > size, True
        found = found[:size][::-1]
    else:
        below = rows if before is None else rows.filter(pk__lt=before)
        found = list(below.order_by("-pk")[: size + 1])
        more_newer, more_older = before is not None, len(found) > size
        found = found[:size]
    if not found:
        return Page([], link(query, {}) if before is not None or after is not None else "", "")
    newer = link(query, {"after": found[0].pk}) if more_newer else ""
    older = link(query, {"before": found[-1].pk}) if more_older else ""
    return Page(found, newer, older)


def position(query: Mapping[str, str], name: str) -> int | None:
    return whole_number(query.get(name, ""))


def link(query: Mapping[str, str], change: dict[str, int]) -> str:
    kept = {name: value for name, value in query.items() if name not in {"before", "after"}}
    return f"?{urlencode({**kept, **change})}"
