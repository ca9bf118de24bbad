"""Which texts say nearly the same, among a hundred thousand in a minute.

1. A text becomes the set of its words and word pairs: short questions have too few longer shingles to compare.
2. Shingles that stand in more than a tenth of the texts are dropped: a prompt template would make all texts alike.
3. MinHash (Broder 1997) with banding proposes pairs; 4. the true Jaccard similarity of the sets decides.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, pairwise

import numpy as np
import rensa
from numpy.typing import NDArray

from ml.words import words

THRESHOLD = 0.7
_PERMUTATIONS, _BAND_ROWS = 128, 4  # 32 bands: a pair of similarity .7 is proposed with 99.98 %, one of .3 with 23 %
_SEED = 20_231
_COMMON_SHARE, _COMMON_TEXTS = 0.1, 10
_CHUNK = 5_000
_BUCKET, _WINDOW = 2_000, 200

Hashes = NDArray[np.uint64]
Pairs = NDArray[np.int64]


def near_duplicates(texts: Sequence[str], *, threshold: float = THRESHOLD) -> list[tuple[int, int]]:
    """The pairs (i, j), i < j, of texts whose sets of words and word pairs have a Jaccard similarity of `threshold`.

    Blank texts are like no other. Deterministic; sorted. Identical texts are found too, but pass each text once: in
    buckets of more than 2,000 texts that look alike each is compared with 20 neighbours only. Raises ValueError for a
    threshold not between 0 and 1.
    """
    if not 0 < threshold <= 1:
        raise ValueError(f"A similarity lies between 0 and 1, not at {threshold}.")
    sets = _Shingles.of(texts)
    if len(sets) < 2:
        return []
    signatures = sets.signatures()
    proposed = _proposed(signatures, len(texts))
    agreeing = np.empty(len(proposed))
    for start in range(0, len(proposed), 200_000):
        part = proposed[start : start + 200_000]
        agreeing[start : start + 200_000] = (signatures[part[:, 0]] == signatures[part[:, 1]]).mean(axis=1)
    # The share of agreeing hashes estimates the similarity with a standard error of at most .044.
    likely = proposed[agreeing >= threshold - 0.2]
    names = sets.rows
    return [(int(names[one]), int(names[other])) for one, other in likely if sets.jaccard(one, other) >= threshold]


class _Shingles:
    """The hashed shingles of the texts that have any, row after row in one array."""

    def __init__(self, rows: Pairs, values: Hashes, offsets: Pairs) -> None:
        self.rows = rows
        self._values = values
        self._offsets = offsets

    def __len__(self) -> int:
        return len(self.rows)

    @classmethod
    def of(cls, texts: Sequence[str]) -> _Shingles:
        parts: list[Hashes] = [np.zeros(0, dtype=np.uint64)]
        sizes: list[int] = []
        for start in range(0, len(texts), _CHUNK):
            sets = rensa.RMinHash.hash_token_sets([_shingles(text) for text in texts[start : start + _CHUNK]])
            sizes.extend(map(len, sets))
            parts.append(np.fromiter(chain.from_iterable(sets), dtype=np.uint64))
        values = np.concatenate(parts)
        row_of = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)
        keep = _distinctive(values, row_of, len(texts))
        kept = np.bincount(row_of[keep], minlength=len(sizes))
        rows = np.flatnonzero(kept)
        return cls(rows, values[keep], np.concatenate([[0], np.cumsum(kept[rows])]))

    def signatures(self) -> NDArray[np.uint32]:
        """The MinHash signature of each row, shape (rows, 128)."""
        parts = []
        for start in range(0, len(self), _CHUNK):
            offsets = self._offsets[start : start + _CHUNK + 1]
            values = self._values[offsets[0] : offsets[-1]]
            matrix = rensa.RMinHash.digest_matrix_from_flat_token_hashes(
                values, (offsets - offsets[0]).astype(np.uint64), _PERMUTATIONS, _SEED
            )
            parts.append(np.array(matrix.to_rows(), dtype=np.uint32))
        return np.concatenate(parts)

    def jaccard(self, one: int, other: int) -> float:
        """Size of the intersection over size of the union of two rows."""
        first = self._values[self._offsets[one] : self._offsets[one + 1]]
        second = self._values[self._offsets[other] : self._offsets[other + 1]]
        common = np.intersect1d(first, second, assume_unique=True).size
        return float(common / (first.size + second.size - common))


def _shingles(text: str) -> list[str]:
    tokens = words(text)
    return list(dict.fromkeys([*tokens, *map(" ".join, pairwise(tokens))]))


def _distinctive(values: Hashes, row_of: NDArray[np.int32], texts: int) -> NDArray[np.bool_]:
    """Which shingles to keep: the rare ones, and all of a text that has fewer than two rare ones."""
    ordered = np.sort(values)  # by sorting: numpy's own unique() takes many times as long
    first = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]])[: ordered.size])
    counts = np.diff(np.concatenate([first, [ordered.size]]))
    common = ordered[first[counts > max(_COMMON_TEXTS, _COMMON_SHARE * texts)]]
    rare = np.isin(values, common, invert=True)
    poor = np.bincount(row_of[rare], minlength=texts) < 2
    return rare | poor[row_of]


def _proposed(signatures: NDArray[np.uint32], texts: int) -> Pairs:
    """Pairs of rows that agree in all four hashes of some band, shape (pairs, 2), sorted, each once."""
    found: Pairs = np.zeros(0, dtype=np.int64)
    size = len(signatures)
    for band in range(0, _PERMUTATIONS, _BAND_ROWS):
        keys = np.zeros(size, dtype=np.uint64)
        for column in range(band, band + _BAND_ROWS):  # multiply and add modulo 2^64; collisions are verified away
            keys = keys * np.uint64(0x9E3779B97F4A7C15) + signatures[:, column].astype(np.uint64) + np.uint64(1)
        codes = [one * size + other for one, other in _bucket_pairs(keys)]
        if codes:
            found = np.sort(np.concatenate([found, *codes]))
            found = found[np.concatenate([[True], found[1:] != found[:-1]])]
    return np.stack([found // size, found % size], axis=1)


def _bucket_pairs(keys: Hashes) -> Iterator[tuple[Pairs, Pairs]]:
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
