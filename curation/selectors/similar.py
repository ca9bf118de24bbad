"""Approved pairs that ask for something similar: by meaning, or by words where no vectors can be had."""

import re
from dataclasses import dataclass

from django.contrib.postgres.search import SearchQuery, SearchRank
from django.db import connection, transaction
from django.db.models import F

from core import model_server
from core.denied import ApplicationError
from curation.models import Pair, Task
from curation.models.embeddings import DIMENSIONS

SHOWN = 5
LONGEST = 2_000  # characters; the model reads no more tokens than these hold
SECONDS = 3.0  # somebody is writing meanwhile
NEAR_ENOUGH = 0.35  # cosine; below it two questions have little in common
CANDIDATES = 400
WORD = re.compile(r"\w{4,40}")
# Asked of the index in its order, until enough of them are approved.
NEAREST = """
SELECT m.pair_id, 1 - (m.vector <=> %(vector)s::vector) FROM curation_embedding m
JOIN curation_pair p ON p.id = m.pair_id
WHERE m.task_id = %(task)s AND p.approved_id IS NOT NULL AND p.state <> 'trashed' AND p.id <> %(besides)s
ORDER BY m.vector <=> %(vector)s::vector LIMIT %(most)s
"""


@dataclass(frozen=True)
class Similar:
    """`share` is the cosine of the two meanings; None when only words were compared."""

    pair: Pair
    share: float | None


def similar_pairs(task: Task, instruction: str, given: str, besides: int = 0) -> list[Similar]:
    """Up to five approved pairs of the task, the most similar first."""
    text = f"{instruction}\n{given}".strip()[:LONGEST]
    if not text:
        return []
    try:
        [vector] = model_server.embed([text], seconds=SECONDS)
        found = nearest(task, vector, besides)
    except ApplicationError:
        found = []
    return found or by_words(task, text, besides)


def nearest(task: Task, vector: list[float], besides: int) -> list[Similar]:
    filled = [*vector, *[0.0] * (DIMENSIONS - len(vector))]
    values: dict[str, str | int] = {"vector": str(filled), "task": task.pk, "besides": besides, "most": SHOWN}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL hnsw.iterative_scan = relaxed_order")
        cursor.execute(NEAREST, values)
        shares = {pair: float(share) for pair, share in cursor.fetchall() if share >= NEAR_ENOUGH}
    pairs = Pair.objects.select_related("approved").in_bulk(shares)
    return [Similar(pairs[pair], share) for pair, share in sorted(shares.items(), key=lambda row: -row[1])]


def by_words(task: Task, text: str, besides: int) -> list[Similar]:
    """Pairs that share words, of the newest that do: the longest words say most."""
    words = sorted(set(WORD.findall(text.replace("\x00", " ").lower())), key=lambda word: (-len(word), word))[:8]
    if not words:
        return []
    query = SearchQuery(" | ".join(f"'{word}'" for word in words), config="simple", search_type="raw")
    some = Pair.objects.filter(task=task, approved__isnull=False, search=query).exclude(pk=besides)
    newest = list(some.exclude(state="trashed").order_by("-pk").values_list("pk", flat=True)[:CANDIDATES])
    ranked = Pair.objects.filter(pk__in=newest).annotate(rank=SearchRank(F("search"), query)).order_by("-rank", "-pk")
    return [Similar(pair, None) for pair in ranked.select_related("approved")[:SHOWN]]
