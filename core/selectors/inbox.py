"""A person's inbox, to read."""

from collections.abc import Collection
from typing import Any

from django.db.models import Count, QuerySet

from core.choices import NoticeKind
from core.models import Notice, User

MOST_COUNTED = 100


def inbox_count(user: User) -> int:
    """Unread lines, counted up to 100: every page asks."""
    return Notice.objects.filter(user=user, read_at=None)[:MOST_COUNTED].count()


def notices_of(user: User, projects: Any, kind: str = "") -> "QuerySet[Notice]":
    """The person's lines from projects that they may see."""
    found = Notice.objects.filter(user=user, project__in=projects).select_related("project", "actor")
    return found.filter(kind=kind) if kind in NoticeKind.values else found


def unread_by_kind(user: User, projects: Any) -> "dict[str, int]":
    unread = Notice.objects.filter(user=user, project__in=projects, read_at=None)
    return dict(unread.order_by().values_list("kind").annotate(count=Count("pk")))


def own_ids(user: User, ids: Collection[int]) -> list[int]:
    return list(Notice.objects.filter(user=user, pk__in=ids).values_list("pk", flat=True))
