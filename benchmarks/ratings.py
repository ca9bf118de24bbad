"""Strengths from a million votes on a hundred models, with intervals by vote, rater and prompt."""

from collections.abc import Iterator

import numpy as np

from benchmarks.rows import Row, count_from, median, timed
from ml.rate import bradley_terry
from ml.votes import Votes

VOTES = 1_000_000
MODELS = 100
RATERS, PROMPTS = 2_000, 5_000


def rows() -> Iterator[Row]:
    count = count_from("BENCH_VOTES", VOTES)
    votes = made_up(count)
    seconds = median(timed(lambda: bradley_terry(votes), 3))
    yield Row(
        f"ratings with clustered intervals, {count:,} votes, {MODELS} models",
        f"{seconds:.2f} s",
        "≤ 1 s",
        "51.7 s (a known arena script), 1.2 s (Rust library)",
        seconds <= 1,
    )


def made_up(count: int) -> Votes:
    """Votes of models whose true strengths lie 1,000 rating points apart; one in ten is a tie."""
    random = np.random.default_rng(1)
    left = random.integers(0, MODELS, count)
    right = (left + random.integers(1, MODELS, count)) % MODELS
    strength = np.linspace(-2.9, 2.9, MODELS)
    won = random.random(count) < 1 / (1 + np.exp(strength[right] - strength[left]))
    outcome = np.where(random.random(count) < 0.1, 0.5, won.astype(np.float64))
    rater, prompt = random.integers(0, RATERS, count), random.integers(0, PROMPTS, count)
    return Votes(tuple(f"model {n}" for n in range(MODELS)), left, right, outcome, rater, prompt)
