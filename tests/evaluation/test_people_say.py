"""People's word stands in the verdict, beside the numbers', and the page tells whether both say the same."""

from collections.abc import Callable

import pytest
from django.test import Client

from core.models import User
from evaluation.choices import RoundKind, Usable, Verdict, Winner
from evaluation.models import Comparison, Evaluation, Grade, GradingRound, Output, Vote
from evaluation.selectors.people_say import PeopleSay, compare
from evaluation.selectors.results import Headline, result_of
from evaluation.services.rounds import round_close, round_open

AsUser = Callable[[User], Client]
pytestmark = pytest.mark.django_db
KEYS = ("correct", "complete", "clear")


def graded(evaluation: Evaluation, owner: User, grader: User, *, base: float, tuned: float) -> GradingRound:
    """An open round in which one person gave each model's answers the same grade, but for one."""
    grading = round_open(actor=owner, evaluation=evaluation, items=6)
    chosen = list(evaluation.suite.items.all()[:6])
    for place, output in enumerate(Output.objects.filter(candidate__evaluation=evaluation, item__in=chosen)):
        value = tuned if output.candidate.ordinal else base
        Grade.objects.create(
            output=output, grading_round=grading, grader=grader, values=dict.fromkeys(KEYS, 3),
            overall=value - (place == 0) / 2, usable=Usable.EDITED, fingerprint=output.fingerprint,
        )  # fmt: skip
    return grading


def main(evaluation: Evaluation) -> Headline:
    found = result_of(evaluation).main
    assert found is not None
    return found


def test_an_open_round_tells_nothing_and_a_closed_one_stands_above_the_numbers(
    evaluated: Evaluation, owner: User, reviewer: User, viewer: User, as_user: AsUser
) -> None:
    grading = graded(evaluated, owner, reviewer, base=2.5, tuned=4)
    assert main(evaluated).people is None
    round_close(actor=owner, grading_round=grading)
    said = main(evaluated).people
    assert said is not None
    assert (said.verdict, said.agrees) == (Verdict.BETTER, True)
    assert said.sentence == "People gave it 4.00 of 5 against 2.42, on 6 questions graded blind."
    root = f"/p/{evaluated.project.slug}/"
    page = as_user(viewer).get(f"{root}evaluations/{evaluated.pk}/").content.decode()
    assert page.index("People and numbers agree.") < page.index("What people say") < page.index("Every measure")
    assert "People and numbers agree." in as_user(viewer).get(root).content.decode()


def test_people_who_contradict_the_numbers_are_believed_and_the_page_warns(
    evaluated: Evaluation, owner: User, reviewer: User
) -> None:
    round_close(actor=owner, grading_round=graded(evaluated, owner, reviewer, base=4, tuned=2))
    found = main(evaluated)
    assert found.people is not None
    assert (found.tone, found.people.agrees) == ("warn", False)
    assert "People and numbers disagree" in found.verdict
    assert "finetuning helped" in found.verdict


def test_votes_count_where_nobody_graded(evaluated: Evaluation, owner: User, reviewer: User) -> None:
    grading = round_open(actor=owner, evaluation=evaluated, items=8, kind=RoundKind.VOTES)
    for comparison in Comparison.objects.filter(grading_round=grading).select_related("left__candidate", "right"):
        tuned_is_left = comparison.left.candidate.ordinal == 1
        Vote.objects.create(
            comparison=comparison, voter=reviewer, winner=Winner.LEFT if tuned_is_left else Winner.RIGHT,
            left_fingerprint=comparison.left.fingerprint, right_fingerprint=comparison.right.fingerprint,
        )  # fmt: skip
    round_close(actor=owner, grading_round=grading)
    said = main(evaluated).people
    assert said is not None
    assert said.text == "Of 8 clear votes it won 8. People and numbers agree."


@pytest.mark.parametrize(
    ("people", "numbers", "agrees", "words"),
    [
        (Verdict.UNDECIDED, Verdict.BETTER, None, "neither confirm nor contradict"),
        (Verdict.BETTER, Verdict.UNDECIDED, None, "find it better, which the loss alone could not tell"),
        (Verdict.WORSE, None, None, "find it worse, which the loss alone could not tell"),
        (Verdict.WORSE, Verdict.WORSE, True, "agree"),
        (Verdict.BETTER, Verdict.WORSE, False, "disagree"),
    ],
)
def test_each_way_that_people_and_numbers_can_stand_is_told(
    people: Verdict, numbers: Verdict | None, agrees: bool | None, words: str
) -> None:
    found = compare(people, "Said.", numbers)
    assert isinstance(found, PeopleSay)
    assert found.agrees is agrees
    assert words in found.compared
