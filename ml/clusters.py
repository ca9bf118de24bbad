"""Groups of vectors and a flat picture of them, in numpy: k-means (Lloyd 1982) and principal axes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]
_ROUNDS = 50
_SEED = 20_231


def clusters(vectors: Matrix, count: int) -> NDArray[np.int64]:
    """The cluster of each row of `vectors` (n, d), the largest cluster being 0. Deterministic.

    Raises ValueError for a count below 1 or more clusters than rows.
    """
    if not 1 <= count <= len(vectors):
        raise ValueError(f"{len(vectors)} vectors cannot form {count} clusters.")
    random = np.random.default_rng(_SEED)
    centres = _seeds(vectors, count, random)
    labels = np.full(len(vectors), -1)
    for _ in range(_ROUNDS):
        nearest = _distances(vectors, centres).argmin(axis=1)
        if (nearest == labels).all():
            break
        labels = nearest
        for cluster in range(count):
            members = vectors[labels == cluster]
            if len(members):
                centres[cluster] = members.mean(axis=0)
    order = np.argsort(-np.bincount(labels, minlength=count), kind="stable")
    place = np.empty(count, dtype=np.int64)
    place[order] = np.arange(count)
    return place[labels]


def flat(vectors: Matrix) -> Matrix:
    """The rows on their two principal axes, shape (n, 2), each axis scaled to [-1, 1]. The signs are fixed so that the
    same vectors give the same picture."""
    centred = vectors - vectors.mean(axis=0)
    _left, _sizes, axes = np.linalg.svd(centred, full_matrices=False)
    axes = axes[:2] * np.where(
        np.abs(axes[:2]).max(axis=1, keepdims=True) == axes[:2].max(axis=1, keepdims=True), 1, -1
    )
    points = np.zeros((len(vectors), 2))
    points[:, : len(axes)] = centred @ axes.T
    reach = np.abs(points).max(axis=0)
    return points / np.where(reach > 0, reach, 1)


def _seeds(vectors: Matrix, count: int, random: np.random.Generator) -> Matrix:
    """k-means++ (Arthur and Vassilvitskii 2007): each next centre with a chance by its squared distance."""
    chosen = [int(random.integers(len(vectors)))]
    while len(chosen) < count:
        squared = _distances(vectors, vectors[chosen]).min(axis=1)
        total = squared.sum()
        chance = squared / total if total > 0 else None
        chosen.append(int(random.choice(len(vectors), p=chance)))
    return vectors[chosen].copy()


def _distances(vectors: Matrix, centres: Matrix) -> Matrix:
    """Squared distances, shape (n, k)."""
    squares = (vectors**2).sum(axis=1)[:, None] - 2 * vectors @ centres.T + (centres**2).sum(axis=1)[None, :]
    return np.maximum(squares, 0)
