"""Blind votes: which of two answers is better, and what a model may learn from that."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from core.denied import ApplicationError
from core.models import User, WorkItem
from curation.choices import Part, SuiteRole
from curation.models import DatasetVersion, Suite, VersionPair
from curation.selectors.exports import version_lines
from curation.selectors.preferences import preference_examples
from evaluation.choices import Winner
from evaluation.models import Comparison, Evaluation, GradingRound, Output, Vote
from evaluation.selectors.suites import taught_items
from evaluation.selectors.votes import vote_result
from evaluation.services.grades import grade_claim, grade_submit
from evaluation.services.rounds import round_close, round_open
from evaluation.services.takebacks import grade_undo
from evaluation.services.votes import vote_submit
from training.models import ModelVersion, Run

AsUser = Callable[[User], Client]
ApiAs = Callable[..., APIClient]
pytestmark = pytest.mark.django_db


@pytest.fixture
def developing(advice_version: DatasetVersion, advice_suite: Suite) -> Suite:
    """The suite of the two models' answers, as the develop part of the version."""
    Suite.objects.filter(version=advice_version, role=SuiteRole.DEVELOP).delete()
    VersionPair.objects.filter(version=advice_version, part=Part.TEST).update(part=Part.DEVELOP)
    advice_suite.role = SuiteRole.DEVELOP
    advice_suite.save()
    return advice_suite


@pytest.fixture
def voting(developing: Suite, evaluated: Evaluation, owner: User) -> GradingRound:
    return round_open(actor=owner, evaluation=evaluated, items=4, kind="votes")


def address(voting: GradingRound, rest: str = "") -> str:
    return f"/p/{voting.evaluation.project.slug}/grading/{voting.pk}/{rest}"


def vote(voting: GradingRound, user: User, model: int | None = None, winner: str = Winner.TIE) -> Vote:
    """For the model with this number in the evaluation, or as `winner` says."""
    assignment = grade_claim(actor=user, grading_round=voting)
    assert assignment is not None
    found = Comparison.objects.select_related("left__candidate").get(pk=assignment.item.subject_id)
    if model is not None:
        winner = Winner.LEFT if found.left.candidate.ordinal == model else Winner.RIGHT
    return vote_submit(
        actor=user, grading_round=voting, assignment_id=assignment.pk, token=assignment.token, winner=winner
    )


def test_a_round_of_votes_holds_each_question_once_with_sides_drawn(voting: GradingRound) -> None:
    rows = Comparison.objects.filter(grading_round=voting).select_related("left__candidate", "right")
    assert len({row.left.item_id for row in rows}) == 4
    assert all(row.left.item_id == row.right.item_id for row in rows)
    items = WorkItem.objects.filter(batch=voting.batch)
    assert set(items.values_list("kind", "subject_type")) == {("compare", "comparison")}
    assert set(items.values_list("subject_id", flat=True)) == {row.pk for row in rows}


def test_one_click_chooses_and_nothing_on_the_page_tells_the_models(
    voting: GradingRound, reviewer: User, as_user: AsUser
) -> None:
    client = as_user(reviewer)
    text = client.get(address(voting)).content.decode()
    assignment = grade_claim(actor=reviewer, grading_round=voting)
    assert assignment is not None
    found = Comparison.objects.select_related("left", "right").get(pk=assignment.item.subject_id)
    body = text[text.index("<main") :]
    assert body.index(found.left.text) < body.index(found.right.text)
    body = re.sub(r'name="(assignment|token)" value="\d+"', "", body)  # its number may be that of an answer by chance
    for telling in ("Plain", "Advice 1", f'"{found.left_id}"', f'"{found.pk}"', "candidate"):
        assert telling not in body
    held = {"assignment": assignment.pk, "token": assignment.token}
    assert client.post(address(voting, "vote/"), held).status_code == 400
    assert client.post(address(voting, "vote/"), {**held, "winner": "left"}).status_code == 302
    given = Vote.objects.get()
    assert (given.winner, given.voter) == ("left", reviewer)
    assert (given.left_fingerprint, given.right_fingerprint) == (found.left.fingerprint, found.right.fingerprint)
    assert "1 judged, 3 to go" in client.get(address(voting)).content.decode()
    assert client.post(address(voting, "undo/")).status_code == 302
    assert not Vote.objects.exists()
    Output.objects.filter(pk=found.right_id).update(text="\n \n")
    assert "The answer is empty." in client.get(address(voting)).content.decode()


def test_what_most_voters_preferred_of_develop_answers_is_learnt_after_the_close(
    voting: GradingRound, advice_version: DatasetVersion, owner: User, reviewer: User, viewer: User, as_user: AsUser
) -> None:
    voted = [vote(voting, reviewer, model=1), vote(voting, reviewer, model=1), vote(voting, reviewer, model=0)]
    vote(voting, reviewer, winner=Winner.BOTH_BAD)
    assert list(preference_examples(advice_version)) == []
    round_close(actor=owner, grading_round=voting)
    rows = list(preference_examples(advice_version))
    assert [row["chosen"].split()[1] for row in rows].count("1") == 2
    assert {row["source"] for row in rows} == {"vote"}
    exported = [json.loads(line) for line in version_lines(advice_version, "preference")]
    assert [(row["chosen"], row["rejected"]) for row in exported] == [(row["chosen"], row["rejected"]) for row in rows]
    asked = {row.comparison.left.item.revision.pair_id for row in voted}  # type: ignore[union-attr]
    assert {int(row["id"]) for row in rows} == asked
    assert all(
        row["chosen"] != row["rejected"] == f"Answer {row['model'] != 'Plain':d}" + row["rejected"][8:] for row in rows
    )
    [duel] = vote_result(voting)
    assert (duel.first_wins, duel.second_wins, duel.ties, duel.both_bad) == (1, 2, 0, 1)
    page = as_user(viewer).get(f"/p/{voting.evaluation.project.slug}/evaluations/{voting.evaluation_id}/")
    assert "Of the clear votes Advice 1 won 67" in page.content.decode()


