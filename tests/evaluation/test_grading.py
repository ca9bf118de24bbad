"""Blind grading: who may, what they see, and what it comes to."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from core.choices import Role, WorkState
from core.denied import ApplicationError
from core.models import Assignment, Event, Project, User, WorkItem
from core.services.people import membership_set
from evaluation.models import Evaluation, Grade, GradingRound, Output
from evaluation.selectors.grading import progress_of, round_result
from evaluation.services.grades import grade_claim, grade_submit
from evaluation.services.rounds import mixed, round_close, round_open
from evaluation.services.rubrics import rubric_current, rubric_edit
from evaluation.services.takebacks import grade_undo

AsUser = Callable[[User], Client]
pytestmark = pytest.mark.django_db
GOOD = {"correct": 5, "complete": 4, "clear": 3}


@pytest.fixture
def grading(evaluated: Evaluation, owner: User) -> GradingRound:
    return round_open(actor=owner, evaluation=evaluated, items=3)


def address(grading: GradingRound, rest: str = "") -> str:
    return f"/p/{grading.evaluation.project.slug}/grading/{grading.pk}/{rest}"


def grade(grading: GradingRound, user: User, values: dict[str, Any] | None = None, usable: str = "as_is") -> Grade:
    assignment = grade_claim(actor=user, grading_round=grading)
    assert assignment is not None
    return grade_submit(
        actor=user,
        grading_round=grading,
        assignment_id=assignment.pk,
        token=assignment.token,
        values=values or GOOD,
        usable=usable,
    )


def test_the_answers_to_a_question_come_near_each_other_and_never_one_behind_the_other() -> None:
    answers = [[10 * item + model for model in range(2)] for item in range(50)]
    order = mixed(answers, seed=7)
    assert sorted(order) == sorted(answer for row in answers for answer in row)
    places = [[order.index(answer) for answer in row] for row in answers]
    apart = [abs(one - other) for one, other in places]
    assert (min(apart), max(apart)) == (3, 5)
    halfway = {answer // 10 for answer in order[:50]}
    assert sum(max(row) < 50 for row in places) >= len(halfway) - 2, "closed early, nearly all of it is compared"
    first_model = sum(order.index(row[0]) < order.index(row[1]) for row in answers)
    assert 12 < first_model < 38
    assert order == mixed(answers, seed=7) != mixed(answers, seed=8)


def test_a_round_holds_each_answer_of_the_chosen_questions_once(grading: GradingRound, evaluated: Evaluation) -> None:
    items = WorkItem.objects.filter(kind="grade", batch=grading.batch)
    outputs = Output.objects.filter(pk__in=items.values("subject_id"))
    assert (items.count(), outputs.values("item").distinct().count()) == (6, 3)
    assert sorted(items.order_by("order").values_list("pk", flat=True)) == list(
        items.order_by("order").values_list("pk", flat=True)
    )


def test_opening_a_round_keeps_no_answer_for_the_owner(
    evaluated: Evaluation, owner: User, project: Project, as_user: AsUser
) -> None:
    page = as_user(owner).post(f"/p/{project.slug}/evaluations/{evaluated.pk}/grade/", {"items": 2, "graders": 1})
    assert (page.status_code, page["Location"]) == (302, f"/p/{project.slug}/evaluations/{evaluated.pk}/#grades")
    as_user(owner).get(page["Location"])
    assert not Assignment.objects.filter(item__kind="grade").exists()


def test_a_second_round_or_too_many_questions_are_refused_with_the_cure(
    grading: GradingRound, evaluated: Evaluation, owner: User
) -> None:
    with pytest.raises(ApplicationError, match="close that round first"):
        round_open(actor=owner, evaluation=evaluated, items=1)
    round_close(actor=owner, grading_round=grading)
    with pytest.raises(ApplicationError, match=f"1 to {evaluated.suite.size} questions"):
        round_open(actor=owner, evaluation=evaluated, items=evaluated.suite.size + 1)
    assert GradingRound.objects.count() == 1


def test_the_page_shows_question_and_answer_and_nothing_that_tells_the_model(
    grading: GradingRound, reviewer: User, as_user: AsUser
) -> None:
    text = as_user(reviewer).get(address(grading)).content.decode()
    assignment = grade_claim(actor=reviewer, grading_round=grading)
    assert assignment is not None
    output = Output.objects.select_related("item__revision").get(pk=assignment.item.subject_id)
    assert output.item.revision is not None
    for shown in (output.item.revision.instruction, output.text, output.item.revision.response):
        assert shown in text
    assert "0 graded, 6 to go" in text
    body = text[text.index("<main") :]
    for telling in ("Plain", "Advice 1", f'"{output.pk}"', f"/{output.pk}/", str(output.candidate), "candidate"):
        assert telling not in body


def test_grading_through_the_page_goes_on_to_the_next_answer(
    grading: GradingRound, reviewer: User, as_user: AsUser
) -> None:
    client = as_user(reviewer)
    client.get(address(grading))
    assignment = grade_claim(actor=reviewer, grading_round=grading)
    assert assignment is not None
    given = {"assignment": assignment.pk, "token": assignment.token, **GOOD, "usable": "edited", "comment": " Short. "}
    answer = client.post(address(grading, "submit/"), given)
    assert (answer.status_code, answer["Location"]) == (302, address(grading))
    found = Grade.objects.get()
    output = Output.objects.get(pk=assignment.item.subject_id)
    assert (found.output, found.grader, found.values, found.overall) == (output, reviewer, GOOD, 4.0)
    assert (found.usable, found.comment, found.fingerprint) == ("edited", "Short.", output.fingerprint)
    assert "1 graded, 5 to go" in client.get(address(grading)).content.decode()
    client.post(address(grading, "submit/"), given)  # the second click of an impatient person
    other = client.post(address(grading, "submit/"), {**given, "correct": 1})
    assert other.status_code == 400
    assert " checked" not in other.content.decode()  # grades typed for one answer are not laid over the next
    assert Grade.objects.get().values == GOOD


def test_the_next_answers_are_there_before_they_are_wanted(
    grading: GradingRound, reviewer: User, as_user: AsUser
) -> None:
    """The page goes on by itself, sends its grade later, and may send it twice; what it did not show it gives back."""
    client, root = as_user(reviewer), f"/p/{grading.evaluation.project.slug}/grading"
    shown = client.get(address(grading)).content.decode()
    held = grade_claim(actor=reviewer, grading_round=grading)
    assert held is not None
    assert f"{root}/holds/{held.pk}/ahead/" in shown
    ahead = client.post(f"{root}/holds/{held.pk}/ahead/").json()["items"]
    assert [one["url"] for one in ahead] == [f"{root}/holds/{one['id']}/" for one in ahead]
    assert len(ahead) == 2  # of five that are left: others shall find some too
    coming = Assignment.objects.get(pk=ahead[0]["id"])
    assert Output.objects.get(pk=coming.item.subject_id).text in client.get(ahead[0]["url"]).content.decode()
    given = {"assignment": held.pk, "token": held.token, **GOOD, "usable": "edited", "seconds": "7"}
    for _time in range(2):
        told = client.post(address(grading, "submit/"), given, headers={"Accept": "application/json"})
        assert "1 graded, 5 to go" in told.json()["part"]["html"]
    other = client.post(address(grading, "submit/"), {**given, "correct": 1}, headers={"Accept": "application/json"})
    assert (other.status_code, "judged this already" in other.json()["detail"]) == (400, True)
    assert (Grade.objects.get().values, Grade.objects.get().seconds) == (GOOD, 7.0)
    client.post(f"{root}/release/", {"assignment": ["9" * 5000, "²", *(one["id"] for one in ahead)]})
    assert client.get(ahead[0]["url"])["Location"] == address(grading)
    assert client.post(f"{root}/holds/{held.pk}/renew/").status_code == 410


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"clear": ""}, "Give “Clear” a grade from 1 to 5"),
        ({"clear": 6}, "Clear"),
        ({"clear": "9" * 5000}, "Clear"),
        ({"usable": "?"}, "could be used"),
    ],
)
def test_a_grade_that_is_not_complete_keeps_what_was_typed(
    change: dict[str, Any], reason: str, grading: GradingRound, reviewer: User, as_user: AsUser
) -> None:
    assignment = grade_claim(actor=reviewer, grading_round=grading)
    assert assignment is not None
    given = {
        "assignment": assignment.pk,
        "token": assignment.token,
        **GOOD,
        "usable": "no",
        "comment": "Kept",
        **change,
    }
    answer = as_user(reviewer).post(address(grading, "submit/"), given)
    assert answer.status_code == 400
    assert reason in answer.content.decode()
    assert "Kept" in answer.content.decode()
    assert Grade.objects.count() == 0


def test_what_others_hold_is_not_promised_to_whoever_has_nothing_left(
    grading: GradingRound, reviewer: User, expert: User, as_user: AsUser
) -> None:
    assignment = grade_claim(actor=reviewer, grading_round=grading)
    assert assignment is not None
    WorkItem.objects.filter(batch=grading.batch).exclude(pk=assignment.item_id).update(state="closed")
    page = as_user(expert).get(address(grading)).content.decode()
    assert "1 answer is in somebody else’s hands" in page
    assert "to go" not in page
    assert "1 to go" in as_user(reviewer).get(address(grading)).content.decode()


def test_nobody_grades_an_answer_twice_and_two_people_share_the_work(
    grading: GradingRound, reviewer: User, expert: User
) -> None:
    seen = [grade(grading, reviewer).output_id for _ in range(4)] + [grade(grading, expert).output_id for _ in range(2)]
    assert len(set(seen)) == 6
    assert grade_claim(actor=reviewer, grading_round=grading) is None
    assert set(WorkItem.objects.values_list("state", flat=True)) == {WorkState.DONE}


def test_with_two_graders_wanted_each_grades_every_answer_once(
    evaluated: Evaluation, owner: User, reviewer: User, expert: User
) -> None:
    grading = round_open(actor=owner, evaluation=evaluated, items=2, graders=2)
    for _ in range(4):
        grade(grading, reviewer)
    assert grade_claim(actor=reviewer, grading_round=grading) is None
    assert progress_of(grading, reviewer).left == 0
    for _ in range(4):
        grade(grading, expert, {"correct": 5, "complete": 4, "clear": 2}, "no")
    round_close(actor=owner, grading_round=grading)
    result = round_result(grading)
    assert result is not None
    assert result.graders == 2
    assert result.raw == pytest.approx(2 / 3)
    assert [model.overall.interval.count for model in result.models] == [4, 4]
    # Of two people's words the more careful one counts, once for each answer.
    assert [(share.interval.estimate, share.interval.count) for share in result.models[0].usable] == [
        (0.0, 2), (0.0, 2), (1.0, 2)
    ]  # fmt: skip


def test_a_round_closed_early_compares_the_questions_that_were_graded_in_full(
    evaluated: Evaluation, owner: User, reviewer: User, as_user: AsUser
) -> None:
    grading = round_open(actor=owner, evaluation=evaluated, items=3)
    page = f"/p/{evaluated.project.slug}/evaluations/{evaluated.pk}/"
    rows = Output.objects.filter(pk__in=WorkItem.objects.filter(kind="grade").values("subject_id"))
    base, tuned = ({row.item_id: row for row in rows.filter(candidate__ordinal=n)} for n in (0, 1))
    one, two, _three = sorted(base)
    for output, value in ((base[one], 2), (tuned[one], 4), (base[two], 5)):
        Grade.objects.create(
            output=output, grading_round=grading, grader=reviewer, values=dict.fromkeys(GOOD, value), overall=value,
            usable="edited", fingerprint=output.fingerprint,
        )  # fmt: skip
    assert "Only 1 of 3 questions has the answers of every model graded" in as_user(owner).get(page).content.decode()
    round_close(actor=owner, grading_round=grading)
    result = round_result(grading)
    assert result is not None
    assert [model.overall.text for model in result.models] == ["2.00", "4.00"]
    text = as_user(owner).get(page).content.decode()
    assert "People gave it 4.00 of 5 against 2.00, on 1 question graded blind." in text
    assert "1 grade of a question that was not finished is left out." in text


def test_the_last_grade_can_be_taken_back_and_is_asked_again(grading: GradingRound, reviewer: User) -> None:
    grade(grading, reviewer)
    last = grade(grading, reviewer)
    grade_claim(actor=reviewer, grading_round=grading)
    again = grade_undo(actor=reviewer, grading_round=grading)
    assert again.item.subject_id == last.output_id
    assert Grade.objects.count() == 1
    claimed = grade_claim(actor=reviewer, grading_round=grading)
    assert claimed is not None
    assert claimed.item.subject_id == last.output_id
    assert progress_of(grading, reviewer).mine == 1
    assert grade(grading, reviewer).output_id == last.output_id


def test_names_and_results_come_only_with_the_close_and_that_is_recorded(
    grading: GradingRound, owner: User, reviewer: User, viewer: User, as_user: AsUser
) -> None:
    for _ in range(6):
        grade(grading, reviewer)
    page = f"/p/{grading.evaluation.project.slug}/evaluations/{grading.evaluation_id}/"
    assert round_result(grading) is None
    assert "Mean grade" not in as_user(viewer).get(page).content.decode()
    assert as_user(reviewer).post(address(grading, "close/")).status_code == 403
    assert as_user(owner).post(address(grading, "close/")).status_code == 302
    grading.refresh_from_db()
    text = as_user(viewer).get(page).content.decode()
    assert "Mean grade, 1 to 5" in text
    assert "4.00" in text
    event = Event.objects.get(action="grading.unblinded")
    assert (event.actor, event.data) == (owner, {"grades": 6, "ungraded": 0})
    with pytest.raises(ApplicationError, match="closed already"):
        round_close(actor=owner, grading_round=grading)


def test_a_closed_round_takes_no_grade(grading: GradingRound, owner: User, reviewer: User) -> None:
    assignment = grade_claim(actor=reviewer, grading_round=grading)
    assert assignment is not None
    round_close(actor=owner, grading_round=grading)
    with pytest.raises(ApplicationError, match="was closed"):
        grade_submit(
            actor=reviewer,
            grading_round=grading,
            assignment_id=assignment.pk,
            token=assignment.token,
            values=GOOD,
            usable="no",
        )
    assert Grade.objects.count() == 0


def test_what_somebody_else_holds_cannot_be_graded(grading: GradingRound, reviewer: User, expert: User) -> None:
    assignment = grade_claim(actor=reviewer, grading_round=grading)
    assert assignment is not None
    with pytest.raises(ApplicationError, match="do not hold this answer"):
        grade_submit(
            actor=expert,
            grading_round=grading,
            assignment_id=assignment.pk,
            token=assignment.token,
            values=GOOD,
            usable="no",
        )
    assert Grade.objects.count() == 0


@pytest.mark.parametrize("rest", ["submit/", "skip/", "undo/", "close/"])
def test_viewers_and_strangers_change_nothing(
    rest: str, grading: GradingRound, viewer: User, stranger: User, as_user: AsUser
) -> None:
    before = (grading.state, list(WorkItem.objects.order_by("pk").values()))
    assert as_user(viewer).post(address(grading, rest)).status_code == 403
    assert as_user(stranger).post(address(grading, rest)).status_code == 404
    grading.refresh_from_db()
    assert (grading.state, list(WorkItem.objects.order_by("pk").values())) == before


def test_a_changed_rubric_is_a_new_edition_and_open_rounds_keep_theirs(
    grading: GradingRound, project: Project, owner: User, as_user: AsUser
) -> None:
    fields = {"label-0": "Correct", "low-0": "wrong", "high-0": "right", "label-1": "Polite"}
    answer = as_user(owner).post(f"/p/{project.slug}/grading/rubric/", fields)
    assert answer.status_code == 302
    newest = rubric_current(project=project)
    assert newest.number == 2
    assert [row["key"] for row in newest.criteria] == ["correct", "polite"]
    assert [row["key"] for row in grading.rubric.criteria] == ["correct", "complete", "clear"]
    same = rubric_edit(actor=owner, project=project, criteria=newest.criteria)
    assert same == newest
    answer = as_user(owner).post(f"/p/{project.slug}/grading/rubric/", {"label-0": " "})
    assert answer.status_code == 400
    assert "one to 6 criteria" in answer.content.decode()


def test_a_person_who_joined_later_takes_part(grading: GradingRound, make_user: Callable[..., User]) -> None:
    late = make_user("Lena")
    membership_set(actor=grading.created_by, project=grading.evaluation.project, user=late, role=Role.EXPERT)
    assert grade(grading, late).grader == late


def test_a_grade_and_a_skip_are_among_the_last_actions_and_stay_nameless(
    grading: GradingRound, reviewer: User, as_user: AsUser
) -> None:
    first, last = grade(grading, reviewer), grade(grading, reviewer)
    project = grading.evaluation.project
    client, actions = as_user(reviewer), f"/p/{project.slug}/actions/"
    page = client.get(actions).content.decode()
    assert page.count("graded an answer") == 2
    assert last.output.text not in page
    assert client.post(f"{actions}undo/")["Location"] == address(grading)
    assert list(Grade.objects.all()) == [first]
    claimed = grade_claim(actor=reviewer, grading_round=grading)
    assert claimed is not None
    assert claimed.item.subject_id == last.output_id
    client.post(address(grading, "skip/"), {"assignment": claimed.pk, "token": claimed.token})
    assert client.post(f"{actions}undo/").status_code == 302
    held = grade_claim(actor=reviewer, grading_round=grading)
    assert (held and held.pk) == claimed.pk
    grade_undo(actor=reviewer, grading_round=grading)
    assert "Nothing to take back" in client.get(actions).content.decode()
    assert not Grade.objects.exists()
