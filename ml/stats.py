"""Intervals for scores and rates. numpy only; every function is proven against published values.

An interval is honest about what varies: give `clusters` (the prompt or the rater of each value) wherever values of one
cluster resemble each other, or the interval is too narrow.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_CELLS = 4_000_000  # resampled values held at once: 32 MB


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with the bounds of its interval; the bounds are None where the data say nothing about them."""

    estimate: float
    low: float | None
    high: float | None
    count: int
    confidence: float
    method: str


@dataclass(frozen=True, slots=True)
class PairedDifference:
    """Second minus first over the same items: the mean with its interval, and on how many items which was higher."""

    interval: Interval
    first_mean: float
    second_mean: float
    second_higher: int
    first_higher: int
    equal: int

    @property
    def excludes_zero(self) -> bool:
        """Whether the difference is told from nothing at this confidence."""
        low, high = self.interval.low, self.interval.high
        return low is not None and high is not None and (low > 0 or high < 0)


def mean_interval(
    values: Sequence[float] | Floats,
    *,
    confidence: float = 0.95,
    method: Literal["t", "bootstrap"] = "t",
    clusters: Sequence[Hashable] | None = None,
    resamples: int = 10_000,
    seed: int = 0,
) -> Interval:
    """The mean of some values with its interval.

    "t": mean ± t · s/√n with n - 1 degrees of freedom; with clusters the cluster-robust standard error
    √(C/(C-1) · Σ(Σ residuals of a cluster)²)/n with C - 1 degrees of freedom (Miller 2024, arXiv 2411.00640).
    "bootstrap": percentiles of the means of `resamples` samples drawn with replacement (whole clusters if given).
    One value or one cluster has no bounds. Raises ValueError for no values, values that are not finite, or a wrong
    number of clusters.
    """
    array = _finite(values)
    groups = _cluster_ids(clusters, array.size)
    mean = float(array.mean())
    if method == "bootstrap":
        low, high = _bootstrap_bounds(array, groups, confidence, resamples, seed)
    else:
        low, high = _t_bounds(array, groups, confidence)
    return Interval(mean, low, high, array.size, confidence, method)


def mean_interval_of(count: int, mean: float, deviation: float | None, *, confidence: float = 0.95) -> Interval:
    """The t interval of values of which only their number, mean and standard deviation (n - 1) are known, as a database
    counts them. One value has no deviation and no bounds."""
    if count < 2 or deviation is None:
        return Interval(mean, None, None, count, confidence, "t")
    half = t_quantile(confidence, count - 1) * deviation / math.sqrt(count)
    return Interval(mean, mean - half, mean + half, count, confidence, "t")


def paired_difference(
    first: Sequence[float] | Floats,
    second: Sequence[float] | Floats,
    *,
    confidence: float = 0.95,
    clusters: Sequence[Hashable] | None = None,
    resamples: int = 10_000,
    seed: int = 0,
) -> PairedDifference:
    """By how much `second` exceeds `first` on the same items: the mean difference with its paired bootstrap interval.

    Items (or whole clusters) are drawn with replacement, both scores of an item together; the bounds are percentiles of
    the mean differences (Efron & Tibshirani 1993, chapter 13). Raises ValueError if the lengths differ.
    """
    before, after = _finite(first), _finite(second)
    if before.size != after.size:
        raise ValueError(f"Paired scores need the same items: {before.size} before, {after.size} after.")
    change = after - before
    interval = mean_interval(
        change, confidence=confidence, method="bootstrap", clusters=clusters, resamples=resamples, seed=seed
    )
    higher, lower = int((change > 0).sum()), int((change < 0).sum())
    return PairedDifference(
        interval, float(before.mean()), float(after.mean()), higher, lower, change.size - higher - lower
    )


def wilson(successes: int, total: int, *, confidence: float = 0.95) -> Interval:
    """A share with its score interval (Wilson 1927): sound for few cases and for shares near 0 and 1.

    Raises ValueError unless 0 ≤ successes ≤ total and total > 0.
    """
    if total <= 0 or not 0 <= successes <= total:
        raise ValueError(f"A share needs some cases and no more successes than cases: {successes} of {total}.")
    z = normal_quantile(confidence)
    share = successes / total
    denominator = 1 + z * z / total
    centre = (share + z * z / (2 * total)) / denominator
    half = z / denominator * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    low = 0.0 if successes == 0 else centre - half
    high = 1.0 if successes == total else centre + half
    return Interval(share, low, high, total, confidence, "wilson")