def test_a_round_without_one_clear_vote_says_how_many_were_alike_and_names_no_winner(
    voting: GradingRound, owner: User, reviewer: User, viewer: User, as_user: AsUser
) -> None:
    for winner in (Winner.TIE, Winner.TIE, Winner.BOTH_BAD):
        vote(voting, reviewer, winner=winner)
    round_close(actor=owner, grading_round=voting)
    [duel] = vote_result(voting)
    assert (duel.first_wins, duel.second_wins, duel.ties, duel.both_bad, duel.share) == (0, 0, 2, 1, None)
    page = as_user(viewer).get(f"/p/{voting.evaluation.project.slug}/evaluations/{voting.evaluation_id}/")
    assert page.status_code == 200
    assert "Of the clear votes" not in page.content.decode()


def test_a_test_item_never_teaches_not_even_one_that_was_a_develop_item_before(
    voting: GradingRound, developing: Suite, advice_version: DatasetVersion, owner: User, reviewer: User
) -> None:
    vote(voting, reviewer, model=1)
    round_close(actor=owner, grading_round=voting)
    assert len(list(preference_examples(advice_version))) == 1
    VersionPair.objects.filter(version=advice_version, part=Part.DEVELOP).update(part=Part.TEST)
    assert list(preference_examples(advice_version)) == []
    VersionPair.objects.filter(version=advice_version, part=Part.TEST).update(part=Part.TRAIN)
    Suite.objects.filter(pk=developing.pk).update(role=SuiteRole.TEST)
    assert list(preference_examples(advice_version)) == []


def test_a_model_that_learnt_from_votes_is_not_measured_by_what_was_voted_on(
    voting: GradingRound, developing: Suite, taught_model: ModelVersion, reviewer: User
) -> None:
    vote(voting, reviewer, model=1)
    later = ModelVersion.objects.get(pk=taught_model.pk)
    ModelVersion.objects.filter(pk=later.pk).update(created_at=Vote.objects.get().created_at.replace(year=2100))
    later.refresh_from_db()
    assert taught_items(developing, later) == 0
    Run.objects.filter(pk=later.run_id).update(recipe={"objective": "preferences"})
    later = ModelVersion.objects.get(pk=later.pk)
    assert taught_items(developing, later) == 1


def test_equal_answers_leave_nothing_to_choose_and_a_vote_is_no_grade(
    voting: GradingRound, evaluated: Evaluation, owner: User, reviewer: User
) -> None:
    held = grade_claim(actor=reviewer, grading_round=voting)
    assert held is not None
    with pytest.raises(ApplicationError, match="round of votes"):
        grade_submit(
            actor=reviewer, grading_round=voting, assignment_id=held.pk, token=held.token, values={}, usable="no"
        )
    round_close(actor=owner, grading_round=voting)
    with pytest.raises(ApplicationError, match="closed"):
        grade_undo(actor=reviewer, grading_round=voting)
    for candidate in evaluated.candidates.all():
        candidate.outputs.update(fingerprint="same")
    with pytest.raises(ApplicationError, match="nothing to choose"):
        round_open(actor=owner, evaluation=evaluated, items=4, kind="votes")
    assert GradingRound.objects.count() == 1


def test_a_program_votes_without_learning_the_models(
    developing: Suite, evaluated: Evaluation, owner: User, reviewer: User, api_as: ApiAs
) -> None:
    body = {"evaluation": evaluated.pk, "items": 1, "kind": "votes"}
    number = api_as(owner).post("/api/v1/grading-rounds/", body, format="json").json()["id"]
    client = api_as(reviewer)
    claim: dict[str, Any] = client.post(f"/api/v1/grading-rounds/{number}/claim/").json()
    assert {claim["left"][:7], claim["right"][:7]} == {"Answer "}
    given = {"round": number, "assignment": claim["assignment"], "token": claim["token"], "winner": "right"}
    made = client.post("/api/v1/votes/", given, format="json")
    assert (made.status_code, made.json()["left"]) == (201, None)
    again = client.post("/api/v1/votes/", {**given, "winner": "left"}, format="json")
    assert (again.status_code, Vote.objects.get().winner) == (400, "right")
    assert api_as(owner).get(f"/api/v1/votes/?round={number}").json()["results"] == []
    api_as(owner).post(f"/api/v1/grading-rounds/{number}/close/")
    [shown] = api_as(owner).get(f"/api/v1/votes/?round={number}").json()["results"]
    assert (shown["winner"], shown["right"]) == ("right", Comparison.objects.get().right_id)
