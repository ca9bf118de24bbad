"""Strengths of models from blind comparisons: Bradley-Terry with honest intervals, and online Elo as history.

Bradley-Terry: P(a beats b) = 1 / (1 + exp(θ_b - θ_a)), a tie is half a win and half a loss (Bradley & Terry 1952).
The rating is 1000 + 400/ln 10 · θ with mean θ zero, the strength exp(θ) / Σ exp(θ).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.stats import normal_quantile, t_quantile
from ml.votes import Floats, Ints, VoteError, Votes

# One virtual tie for each compared pair, half a win to each side: Jeffreys' prior for one pair. It keeps an undefeated
# item finite; with hundreds of votes a pair it changes nothing.
DEFAULT_PENALTY = 1.0
CONFIDENCE = 0.95
ELO_K = 4.0
ELO_START = 1000.0
_SCALE = 400 / math.log(10)
_CELLS = 8_000_000  # numbers held at once while clusters are summed: 64 MB


@dataclass(frozen=True, slots=True)
class RatedItem:
    """One item: rating and bounds on the Elo scale, strength (all sum to 1), votes it was in, and its flags.

    Rating, strength and bounds are None where the votes do not determine them.
    Flags: undefeated (won every vote), winless, separate (never compared with the largest group of items).
    """

    item: str
    rating: float | None
    strength: float | None
    low: float | None
    high: float | None
    games: int
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ratings:
    """Items by rating, best first, with what was assumed.

    Flags: not_separable (some items never lost, or never won, against the others: without a penalty there is no finite
    answer), disconnected (some items were never compared, even indirectly: their order is unknown).
    `intervals` says what the bounds are made from; `notes` are sentences for the reader.
    """

    method: str
    votes: int
    items: tuple[RatedItem, ...]
    flags: tuple[str, ...]
    penalty: float | None = None
    intervals: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The JSON object of `python -m ml rate`."""
        return asdict(self) | ({"default_penalty": DEFAULT_PENALTY} if self.method == "bt" else {})


def bradley_terry(votes: Votes, *, penalty: float = DEFAULT_PENALTY) -> Ratings:
    """Penalised maximum likelihood by Newton's method, with sandwich intervals.

    1. Count the votes by pair of items. 2. Add `penalty` virtual ties to each compared pair. 3. Newton steps until the
    gradient vanishes. 4. Bounds from the sandwich variance H⁻¹BH⁻¹ with B once over single votes and once over the
    clusters of each known kind (rater, prompt); the widest counts. 5. Flag what the votes leave open.

    With `penalty` 0 (plain maximum likelihood) and items that are not separable nothing finite exists: ratings are
    None. Raises VoteError for no votes or a penalty that is negative or not finite.
    """
    if len(votes) == 0:
        raise VoteError("There are no votes to rate from.")
    if not (math.isfinite(penalty) and penalty >= 0):
        raise VoteError(f"The penalty must be zero or more, not {penalty}.")
    table = _pair_table(votes)
    groups = _connected(table.games > 0)
    separable = _is_separable(table.wins > 0, groups)
    names = [name for name, raised in (("not_separable", not separable), ("disconnected", groups.max() > 0)) if raised]
    flags = _item_flags(table, groups)
    if penalty == 0 and not separable:
        blank = np.full(len(votes.items), np.nan)
        items = _items(votes, table, blank, blank, flags)
        return Ratings("bt", len(votes), items, tuple(names), penalty, {}, _notes(names, penalty))
    theta, inverse = _newton(table, groups, penalty)
    half, intervals = _half_widths(votes, table, theta, inverse, penalty)
    if not separable:  # residuals near zero would make the sandwich far too narrow
        half = np.maximum(half, normal_quantile(CONFIDENCE) * np.sqrt(np.diag(inverse)))
    items = _items(votes, table, theta, half, flags)
    return Ratings("bt", len(votes), items, tuple(names), penalty, intervals, _notes(names, penalty))


def elo(votes: Votes, *, k: float = ELO_K, start: float = ELO_START) -> Ratings:
    """Online Elo in the order of the votes: after each, both ratings move by k · (outcome - expected).

    The result depends on the order, so it has no bounds: use it as history and rank by `bradley_terry`.
    Strengths are those of Bradley-Terry at the same ratings. Raises VoteError for no votes.
    """
    if len(votes) == 0:
        raise VoteError("There are no votes to rate from.")
    ratings = [start] * len(votes.items)
    for left, right, outcome in zip(votes.left.tolist(), votes.right.tolist(), votes.outcome.tolist(), strict=True):
        expected = 1 / (1 + 10 ** ((ratings[right] - ratings[left]) / 400))
        change = k * (outcome - expected)
        ratings[left] += change
        ratings[right] -= change
    table = _pair_table(votes)
    groups = _connected(table.games > 0)
    theta = (np.array(ratings) - 1000) / _SCALE
    items = _items(votes, table, theta, np.full(theta.size, np.nan), _item_flags(table, groups))
    flags = ("disconnected",) if groups.max() > 0 else ()
    note = "Elo depends on the order of the votes, so it has no interval; rank by Bradley-Terry (method bt)."
    return Ratings("elo", len(votes), items, flags, None, {}, (note, *_notes(flags, None)))