def normal_quantile(confidence: float) -> float:
    """How many standard errors a two-sided normal interval spans on each side: 1.95996 for 0.95."""
    return NormalDist().inv_cdf(_upper_tail(confidence))


@lru_cache(maxsize=256)
def t_quantile(confidence: float, freedom: float) -> float:
    """The same for Student's t with `freedom` degrees of freedom: 2.22814 for 0.95 and 10. By bisection of its CDF."""
    if freedom <= 0:
        raise ValueError(f"Student's t needs more than zero degrees of freedom, not {freedom}.")
    target = 2 * (1 - _upper_tail(confidence))
    low, high = 0.0, 1.0
    while _t_two_sided_tail(high, freedom) > target:
        high *= 2
    for _ in range(200):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if _t_two_sided_tail(middle, freedom) > target else (low, middle)
    return (low + high) / 2


def _upper_tail(confidence: float) -> float:
    if not 0 < confidence < 1:
        raise ValueError(f"A confidence lies between 0 and 1, not at {confidence}.")
    return (1 + confidence) / 2


def _finite(values: Sequence[float] | Floats) -> Floats:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or array.size == 0:
        raise ValueError("A mean needs at least one value, in one row.")
    if not np.isfinite(array).all():
        place = int(np.flatnonzero(~np.isfinite(array))[0])
        raise ValueError(f"Value {place + 1} of {array.size} is {array[place]}; scores must be finite numbers.")
    return array


def _cluster_ids(clusters: Sequence[Hashable] | None, size: int) -> NDArray[np.intp] | None:
    """Numbers from 0 for the clusters, in order of appearance."""
    if clusters is None:
        return None
    if len(clusters) != size:
        raise ValueError(f"Every value needs its cluster: {size} values, {len(clusters)} clusters.")
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(cluster, len(numbers)) for cluster in clusters], dtype=np.intp)


def _t_bounds(array: Floats, groups: NDArray[np.intp] | None, confidence: float) -> tuple[float | None, float | None]:
    sums = array - array.mean() if groups is None else np.bincount(groups, weights=array - array.mean())
    count = sums.size
    if count < 2:
        return None, None
    error = math.sqrt(count / (count - 1) * float(sums @ sums)) / array.size
    half = t_quantile(confidence, count - 1) * error
    return float(array.mean()) - half, float(array.mean()) + half


def _bootstrap_bounds(
    array: Floats, groups: NDArray[np.intp] | None, confidence: float, resamples: int, seed: int
) -> tuple[float | None, float | None]:
    sums = array if groups is None else np.bincount(groups, weights=array)
    sizes = np.ones_like(array) if groups is None else np.bincount(groups).astype(np.float64)
    count = sums.size
    if count < 2:
        return None, None
    random = np.random.default_rng(seed)
    means = np.empty(resamples)
    rows = max(1, _CELLS // count)
    for start in range(0, resamples, rows):
        picks = random.integers(0, count, size=(min(rows, resamples - start), count))
        means[start : start + rows] = sums[picks].sum(axis=1) / sizes[picks].sum(axis=1)
    tail = 1 - _upper_tail(confidence)
    low, high = np.quantile(means, [tail, 1 - tail])
    return float(low), float(high)


def _t_two_sided_tail(t: float, freedom: float) -> float:
    """P(|T| > t) = I_x(ν/2, ½) at x = ν/(ν + t²) (DLMF 8.17, Abramowitz & Stegun 26.7.1)."""
    return _beta_share(freedom / (freedom + t * t), freedom / 2, 0.5)


def _beta_share(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function I_x(a, b), by the continued fraction DLMF 8.17.22."""
    if x <= 0 or x >= 1:
        return 0.0 if x <= 0 else 1.0
    if x > (a + 1) / (a + b + 2):  # where the fraction converges fast; else by I_x(a, b) = 1 - I_{1-x}(b, a)
        return 1 - _beta_share(1 - x, b, a)
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x))
    fraction = 1.0
    for step in range(200 + 2 * int(math.sqrt(max(a, b))), 0, -1):
        m = step // 2
        if step % 2:
            term = -(a + m) * (a + b + m) / ((a + 2 * m) * (a + 2 * m + 1))
        else:
            term = m * (b - m) / ((a + 2 * m - 1) * (a + 2 * m))
        fraction = 1 + term * x / fraction
    return front / (a * fraction)
