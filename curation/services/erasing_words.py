"""Rows beside the pairs in which the words of an erasure stand: found by the words, kept by number, made empty."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast

from core import registries
from core.models import Project
from core.registries import TextPlace
from curation.models import Erasure

Rows = dict[str, list[int]]  # place -> numbers of its rows
PART = 5_000


def name_of(place: TextPlace, project: Project) -> str:
    return str(place.rows(project).model._meta.label_lower)


def named_rows(place: TextPlace, project: Project, words: str) -> QuerySet[Any]:
    """The rows of a place in whose fields the words stand, in any case of letters."""
    casts = {f"text_of_{name}": Cast(name, TextField()) for name in place.fields}
    named = Q()
    for name in casts:
        named |= Q(**{f"{name}__icontains": words})
    return place.rows(project).annotate(**casts).filter(named)


def words_find(project: Project, words: str) -> Rows:
    found = {}
    for place in registries.text_places:
        if ids := list(named_rows(place, project, words).order_by("pk").values_list("pk", flat=True)):
            found[name_of(place, project)] = ids
    return found


def words_count(project: Project, words: str) -> int:
    """How many rows `words_find` would name."""
    return sum(named_rows(place, project, words).count() for place in registries.text_places)


def rows_forget(erasure: Erasure, rows: Mapping[str, Sequence[int]]) -> int:
    """Make the named rows empty, or delete them where nothing of them can stay. Returns how many there were."""
    count = 0
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL apprentice.erasing = 'on'")  # the audit log allows this and nothing else
    for place in registries.text_places:
        ids = rows.get(name_of(place, erasure.project), ())
        for start in range(0, len(ids), PART):
            found = place.rows(erasure.project).filter(pk__in=ids[start : start + PART])
            count += found.delete()[0] if place.blank is None else found.update(**place.blank)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL apprentice.erasing = 'off'")
    return count
