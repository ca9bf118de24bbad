"""A person's inbox, to read."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q, QuerySet

from core.choices import NoticeKind
from core.models import Notice, User

MOST_COUNTED = 100


@dataclass(frozen=True)
class Unread:
    count: int
    second_factor: bool  # whether they have yet to read that somebody took it away


def inbox_unread(user: User) -> Unread:
    """Unread lines, counted up to 100: every page asks, so that it is one statement."""
    unread = Notice.objects.filter(user=user, read_at=None).order_by("-pk")
    kinds = list(unread.values_list("kind", flat=True)[:MOST_COUNTED])
    return Unread(len(kinds), NoticeKind.FACTOR in kinds)


def notices_of(user: User, projects: Any, kind: str = "") -> "QuerySet[Notice]":
    """The person's lines from projects that they may see, and about their account."""
    found = Notice.objects.filter(within(projects), user=user).select_related("project", "actor")
    return found.filter(kind=kind) if kind in NoticeKind.values else found


def within(projects: Any) -> Q:
    return Q(project__in=projects) | Q(project=None)


def unread_by_kind(user: User, projects: Any) -> "dict[str, int]":
    """How much is unread of each kind of which the person has any line."""
    lines = Notice.objects.filter(within(projects), user=user).order_by().values_list("kind")
    return dict(lines.annotate(count=Count("pk", filter=Q(read_at=None))))


def own_ids(user: User, ids: Collection[int]) -> list[int]:
    return list(Notice.objects.filter(user=user, pk__in=ids).values_list("pk", flat=True))
