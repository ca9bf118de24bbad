"""Which texts say nearly the same, among a hundred thousand in a minute, or among texts that arrive over years.

1. A text becomes the set of its words and word pairs. In a short one a single slip changes a third of these, so it
   becomes the set of its sequences of three and four letters instead.
2. Shingles that stand in too many of the texts are dropped: a prompt template would make all texts alike.
3. MinHash (Broder 1997) with banding proposes pairs; 4. the true Jaccard similarity of the sets decides.

Texts of middling length are compared both ways, so that none falls between the two. Of each hash only the lowest eight
bits are kept (Li and König 2010): a text's sketch has 128 bytes, small enough to be stored, and four of them make a
band. A text that comes later is then compared with the stored sketches alone: `common_shingles` once, `sketches` of
each text, `proposed` among the new ones, `Bands` of the new ones beside all others as they are read, `similarities` of
those; each for words and for letters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from functools import lru_cache
from itertools import chain, pairwise

import numpy as np
import rensa
from numpy.typing import NDArray

from ml.presence import Presence
from ml.words import words

THRESHOLD = 0.7
SKETCH_BYTES = 128
EDITION = 3  # count it up when shingles, grams, hashes or rensa change: what is stored of texts is then made anew
LONGEST_SHORT = 24  # words; two texts that have no more are compared by letters
SHORTEST_LONG = 17  # words; one with fewer has less than 0.7 of the words of one that is not short
_SEED = 20_231
_COMMON_TEXTS = 10
_CHUNK = 1_000
_BUCKET, _WINDOW = 2_000, 200
_BANDS = SKETCH_BYTES // 4
_PLACE_BITS = 24

Hashes = NDArray[np.uint64]
Pairs = NDArray[np.int64]
Sketches = NDArray[np.uint8]  # (texts, 128)


class Unit(StrEnum):
    """What texts are compared by."""

    WORDS = "words"
    LETTERS = "letters"


Common = Mapping[Unit, Hashes]


def near_duplicates(texts: Sequence[str], *, threshold: float = THRESHOLD) -> list[tuple[int, int]]:
    """The pairs (i, j), i < j, of texts whose similarity (see `similarities`) reaches `threshold`.

    Blank texts are like no other. Deterministic; sorted. Identical texts are found too, but pass each text once: in
    buckets of more than 2,000 texts that look alike each is compared with 20 neighbours only. Raises ValueError for a
    threshold not between 0 and 1.
    """
    if not 0 < threshold <= 1:
        raise ValueError(f"A similarity lies between 0 and 1, not at {threshold}.")
    found: set[tuple[int, int]] = set()
    short = _short(texts)
    for unit in Unit:
        sets = _Shingles.of(texts, unit)
        sets = sets.without(sets.common())
        rows = sets.rows
        for one, other in proposed(sets.sketches(), np.ones(len(sets), dtype=np.bool_), threshold=threshold):
            pair = int(rows[one]), int(rows[other])
            if unit == _unit(short, pair) and sets.jaccard(one, other) >= threshold:
                found.add(pair)
    return sorted(found)


def common_shingles(texts: Sequence[str], unit: Unit) -> Hashes:
    """The hashes of the shingles that make no text like another, because too many of these texts have them."""
    return _Shingles.of(texts, unit).common()


def sketches(texts: Sequence[str], unit: Unit, common: Hashes) -> list[bytes]:
    """What is kept of each text: 128 bytes, or none of one that is not compared by this unit, or has no word."""
    sets = _Shingles.of(texts, unit).without(common)
    found = [b""] * len(texts)
    for row, sketch in zip(sets.rows.tolist(), sets.sketches(), strict=True):
        found[row] = sketch.tobytes()
    return found


def proposed(known: Sketches, fresh: NDArray[np.bool_], *, threshold: float = THRESHOLD) -> Pairs:
    """Pairs (i, j), i < j, of sketches that may reach the threshold and of which at least one is `fresh`.

    Shape (pairs, 2), sorted, each once. The share of equal bytes estimates the similarity with a standard error of at
    most .044; .2 below the threshold is let through.
    """
    if len(known) < 2 or not fresh.any():
        return np.zeros((0, 2), dtype=np.int64)
    found = _in_one_band(np.ascontiguousarray(known), fresh)
    return found[_agreeing(known, known, found, threshold)]


class Bands:
    """Some sketches, ready to be compared with others that come by in any number: memory is that of the own ones.

    A band of an own sketch meets the first 200 others that share it, as neighbours in `proposed` do.
    """

    def __init__(self, own: Sketches) -> None:
        self._own = own
        codes = _codes(own).ravel()
        order = np.argsort(codes)
        self._codes = codes[order]
        self._owners = (order // _BANDS).astype(np.int32)
        self._room = np.full(len(codes), _WINDOW, dtype=np.uint8)  # of a band, where it stands first
        self._presence = Presence(_places(codes), _PLACE_BITS)

    def proposed(self, others: Sketches, *, threshold: float = THRESHOLD) -> Pairs:
        """Pairs (own, other) that may reach the threshold, as `proposed` judges them. Sorted, each once."""
        codes = _codes(others)
        rows, bands = np.nonzero(self._presence.perhaps(_places(codes)))
        asked = codes[rows, bands]
        first = np.searchsorted(self._codes, asked)
        met = first < self._codes.size
        met[met] = self._codes[first[met]] == asked[met]
        rows, first, asked = self._with_room(rows[met], first[met], asked[met])
        sizes = np.minimum(np.searchsorted(self._codes, asked, side="right") - first, _WINDOW)
        own = self._owners[np.repeat(first - np.cumsum(sizes) + sizes, sizes) + np.arange(sizes.sum())]
        pairs = _distinct(own * np.int64(len(others)) + np.repeat(rows, sizes))
        found = np.stack([pairs // max(1, len(others)), pairs % max(1, len(others))], axis=1)
        return found[_agreeing(self._own, others, found, threshold)]

    def _with_room(self, rows: Pairs, first: Pairs, asked: Hashes) -> tuple[Pairs, Pairs, Hashes]:
        """Those of the others that still count at each band; the room that they take is taken."""
        order = np.argsort(first, kind="stable")
        rows, first, asked = rows[order], first[order], asked[order]
        begins = np.flatnonzero(np.concatenate([[True], first[1:] != first[:-1]])[: first.size])
        counts = np.diff(np.append(begins, first.size))
        rank = np.arange(first.size) - np.repeat(begins, counts)
        kept = rank < self._room[first]
        self._room[first[begins]] -= np.minimum(self._room[first[begins]], counts).astype(np.uint8)
        return rows[kept], first[kept], asked[kept]


def _codes(sketches: Sketches) -> Hashes:
    """Each band of each sketch as a number that no other band has, shape (sketches, 32)."""
    bands = np.ascontiguousarray(sketches).view(np.uint32).astype(np.uint64)
    return bands | np.arange(_BANDS, dtype=np.uint64) << np.uint64(32)


def _places(codes: Hashes) -> Hashes:
    """By Fibonacci hashing: where a band stands in a table of those that there are."""
    return (codes * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(64 - _PLACE_BITS)


def _distinct(values: Pairs) -> Pairs:
    ordered = np.sort(values)
    return ordered[np.concatenate([[True], ordered[1:] != ordered[:-1]])[: ordered.size]]


def _agreeing(first: Sketches, second: Sketches, pairs: Pairs, threshold: float) -> NDArray[np.bool_]:
    """Of which pairs the estimate lies at most .2 below the threshold."""
    shares = np.empty(len(pairs))
    for start in range(0, len(pairs), 200_000):
        part = pairs[start : start + 200_000]
        shares[start : start + 200_000] = (first[part[:, 0]] == second[part[:, 1]]).mean(axis=1)
    found: NDArray[np.bool_] = shares >= threshold - 0.2
    return found


def similarities(texts: Sequence[str], pairs: Iterable[tuple[int, int]], common: Common) -> list[float]:
    """The Jaccard similarity of the texts i and j of each pair (i, j), without the common shingles: of sequences of
    letters where both are short, else of words and word pairs."""
    pairs = list(pairs)
    short = _short(texts)
    found = [0.0] * len(pairs)
    for unit in Unit:
        wanted = [n for n, pair in enumerate(pairs) if _unit(short, pair) == unit]
        if not wanted:
            continue
        sets = _Shingles.of(texts, unit).without(common[unit])
        place = {row: n for n, row in enumerate(sets.rows.tolist())}
        for n in wanted:
            i, j = pairs[n]
            if i in place and j in place:
                found[n] = sets.jaccard(place[i], place[j])
    return found


def alike(one: str, other: str) -> float:
    """The similarity of two texts by themselves, with no shingle left out; 1 for two blank ones."""
    unit = Unit.LETTERS if all(len(words(text)) <= LONGEST_SHORT for text in (one, other)) else Unit.WORDS
    first, second = _set_of(one, unit), _set_of(other, unit)
    either = len(first | second)
    return len(first & second) / either if either else 1.0


@lru_cache(maxsize=1024)
def _set_of(text: str, unit: Unit) -> frozenset[str]:
    return frozenset(_SHINGLES[unit](text))


def _short(texts: Sequence[str]) -> list[bool]:
    return [len(words(text)) <= LONGEST_SHORT for text in texts]


def _unit(short: Sequence[bool], pair: tuple[int, int]) -> Unit:
    return Unit.LETTERS if short[pair[0]] and short[pair[1]] else Unit.WORDS


class _Shingles:
    """The hashed shingles of the texts that have any, row after row in one array."""

    def __init__(self, rows: Pairs, values: Hashes, offsets: Pairs, unit: Unit) -> None:
        self.rows = rows
        self._unit = unit
        self._values = values
        self._offsets = offsets

    def __len__(self) -> int:
        return len(self.rows)

    @classmethod
    def of(cls, texts: Sequence[str], unit: Unit) -> _Shingles:
        parts: list[Hashes] = [np.zeros(0, dtype=np.uint64)]
        sizes: list[int] = []
        for start in range(0, len(texts), _CHUNK):
            sets = rensa.RMinHash.hash_token_sets([_SHINGLES[unit](text) for text in texts[start : start + _CHUNK]])
            sizes.extend(map(len, sets))
            parts.append(np.fromiter(chain.from_iterable(sets), dtype=np.uint64))
        values = np.concatenate(parts)
        rows = np.flatnonzero(sizes)
        return cls(rows, values, np.concatenate([[0], np.cumsum(np.asarray(sizes, dtype=np.int64)[rows])]), unit)

    def common(self) -> Hashes:
        """Shingles of more than the unit's share of the rows, and of more than ten, sorted."""
        ordered = np.sort(self._values)  # by sorting: numpy's own unique() takes many times as long
        first = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]])[: ordered.size])
        counts = np.diff(np.concatenate([first, [ordered.size]]))
        found: Hashes = ordered[first[counts > max(_COMMON_TEXTS, _COMMON_SHARE[self._unit] * len(self))]]
        return found

    def without(self, common: Hashes) -> _Shingles:
        """Without the common shingles; a text that has fewer than two others keeps all."""
        rare = np.isin(self._values, common, invert=True)
        row_of = np.repeat(np.arange(len(self)), np.diff(self._offsets))
        poor = np.bincount(row_of[rare], minlength=len(self)) < 2
        keep = rare | poor[row_of]
        kept = np.bincount(row_of[keep], minlength=len(self))
        return _Shingles(self.rows, self._values[keep], np.concatenate([[0], np.cumsum(kept)]), self._unit)

    def sketches(self) -> Sketches:
        """The lowest eight bits of each row's MinHash values, shape (rows, 128)."""
        parts = [np.zeros((0, SKETCH_BYTES), dtype=np.uint8)]
        for start in range(0, len(self), _CHUNK):
            offsets = self._offsets[start : start + _CHUNK + 1]
            values = self._values[offsets[0] : offsets[-1]]
            matrix = rensa.RMinHash.digest_matrix_from_flat_token_hashes(
                values, (offsets - offsets[0]).astype(np.uint64), SKETCH_BYTES, _SEED
            )
            parts.append(np.array(matrix.to_rows(), dtype=np.uint32).astype(np.uint8))
        return np.concatenate(parts)

    def jaccard(self, one: int, other: int) -> float:
        """Size of the intersection over size of the union of two rows."""
        first = self._values[self._offsets[one] : self._offsets[one + 1]]
        second = self._values[self._offsets[other] : self._offsets[other + 1]]
        common = np.intersect1d(first, second, assume_unique=True).size
        return float(common / (first.size + second.size - common))