METHODS: dict[str, Callable[..., Ratings]] = {"bt": bradley_terry, "elo": elo}


@dataclass(frozen=True, slots=True)
class _PairTable:
    """Counts by ordered pair, n × n: `wins[a, b]` is what a got from b, ties ½ each; `games` and `ties` of the pair."""

    wins: Floats
    games: Floats
    ties: Floats


def _pair_table(votes: Votes) -> _PairTable:
    size = len(votes.items)
    pair = votes.left * size + votes.right
    cells = size * size
    gained = np.bincount(pair, weights=votes.outcome, minlength=cells).reshape(size, size)
    played = np.bincount(pair, minlength=cells).astype(np.float64).reshape(size, size)
    tied = np.bincount(pair[votes.outcome == 0.5], minlength=cells).astype(np.float64).reshape(size, size)
    return _PairTable(wins=gained + (played - gained).T, games=played + played.T, ties=tied + tied.T)


def _connected(adjacent: NDArray[np.bool_]) -> Ints:
    """The group number of each item under a symmetric relation; group 0 is the largest."""
    size = len(adjacent)
    group = np.full(size, -1)
    for item in range(size):
        if group[item] < 0:
            group[_reachable(adjacent, item)] = item
    labels, counts = np.unique(group, return_counts=True)
    order = labels[np.lexsort((labels, -counts))]
    rank = {label: number for number, label in enumerate(order.tolist())}
    return np.array([rank[label] for label in group.tolist()], dtype=np.int64)


def _reachable(adjacent: NDArray[np.bool_], start: int) -> NDArray[np.bool_]:
    seen = np.zeros(len(adjacent), dtype=bool)
    frontier = seen.copy()
    frontier[start] = True
    while frontier.any():
        seen |= frontier
        frontier = adjacent[frontier].any(axis=0) & ~seen
    return seen


def _is_separable(beats: NDArray[np.bool_], groups: Ints) -> bool:
    """Whether maximum likelihood is finite: in each group every item has beaten (or drawn with) every other, if only
    through others (Ford 1957). One item per group, followed along wins and along losses, decides it."""
    for group in range(int(groups.max()) + 1):
        start = int(np.argmax(groups == group))
        members = groups == group
        if (_reachable(beats, start) != members).any() or (_reachable(beats.T, start) != members).any():
            return False
    return True


def _newton(table: _PairTable, groups: Ints, penalty: float) -> tuple[Floats, Floats]:
    """Strengths θ (mean zero in each group) and the pseudo-inverse of the information matrix there.

    The information matrix H is singular along one direction per group: equal steps of all its members. Adding κJ, J the
    projection on these directions, makes it regular, leaves every step mean-zero, and inv(H + κJ) = pinv(H) + J/κ.
    """
    virtual = penalty * (table.games > 0)
    games, wins = table.games + virtual, table.wins + virtual / 2
    same = (groups[:, None] == groups[None, :]).astype(np.float64)
    ridge = games.sum() / len(games) * same / same.sum(axis=1)
    theta = np.zeros(len(games))
    likelihood = _likelihood(theta, wins)
    for _ in range(200):
        information, gradient = _derivatives(theta, games, wins)
        step = np.linalg.solve(information + ridge, gradient)
        while (candidate := _likelihood(theta + step, wins)) < likelihood - 1e-9 * abs(likelihood):
            step /= 2
        theta, likelihood = theta + step, candidate
        if np.abs(step).max() < 1e-13 * max(1.0, np.abs(theta).max()):
            break
    information, _ = _derivatives(theta, games, wins)
    inverse = np.linalg.inv(information + ridge) - ridge * (len(games) / games.sum()) ** 2
    return theta, inverse


def _probabilities(theta: Floats) -> Floats:
    """P(row beats column), without overflow."""
    return 0.5 * (1 + np.tanh((theta[:, None] - theta[None, :]) / 2))


def _likelihood(theta: Floats, wins: Floats) -> float:
    return float(-(wins * np.logaddexp(0, theta[None, :] - theta[:, None])).sum())


def _derivatives(theta: Floats, games: Floats, wins: Floats) -> tuple[Floats, Floats]:
    """Information matrix (n × n) and gradient (n) of the log-likelihood."""
    chance = _probabilities(theta)
    weight = games * chance * chance.T
    return np.diag(weight.sum(axis=1)) - weight, (wins - games * chance).sum(axis=1)


