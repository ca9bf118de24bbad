"""Rounds of grades and of votes: how far each is, and what came of it once it is closed."""

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import Any

from django.db.models import Count, QuerySet

from core.models import Project
from evaluation.choices import RoundKind
from evaluation.models import Candidate, Comparison, Evaluation, Grade, GradingRound, Vote
from evaluation.selectors.grading import RoundResult, items_in_full, round_result
from evaluation.selectors.votes import Duel, vote_result


@dataclass(frozen=True)
class RoundRow:
    """A round with how much of it is done, and what came of its grades once it is closed."""

    round: GradingRound
    done: int
    wanted: int
    result: RoundResult | None = None
    duels: list[Duel] = field(default_factory=list)
    in_full: int = 0  # questions of which every model's answer was graded

    @property
    def share(self) -> float:
        return self.done / self.wanted if self.wanted else 0.0


def rounds_of(evaluation: Evaluation) -> list[RoundRow]:
    rows = rows_of(GradingRound.objects.filter(evaluation=evaluation))
    return [
        replace(row, result=round_result(row.round), duels=vote_result(row.round), in_full=in_full(row.round))
        for row in rows
    ]


def in_full(grading_round: GradingRound) -> int:
    graded = Grade.objects.filter(grading_round=grading_round).values_list("output__item", "output__candidate")
    return len(items_in_full(graded, grading_round.evaluation.candidates.count()))


def rounds_in(project: Project) -> list[RoundRow]:
    """The rounds of a project, open ones first, the newest first; at most 50."""
    return rows_of(GradingRound.objects.filter(evaluation__project=project))


def rows_of(rounds: QuerySet[GradingRound]) -> list[RoundRow]:
    found = list(rounds.select_related("evaluation__project", "rubric").order_by("-state", "-pk")[:50])
    counts: dict[int, int] = defaultdict(int)
    for number in Grade.objects.filter(grading_round__in=found).values_list("grading_round", flat=True):
        counts[number] += 1
    voting = [row for row in found if row.kind == RoundKind.VOTES]
    compared = counted(Comparison.objects.filter(grading_round__in=voting), "grading_round") if voting else {}
    voted = Vote.objects.filter(comparison__grading_round__in=voting)
    counts |= counted(voted, "comparison__grading_round") if voting else {}
    models = dict.fromkeys((row.evaluation_id for row in found), 0)
    for evaluation in Candidate.objects.filter(evaluation__in=models).values_list("evaluation", flat=True):
        models[evaluation] += 1
    return [
        RoundRow(row, counts[row.pk], compared.get(row.pk, row.items * models[row.evaluation_id]) * row.graders)
        for row in found
    ]


def counted(rows: QuerySet[Any], key: str) -> dict[int, int]:
    return dict(rows.order_by().values_list(key).annotate(count=Count("pk")))
