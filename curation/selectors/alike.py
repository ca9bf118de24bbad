"""More like this: pairs of the same task that mean nearly what a given pair means."""

from dataclasses import dataclass

from django.db import connection

from curation.models import Embedding, Pair
from curation.selectors.pairs import pairs_shown

SHOWN = 50
NEAREST = """
SELECT e.pair_id, 1 - (e.vector <=> o.vector) FROM curation_embedding o, curation_embedding e
JOIN curation_pair p ON p.id = e.pair_id
WHERE o.pair_id = %s AND e.task_id = o.task_id AND e.pair_id <> o.pair_id AND p.state <> 'trashed'
ORDER BY e.vector <=> o.vector, e.pair_id LIMIT %s
"""


@dataclass(frozen=True)
class Alike:
    pair: Pair
    similarity: float  # cosine of the two meanings


def pairs_alike(pair: Pair) -> list[Alike] | None:
    """The nearest pairs outside the trash, most similar first; None while the pair was not read for its meaning."""
    if not Embedding.objects.filter(pair=pair).exists():
        return None
    with connection.cursor() as cursor:
        cursor.execute(NEAREST, [pair.pk, SHOWN])
        nearest = [(pk, float(similarity)) for pk, similarity in cursor.fetchall()]
    shown = {row.pk: row for row in pairs_shown([pk for pk, _similarity in nearest])}
    return [Alike(shown[pk], similarity) for pk, similarity in nearest if pk in shown]
