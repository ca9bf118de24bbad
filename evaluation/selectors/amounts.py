"""How many items the models may be asked to answer: a quick look, a closer one, or all."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from curation.models import Suite
from evaluation.selectors.estimates import Estimate, Model, answer_limit, estimate_of, suite_size
from ml.stats import wilson

QUICK_LOOK, CLOSER_LOOK = 30, 100
FEWER = 0.8  # of a suite; an amount that asks more than this is as good as all


@dataclass(frozen=True)
class Amount:
    """A choice of the form: `answers` items answered by each model (0: all), and how long that takes."""

    key: str
    label: Any
    answers: int
    items: int
    estimate: Estimate | None

    @property
    def text(self) -> str:
        told = ngettext(
            "Each model answers %(items)d item; a share is then right to within %(points)d percentage points.",
            "Each model answers %(items)d items; a share is then right to within %(points)d percentage points.",
            self.items,
        )
        return told % {"items": self.items, "points": points_off(self.items)}

    @property
    def time(self) -> str:
        if self.estimate is None:
            return _("How long it takes is known once this model has answered here.")
        return _("Takes %(time)s.") % {"time": self.estimate.text}


def amounts_of(suite: Suite, models: Sequence[Model]) -> list[Amount]:
    """The smaller ones only where the suite has clearly more items than they ask for."""
    size = suite_size(suite)
    limit = answer_limit(size)
    offered = [("look", _("A quick look"), QUICK_LOOK), ("closer", _("A closer look"), CLOSER_LOOK)]
    fitting = [(key, label, number) for key, label, number in offered if number <= FEWER * size.items]
    return [
        Amount(
            key,
            label,
            number,
            number or size.items,
            estimate_of(suite, models, answers=number, max_new_tokens=limit, size=size),
        )
        for key, label, number in [*fitting, ("all", _("All items"), 0)]
    ]


def points_off(answers: int) -> int:
    """How many percentage points a share of so many answers may be off, at its worst (Wilson, 95 %)."""
    found = wilson(answers // 2, answers)
    return round(50 * ((found.high or 1) - (found.low or 0)))
