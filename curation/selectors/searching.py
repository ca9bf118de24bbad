"""Pairs by words: every word counts by its beginning, whatever the language.

An index has to gather all words that begin so, and of "his" that is half the task. Of several words only the rare ones
are therefore asked of the index; the frequent ones, and what must not occur, are looked for in the rows that it gives.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib.postgres.search import SearchQuery, SearchVectorExact
from django.core.cache import caches
from django.db import connection
from django.db.models import BooleanField, F, Func, QuerySet

from curation.models import Pair

WORD = re.compile(r"\w+")
TERM = re.compile(r'(-?)"([^"]*)"?|(\S+)')
MOST_TERMS = 10
FREQUENT = 0.005  # of all pairs; PostgreSQL knows the thousand most frequent words
SHARES_SECONDS = 300
SHARES = """
    SELECT most_common_elems::text::text[], most_common_elem_freqs FROM pg_stats
    WHERE schemaname = current_schema() AND tablename = 'curation_pair' AND attname = 'search'
"""


@dataclass(frozen=True)
class Term:
    """Words that stand together: in this order (`exact`), or all of them by their beginnings; or must not occur."""

    words: tuple[str, ...]
    exact: bool
    excluded: bool

    @property
    def raw(self) -> str:
        """As to_tsquery takes it."""
        end = "" if self.exact else ":*"
        joined = (" <-> " if self.exact else " & ").join(f"'{word}'{end}" for word in self.words)
        return f"!({joined})" if self.excluded else f"({joined})"

    def share(self, shares: dict[str, float]) -> float:
        """Of the pairs, at most, that hold it; 0 for what is too rare to be known."""
        return min(self._share(word.lower(), shares) for word in self.words)

    def _share(self, word: str, shares: dict[str, float]) -> float:
        if self.exact:
            return shares.get(word, 0.0)
        return sum(share for known, share in shares.items() if known.startswith(word))


class Tested(Func):
    """A condition that PostgreSQL tests on rows and never answers from an index."""

    template = "(%(expressions)s) IS TRUE"
    output_field = BooleanField()


def with_words(pairs: QuerySet[Pair], text: str) -> QuerySet[Pair]:
    """Those that hold the words. build perm finds “building permit”; "building permit" in quotes must stand so; a minus
    before a word or a quote excludes it."""
    terms = search_terms(text)
    if not terms:
        return pairs
    asked = index_terms(terms)
    pairs = pairs.filter(search=query_of(asked))
    tested = [term for term in terms if term not in asked]
    return pairs.filter(Tested(SearchVectorExact(F("search"), query_of(tested)))) if tested else pairs


def search_terms(text: str) -> list[Term]:
    terms = []
    for minus, phrase, chunk in TERM.findall(text.replace("\x00", " ")):
        excluded = bool(minus) or bool(re.match(r"-\w", chunk))
        if words := WORD.findall(phrase or chunk):
            terms.append(Term(tuple(words), exact=not chunk, excluded=excluded))
    return terms[:MOST_TERMS]


def index_terms(terms: Sequence[Term]) -> list[Term]:
    """What the index is asked for: the rare terms; where all are frequent, the rarest."""
    wanted = [term for term in terms if not term.excluded]
    if len(terms) == 1 or not wanted:
        return list(terms)
    shares = word_shares()
    return [term for term in wanted if term.share(shares) < FREQUENT] or [
        min(wanted, key=lambda term: term.share(shares))
    ]


def query_of(terms: Sequence[Term]) -> SearchQuery:
    return SearchQuery(" & ".join(term.raw for term in terms), config="simple", search_type="raw")


def word_shares() -> dict[str, float]:
    """The most frequent words of all pairs, each with its share of them, as PostgreSQL last took stock of it."""
    near = caches["near"]
    shares: dict[str, float] | None = near.get("word-shares")
    if shares is None:
        with connection.cursor() as cursor:
            cursor.execute(SHARES)
            words, found = cursor.fetchone() or (None, None)
        shares = dict(zip(words or (), found or (), strict=False))
        near.set("word-shares", shares, SHARES_SECONDS)
    return shares
