"""Full-text search: words of any language by their beginnings, without stemming, in PostgreSQL's own index."""

from collections.abc import Collection

from django.db import connection

# A tsvector holds at most a megabyte; what lies beyond this of a field is not found by words.
SEARCHED_CHARACTERS = 60_000
UPDATE = f"""
UPDATE curation_pair p SET search = to_tsvector('simple',
    left(r.instruction, {SEARCHED_CHARACTERS}) || ' ' || left(r.input, {SEARCHED_CHARACTERS}) || ' '
    || left(r.response, {SEARCHED_CHARACTERS}) || ' ' || r.topic), found = COALESCE(%s, p.found),
    topic = r.topic, language = r.language, origin = r.origin, tokens = r.tokens
FROM curation_revision r WHERE r.id = p.current_id AND p.id = ANY(%s)
"""  # noqa: S608  only a constant is filled in


def search_update(pair_ids: Collection[int], found: list[str] | None = None) -> None:
    """Make pairs findable by the words of their newest revision, and by its topic, language, origin and tokens.

    `found` is what the checks found in all of them, set by the same writing: every writing of a row is paid for by all
    its indexes.
    """
    with connection.cursor() as cursor:
        cursor.execute(UPDATE, [found, list(pair_ids)])
