"""Rows beside the pairs in which the words of an erasure stand (selectors/named_rows.py) are made empty."""

from collections.abc import Mapping, Sequence

from django.db import connection

from core import registries
from curation.models import Erasure
from curation.selectors.named_rows import name_of

PART = 5_000


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
