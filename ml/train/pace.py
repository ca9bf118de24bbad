"""How much of a run's time may go into anything but training: measuring, saving and answering on the way."""

from __future__ import annotations

import math
import time

from ml.recipe import Recipe

# Enough pairs to tell better from worse, few enough to be measured often; and never fewer than these.
MOST_PAIRS, FEWEST_PAIRS = 200, 16
_SHARE = 0.05
_SAVES_A_RUN, _LONGEST_UNSAVED = 10, 200
_BYTES_A_SECOND = 10e9  # of memory, which answering token by token is bound by


class Allowance:
    """Time for one kind of extra work: at most five percent of all time so far, judged by what it took last."""

    def __init__(self, guess_seconds: float) -> None:
        self.last = guess_seconds
        self._spent = 0.0
        self._started = time.monotonic()

    def allows(self) -> bool:
        return self._spent + self.last <= _SHARE * (time.monotonic() - self._started)

    def spend(self, seconds: float) -> None:
        self.last = seconds
        self._spent += seconds


def saves_every(recipe: Recipe, steps: int) -> int:
    """Steps from one checkpoint to the next, where the recipe leaves it open."""
    return recipe.save_every or max(1, min(_LONGEST_UNSAVED, math.ceil(steps / _SAVES_A_RUN)))


def develop_pairs(recipe: Recipe, steps: int) -> int:
    """How many pairs a measurement takes, so that all measurements of the run cost about a tenth of its training (a
    measured pair costs a third of a trained one)."""
    trained = steps * recipe.batch_size * recipe.accumulation
    measurements = 2 + (steps // recipe.eval_every if recipe.eval_every else 0)
    return max(FEWEST_PAIRS, min(MOST_PAIRS, round(0.3 * trained / measurements)))


def answer_seconds(weights: int, tokens: int) -> float:
    """A guess before the first answer: every token reads every weight once."""
    return weights * 4 * tokens / _BYTES_A_SECOND
