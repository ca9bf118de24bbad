"""What came of an evaluation, in numbers: each measure of each model, and each model against the first."""

from collections.abc import Mapping
from typing import Any

from evaluation.choices import FinishReason, Verdict
from evaluation.measures import Measure, measures
from evaluation.models import Candidate, Evaluation, Output, Score
from ml.stats import Interval, PairedDifference, mean_interval, paired_difference, wilson

RESAMPLES = 10_000
RESAMPLES_OF_MANY = 2_000  # above MANY items the interval moves less than its own width in a thousand
MANY = 5_000
Values = Mapping[int, float]  # item -> value


def summary_make(evaluation: Evaluation) -> dict[str, Any]:
    """1. Read every model's values by item. 2. The mean of each measure with its interval, near duplicates counted as
    one cluster. 3. Each model minus the first on the items that both have, by paired bootstrap.

    Shape: {"measures": [{"key", "candidates": [{"candidate", "mean", "low", "high", "count"}],
    "differences": [{"candidate", "mean", "low", "high", "count", "better", "worse", "equal", "verdict"}]}]}.
    """
    candidates = list(Candidate.objects.filter(evaluation=evaluation))
    values = {candidate.pk: values_of(candidate) for candidate in candidates}
    groups = groups_of(evaluation)
    return {"measures": [row for measure in measures() if (row := measure_row(measure, candidates, values, groups))]}


def measure_row(
    measure: Measure, candidates: list[Candidate], values: Mapping[int, Mapping[str, Values]], groups: Mapping[int, str]
) -> dict[str, Any] | None:
    """None for a measure that some model has no value of."""
    found = [values[candidate.pk].get(measure.key, {}) for candidate in candidates]
    if not all(found):
        return None
    first, *others = found
    return {
        "key": measure.key,
        "candidates": [
            {"candidate": candidate.pk, **interval_json(mean_of(measure, rows, groups))}
            for candidate, rows in zip(candidates, found, strict=True)
        ],
        "differences": [
            {"candidate": candidate.pk, **difference}
            for candidate, rows in zip(candidates[1:], others, strict=True)
            if (difference := difference_of(measure, first, rows, groups))
        ],
    }


def mean_of(measure: Measure, rows: Values, groups: Mapping[int, str]) -> Interval:
    if measure.is_share:
        return wilson(sum(value > 0 for value in rows.values()), len(rows))
    return mean_interval(list(rows.values()), clusters=[groups[item] for item in rows])


def difference_of(measure: Measure, first: Values, second: Values, groups: Mapping[int, str]) -> dict[str, Any] | None:
    both = [item for item in first if item in second]
    if not both:
        return None
    before, after = ([as_value(measure, rows[item]) for item in both] for rows in (first, second))
    found = paired_difference(
        before,
        after,
        clusters=[groups[item] for item in both],
        resamples=RESAMPLES if len(both) <= MANY else RESAMPLES_OF_MANY,
    )
    better, worse = found.second_higher, found.first_higher
    if measure.better < 0:
        better, worse = worse, better
    return {
        **interval_json(found.interval),
        "better": better,
        "worse": worse,
        "equal": found.equal,
        "verdict": verdict_of(measure, found),
    }


def as_value(measure: Measure, value: float) -> float:
    return float(value > 0) if measure.is_share else value


def verdict_of(measure: Measure, difference: PairedDifference) -> Verdict:
    if not difference.excludes_zero:
        return Verdict.UNDECIDED
    if measure.better == 0:
        return Verdict.DIFFERENT
    gained = difference.interval.estimate * measure.better > 0
    return Verdict.BETTER if gained else Verdict.WORSE


def interval_json(interval: Interval) -> dict[str, Any]:
    return {"mean": interval.estimate, "low": interval.low, "high": interval.high, "count": interval.count}


def values_of(candidate: Candidate) -> dict[str, dict[int, float]]:
    """measure -> item -> value of one model."""
    values: dict[str, dict[int, float]] = {"loss": {}, "limit": {}}
    rows = Output.objects.filter(candidate=candidate).order_by("item_id")
    for item, loss, answered, reason in rows.values_list("item", "reference_loss", "answered", "finish_reason"):
        if loss is not None:
            values["loss"][item] = loss
        if answered:
            values["limit"][item] = float(reason == FinishReason.LENGTH)
    scores = Score.objects.filter(output__candidate=candidate).order_by("output__item_id")
    for item, metric, value in scores.values_list("output__item", "metric", "value").iterator():
        values.setdefault(metric, {})[item] = value
    return values


def groups_of(evaluation: Evaluation) -> dict[int, str]:
    """item -> what it must be counted with: near duplicates share a group, and so say little more than one."""
    rows = evaluation.suite.items.values_list("pk", "revision__pair__place__group")
    return {item: group or f"item {item}" for item, group in rows}
