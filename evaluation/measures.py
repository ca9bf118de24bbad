"""What is measured of answers, with its words and its good side. docs/howto/add-a-metric.md says how to add one."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.utils.functional import lazy
from django.utils.translation import gettext, gettext_lazy
from django.utils.translation import gettext_lazy as _

from ml.checks import all_checks
from ml.metrics import METRICS


@dataclass(frozen=True)
class Measure:
    """`better` is 1 where more is better, -1 where less is, 0 where neither is. A share is of answers, 0 or 1 each."""

    key: str
    label: Any
    better: int
    help: Any = ""
    is_share: bool = False


SHARES = ("exact_match",)  # metrics that are 0 or 1
LOSS = Measure(
    "loss",
    _("Held-out loss"),
    -1,
    _(
        "How surprised the model is by the right answer, over every item: in nats a token, where 0 is certain and each "
        "0.7 more means half as sure."
    ),
)
LIMIT = Measure(
    "limit",
    _("Ran into the length limit"),
    -1,
    _("Answers that did not end by themselves. A model that was taught to stop stays near zero."),
    is_share=True,
)


@lru_cache(maxsize=1)
def measures() -> tuple[Measure, ...]:
    """Every measure in the order of the result page."""
    texts = tuple(
        Measure(
            metric.id,
            gettext_lazy(metric.name),
            {True: 1, False: -1, None: 0}[metric.higher_is_better],
            gettext_lazy(metric.description),
            is_share=metric.id in SHARES,
        )
        for metric in METRICS.values()
    )
    found = lazy(lambda name: gettext("Finding: %(check)s") % {"check": gettext(name)}, str)
    checks = tuple(
        Measure(f"check.{check.id}", found(check.name), -1, gettext_lazy(check.description), is_share=True)
        for check in all_checks()
    )
    return (LOSS, LIMIT, *texts, *checks)


def measure_of(key: str) -> Measure | None:
    return next((measure for measure in measures() if measure.key == key), None)
