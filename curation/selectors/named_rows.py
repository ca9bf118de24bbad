"""Rows beside the pairs in which the words of an erasure stand: found by the words, named by number."""

from typing import Any

from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast

from core import registries
from core.models import Project
from core.registries import TextPlace

Rows = dict[str, list[int]]  # place -> numbers of its rows


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
