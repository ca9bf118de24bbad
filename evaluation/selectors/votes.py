"""Votes: what a voter sees, what a closed round of votes says, and the preferences that models may learn from."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from core.models import Assignment
from core.registries import PreferredAnswer
from curation.choices import SuiteRole
from evaluation.choices import RoundKind, RoundState, Winner
from evaluation.models import Candidate, Comparison, GradingRound, Vote
from evaluation.selectors.grading import Said, item_example
from ml.stats import wilson


@dataclass(frozen=True)
class Choice:
    """What a voter sees: a question and two answers, and nothing that tells whose they are."""

    assignment: Assignment
    example: dict[str, Any]
    left: str
    right: str


@dataclass(frozen=True)
class Duel:
    """What people said of two models: how often each was better. `share` speaks of the second, among clear votes: None
    where there is none."""

    first: Candidate
    second: Candidate
    first_wins: int
    second_wins: int
    ties: int
    both_bad: int
    share: Said | None


def choice_of(assignment: Assignment) -> Choice:
    """The texts behind a held work item."""
    parts = ("left__candidate__evaluation__suite__version", "left__item__revision", "right")
    found = Comparison.objects.select_related(*parts).get(pk=assignment.item.subject_id)
    return Choice(assignment, item_example(found.left), found.left.text, found.right.text)


def vote_result(grading_round: GradingRound) -> list[Duel]:
    """Every two models that were compared; empty while the round is open: the names stay hidden until it is closed."""
    if grading_round.state != RoundState.CLOSED or grading_round.kind != RoundKind.VOTES:
        return []
    rows = Vote.objects.filter(comparison__grading_round=grading_round).values_list(
        "comparison__left__candidate", "comparison__right__candidate", "winner"
    )
    counted: dict[tuple[int, int], Counter[str]] = {}
    for left, right, winner in rows:
        one, other = sorted((left, right))
        said = {Winner.LEFT: str(left), Winner.RIGHT: str(right)}.get(Winner(winner), winner)
        counted.setdefault((one, other), Counter())[said] += 1
    models = Candidate.objects.select_related("base", "model_version").filter(evaluation=grading_round.evaluation_id)
    named = {candidate.pk: candidate for candidate in models}
    return [duel(named[one], named[other], counts) for (one, other), counts in sorted(counted.items())]


def duel(first: Candidate, second: Candidate, counts: Counter[str]) -> Duel:
    wins = counts[str(first.pk)], counts[str(second.pk)]
    share = Said(str(second), wilson(wins[1], sum(wins)), is_share=True) if any(wins) else None
    return Duel(first, second, *wins, counts[Winner.TIE], counts[Winner.BOTH_BAD], share)


def preferred_answers(task: int) -> Iterable[PreferredAnswer]:
    """Answers to items of a task's develop suites that more than half of the voters found better than the other.

    From closed rounds only: an open one must not tell its voters anything. An erased answer teaches nothing.
    """
    votes = (
        Vote.objects.filter(
            comparison__grading_round__state=RoundState.CLOSED,
            comparison__left__item__suite__task=task,
            comparison__left__item__suite__role=SuiteRole.DEVELOP,
            comparison__left__item__revision__isnull=False,
        )
        .exclude(comparison__left__text="")
        .exclude(comparison__right__text="")
    )
    parts = ("left__item", "left__candidate__base", "left__candidate__model_version")
    others = ("right__candidate__base", "right__candidate__model_version")
    chosen = votes.select_related(*(f"comparison__{part}" for part in (*parts, *others))).order_by("comparison", "pk")
    for comparison, said in groupby(chosen, key=lambda vote: vote.comparison):
        counts = Counter(vote.winner for vote in said)
        for winner, better, worse in (
            (Winner.LEFT, comparison.left, comparison.right),
            (Winner.RIGHT, comparison.right, comparison.left),
        ):
            if 2 * counts[winner] > counts.total():
                revision = comparison.left.item.revision_id
                yield PreferredAnswer(revision or 0, better.text, worse.text, str(worse.candidate))
