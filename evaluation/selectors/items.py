"""The items of an evaluation with what two models made of them, by position in a sorting and never by number."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import Case, F, FloatField, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Cast

from evaluation.choices import FinishReason
from evaluation.measures import LIMIT, LOSS, Measure, measure_of
from evaluation.models import Candidate, Evaluation, Output, Score
from evaluation.selectors.evaluations import candidates_of
from evaluation.selectors.results import number_text

SIZE = 50
SORTS = ("win", "loss", "order")


@dataclass(frozen=True)
class Choice:
    """What the list is asked for: a measure, a sorting, the model to look at, and whose answers must have something."""

    measure: Measure
    sort: str
    first: Candidate
    second: Candidate
    has: Candidate | None

    def query(self, **change: Any) -> str:
        kept = {"measure": self.measure.key, "sort": self.sort, "model": self.second.pk}
        if self.has is not None:
            kept["has"] = self.has.pk
        return f"?{urlencode({**kept, **change})}"


@dataclass(frozen=True)
class ItemRow:
    item_id: int
    number: int
    instruction: str
    language: str
    first: str
    second: str
    change: str
    gained: bool | None  # whether the change is for the better; None where nothing changed or nothing is good


@dataclass(frozen=True)
class ItemPage:
    rows: list[ItemRow]
    first_url: str
    next_url: str
    choice: Choice
    candidates: list[Candidate]


def choice_of(evaluation: Evaluation, query: Mapping[str, str]) -> tuple[Choice, list[Candidate]]:
    """Read the list's query; what it does not know falls back to the loss, the newest model, biggest wins first."""
    candidates = candidates_of(evaluation)
    by_id = {str(candidate.pk): candidate for candidate in candidates}
    second = by_id.get(query.get("model", ""), candidates[-1])
    if second == candidates[0] and len(candidates) > 1:
        second = candidates[1]
    sort = query.get("sort", "")
    measure = measure_of(query.get("measure", "")) or LOSS
    has = by_id.get(query.get("has", ""))
    return Choice(measure, sort if sort in SORTS else "win", candidates[0], second, has), candidates


def item_page(evaluation: Evaluation, query: Mapping[str, str]) -> ItemPage:
    """One page of items: by the gain of the second model over the first in one measure, or in the suite's order."""
    choice, candidates = choice_of(evaluation, query)
    rows = after(sorted_rows(choice), choice, query)
    found = list(
        rows.values_list(
            "item", "item__ordinal", "item__revision__instruction", "item__revision__language", "a", "b", "gain"
        )[: SIZE + 1]
    )
    next_url = ""
    if len(found) > SIZE:
        item, ordinal, *_rest, gain = found[SIZE - 1]
        key = ordinal if choice.sort == "order" else repr(gain)
        next_url = choice.query(after=key, item=item)
    first_url = choice.query() if "after" in query else ""
    return ItemPage(
        [row_of(choice.measure, values) for values in found[:SIZE]], first_url, next_url, choice, candidates
    )


def sorted_rows(choice: Choice) -> QuerySet[Any]:
    """Outputs of the second model with both models' values and the gain, a number that rises with goodness."""
    direction = choice.measure.better or 1
    rows: QuerySet[Any] = Output.objects.filter(candidate=choice.second).annotate(
        a=value_of(choice.measure, choice.first), b=value_of(choice.measure, choice.second)
    )
    rows = rows.annotate(gain=Cast((F("b") - F("a")) * Value(float(direction)), FloatField()))
    if choice.has is not None:
        rows = rows.annotate(having=value_of(choice.measure, choice.has)).filter(having__gt=0)
    if choice.sort == "order":
        return rows.order_by("item__ordinal", "item")
    rows = rows.filter(a__isnull=False, b__isnull=False)
    return rows.order_by("-gain", "item") if choice.sort == "win" else rows.order_by("gain", "item")


def value_of(measure: Measure, candidate: Candidate) -> Subquery:
    """The value of a model's output to the same item."""
    outputs = Output.objects.filter(candidate=candidate, item=OuterRef("item"))
    if measure == LOSS:
        return Subquery(outputs.values("reference_loss")[:1])
    if measure == LIMIT:
        flag = Case(When(finish_reason=FinishReason.LENGTH, then=Value(1.0)), default=Value(0.0))
        return Subquery(outputs.filter(answered=True).values(flag=flag)[:1], output_field=FloatField())
    scores = Score.objects.filter(output__candidate=candidate, output__item=OuterRef("item"), metric=measure.key)
    return Subquery(scores.values("value")[:1])


def after(rows: QuerySet[Any], choice: Choice, query: Mapping[str, str]) -> QuerySet[Any]:
    """Go on behind the last row of the page before; a position that is no number is ignored."""
    try:
        key, item = float(query["after"]), int(query["item"])
    except (KeyError, ValueError):
        return rows
    if choice.sort == "order":
        return rows.filter(Q(item__ordinal__gt=key) | Q(item__ordinal=key, item__gt=item))
    further = Q(gain__lt=key) if choice.sort == "win" else Q(gain__gt=key)
    return rows.filter(further | Q(gain=key, item__gt=item))


def row_of(measure: Measure, values: tuple[Any, ...]) -> ItemRow:
    item, ordinal, instruction, language, first, second, gain = values
    change = None if first is None or second is None else second - first
    gained = None if not gain or measure.better == 0 else gain > 0
    return ItemRow(
        item,
        ordinal + 1,
        instruction,
        language,
        number_text(measure, first),
        number_text(measure, second),
        number_text(measure, change, with_sign=True),
        gained,
    )