def _of_words(text: str) -> list[str]:
    tokens = words(text)
    return list(dict.fromkeys([*tokens, *map(" ".join, pairwise(tokens))])) if len(tokens) >= SHORTEST_LONG else []


def _of_letters(text: str) -> list[str]:
    tokens = words(text)
    if not 0 < len(tokens) <= LONGEST_SHORT:
        return []
    line = f" {' '.join(tokens)} "
    return list({line[start : start + size] for size in (3, 4) for start in range(max(1, len(line) - size + 1))})


_SHINGLES: dict[Unit, Callable[[str], list[str]]] = {Unit.WORDS: _of_words, Unit.LETTERS: _of_letters}
# A tenth of the texts for words; letters occur in other words too.
_COMMON_SHARE = {Unit.WORDS: 0.1, Unit.LETTERS: 0.3}


def _in_one_band(known: Sketches, fresh: NDArray[np.bool_]) -> Pairs:
    """Pairs of rows that agree in all four bytes of some band, one of them fresh: shape (pairs, 2), sorted.

    With 32 bands a pair of similarity 0.7 is found with 99.98 %, one of 0.3 with 23 %.
    """
    found: Pairs = np.zeros(0, dtype=np.int64)
    size = len(known)
    bands = known.view(np.uint32)
    for band in range(bands.shape[1]):
        keys = np.ascontiguousarray(bands[:, band])
        rows = np.arange(size) if fresh.all() else np.flatnonzero(np.isin(keys, keys[fresh]))
        codes = []
        for one, other in _bucket_pairs(keys[rows]):
            one, other = rows[one], rows[other]
            wanted = fresh[one] | fresh[other]
            codes.append(one[wanted] * size + other[wanted])
        if codes:
            found = _distinct(np.concatenate([found, *codes]))
    return np.stack([found // size, found % size], axis=1)


def _bucket_pairs(keys: NDArray[np.uint32]) -> Iterator[tuple[Pairs, Pairs]]:
    """Rows with the same key, as arrays (smaller row, larger row): for each distance in the sorted order one pair of
    arrays, up to the window of the bucket."""
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    sizes = np.diff(np.concatenate([starts, [len(keys)]]))
    window = np.repeat(np.where(sizes <= _BUCKET, np.minimum(sizes - 1, _WINDOW), 20), sizes)
    place = np.arange(len(keys)) - np.repeat(starts, sizes)
    for distance in range(1, int(window.max(initial=0)) + 1):
        later = np.flatnonzero((place >= distance) & (window >= distance))
        yield order[later - distance], order[later]