def _half_widths(
    votes: Votes, table: _PairTable, theta: Floats, inverse: Floats, penalty: float
) -> tuple[Floats, dict[str, Any]]:
    """Half the 95 % interval of each θ, the widest over votes and clusters, and what it is made from."""
    chance = _probabilities(theta)
    virtual = penalty * (table.games > 0) * (chance.T**2 + chance**2) / 2
    spread = _laplacian(virtual)
    errors = {"vote": _standard_errors(inverse, _laplacian(_squared_scores(table, chance)) + spread)}
    half = normal_quantile(CONFIDENCE) * errors["vote"]
    counts: dict[str, int] = {}
    for kind, clusters in (("rater", votes.rater), ("prompt", votes.prompt)):
        number = 0 if clusters is None else int(clusters.max()) + 1
        if clusters is None or number < 2:
            continue
        counts[kind] = number
        meat = number / (number - 1) * _cluster_scores(votes, clusters, chance)
        errors[kind] = _standard_errors(inverse, meat + spread)
        half = np.maximum(half, t_quantile(CONFIDENCE, number - 1) * errors[kind])
    mean_errors = {kind: float(error.mean() * _SCALE) for kind, error in errors.items()}
    return half, {"confidence": CONFIDENCE, "kind": "sandwich", "clusters": counts, "mean_standard_error": mean_errors}


def _squared_scores(table: _PairTable, chance: Floats) -> Floats:
    """Σ (outcome - expected)² over the votes of each pair, symmetric."""
    won = table.wins - table.ties / 2
    return won * chance.T**2 + won.T * chance**2 + table.ties * (0.5 - chance) ** 2


def _laplacian(weights: Floats) -> Floats:
    """Σ over unordered pairs of w_ab (e_a - e_b)(e_a - e_b)ᵀ, for symmetric weights."""
    return np.diag(weights.sum(axis=1)) - weights


def _standard_errors(inverse: Floats, meat: Floats) -> Floats:
    return np.sqrt(np.einsum("ij,jk,ki->i", inverse, meat, inverse, optimize=True).clip(min=0))


def _cluster_scores(votes: Votes, clusters: Ints, chance: Floats) -> Floats:
    """Σ s sᵀ over the clusters, s the sum of the scores (outcome - expected)(e_left - e_right) of a cluster's votes.

    A part of the clusters at a time, so that a million clusters fit in memory.
    """
    size = len(votes.items)
    residual = votes.outcome - chance[votes.left, votes.right]
    number = int(clusters.max()) + 1
    rows = max(1, _CELLS // size)
    total = np.zeros((size, size))
    for first in range(0, number, rows):
        inside = slice(None) if number <= rows else (clusters >= first) & (clusters < first + rows)
        cell = (clusters[inside] - first) * size
        cells = min(rows, number - first) * size
        scores = np.bincount(cell + votes.left[inside], weights=residual[inside], minlength=cells)
        scores -= np.bincount(cell + votes.right[inside], weights=residual[inside], minlength=cells)
        part = scores.reshape(-1, size)
        total += part.T @ part
    return total


def _item_flags(table: _PairTable, groups: Ints) -> list[tuple[str, ...]]:
    games, wins = table.games.sum(axis=1), table.wins.sum(axis=1)
    raised = {"undefeated": wins == games, "winless": wins == 0, "separate": groups > 0}
    return [tuple(name for name, where in raised.items() if where[item]) for item in range(len(games))]


def _items(
    votes: Votes, table: _PairTable, theta: Floats, half: Floats, flags: list[tuple[str, ...]]
) -> tuple[RatedItem, ...]:
    """The rows of the output; NaN becomes None."""
    power = np.exp(theta - np.max(theta))
    strength = power / power.sum()
    rating = ELO_START + _SCALE * theta
    low, high = rating - _SCALE * half, rating + _SCALE * half
    games = table.games.sum(axis=1)
    rows = [
        RatedItem(
            item=name,
            rating=_number(rating[index]),
            strength=_number(strength[index]),
            low=_number(low[index]),
            high=_number(high[index]),
            games=int(games[index]),
            flags=flags[index],
        )
        for index, name in enumerate(votes.items)
    ]
    return tuple(sorted(rows, key=lambda row: (row.rating is None, -(row.rating or 0.0), row.item)))


def _number(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def _notes(flags: Sequence[str], penalty: float | None) -> tuple[str, ...]:
    notes = []
    if "not_separable" in flags and penalty == 0:
        notes.append(
            "Some items won or lost every vote against the others, so maximum likelihood has no finite answer. "
            f"Rate with a penalty (the default is {DEFAULT_PENALTY:g}), or collect more votes on these items."
        )
    elif "not_separable" in flags:
        notes.append(
            "Some items won or lost every vote against the others: how far they are ahead or behind is decided by the "
            "penalty, not by the votes. Collect more votes on these items."
        )
    if "disconnected" in flags:
        notes.append(
            "Some items were never compared with the others, not even through a third: their order is unknown. "
            "Compare the items flagged separate with the others."
        )
    return tuple(notes)
