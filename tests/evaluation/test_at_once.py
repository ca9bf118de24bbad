"""Grades and votes that arrive while another request about the same answer is on its way."""

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from core.choices import AssignmentState
from core.models import Assignment, Event, User, WorkItem
from core.services.work import work_claim
from evaluation.choices import RoundKind
from evaluation.models import Evaluation, Grade, GradingRound, Vote
from evaluation.services.grades import grade_claim, grade_submit
from evaluation.services.rounds import round_close, round_open
from evaluation.services.takebacks import grade_undo
from evaluation.services.votes import vote_submit

pytestmark = pytest.mark.django_db(transaction=True)
GOOD = {"correct": 5, "complete": 4, "clear": 3}
BAD = {"correct": 1, "complete": 1, "clear": 1}
WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted"  # pg_stat_activity stays as a transaction saw it first


class Meanwhile:
    """Something done by another request, in a thread with a connection of its own."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self._work = work
        self._thread = threading.Thread(target=self._run)
        self.came: Any = None

    def _run(self) -> None:
        try:
            self.came = self._work()
        except Exception as error:
            self.came = error
        finally:
            connection.close()

    def begin(self) -> None:
        """Return when it waits for what this transaction holds, or has ended without waiting."""
        self._thread.start()
        until = time.monotonic() + 30
        while self._thread.is_alive() and time.monotonic() < until:
            with connection.cursor() as cursor:
                cursor.execute(WAITING)
                if cursor.fetchone()[0]:
                    return
            self._thread.join(0.01)

    def end(self) -> Any:
        self._thread.join(30)
        return self.came


@pytest.fixture
def grading(evaluated: Evaluation, owner: User) -> GradingRound:
    return round_open(actor=owner, evaluation=evaluated, items=2)


@pytest.fixture
def voting(evaluated: Evaluation, owner: User) -> GradingRound:
    return round_open(actor=owner, evaluation=evaluated, items=2, kind=RoundKind.VOTES)


def holds(user: User, grading: GradingRound) -> Assignment:
    found = grade_claim(actor=user, grading_round=grading)
    assert found is not None
    return found


def grade(held: Assignment, grading: GradingRound, values: dict[str, int] = GOOD) -> Grade:
    return grade_submit(
        actor=held.user, grading_round=grading, assignment_id=held.pk, token=held.token, values=values, usable="as_is"
    )


def vote(held: Assignment, voting: GradingRound, winner: str = "left") -> Vote:
    return vote_submit(actor=held.user, grading_round=voting, assignment_id=held.pk, token=held.token, winner=winner)


@pytest.mark.parametrize("judge", [grade, vote])
def test_a_judgement_that_comes_twice_at_once_is_one(
    judge: Callable[..., Any], evaluated: Evaluation, owner: User, reviewer: User
) -> None:
    kind = RoundKind.VOTES if judge is vote else RoundKind.GRADES
    held = holds(reviewer, found := round_open(actor=owner, evaluation=evaluated, items=2, kind=kind))
    second = Meanwhile(lambda: judge(held, found))
    with transaction.atomic():
        first = judge(held, found)
        second.begin()
    assert second.end() == first
    assert Event.objects.filter(action__in=("grade.given", "vote.given")).count() == 1
    assert Assignment.objects.get(pk=held.pk).state == AssignmentState.SUBMITTED
    assert WorkItem.objects.filter(batch=found.batch, state="done").count() == 1


def test_of_two_grades_at_once_that_differ_the_second_is_refused(grading: GradingRound, reviewer: User) -> None:
    held = holds(reviewer, grading)
    second = Meanwhile(lambda: grade(held, grading, BAD))
    with transaction.atomic():
        grade(held, grading)
        second.begin()
    assert "judged this already, and otherwise" in str(second.end())
    assert Grade.objects.get().values == GOOD


def test_of_two_votes_at_once_that_differ_the_second_is_refused(voting: GradingRound, reviewer: User) -> None:
    held = holds(reviewer, voting)
    second = Meanwhile(lambda: vote(held, voting, "right"))
    with transaction.atomic():
        vote(held, voting)
        second.begin()
    assert "judged this already, and otherwise" in str(second.end())
    assert Vote.objects.get().winner == "left"


def test_a_grade_that_comes_while_it_is_taken_back_counts_for_nothing(grading: GradingRound, reviewer: User) -> None:
    """The first answer got lost and the page sends it again, but its person has thought better of it."""
    held = holds(reviewer, grading)
    grade(held, grading)
    again = Meanwhile(lambda: grade(held, grading))
    with transaction.atomic():
        grade_undo(actor=reviewer, grading_round=grading)
        again.begin()
    assert "do not hold this answer any more" in str(again.end())
    assert not Grade.objects.exists()


def test_a_late_grade_and_who_takes_the_answer_over_do_not_wait_for_each_other(
    grading: GradingRound, reviewer: User, expert: User
) -> None:
    """Whoever claims locks the item, then the hold that ran out. A grade that did it the other way round met them."""
    held = holds(reviewer, grading)
    Assignment.objects.filter(pk=held.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    late = Meanwhile(lambda: grade(held, grading))
    with transaction.atomic():
        WorkItem.objects.select_for_update().get(pk=held.item_id)
        late.begin()
        taken = work_claim(user=expert, item=held.item)
    assert taken is not None
    assert "took this item over" in str(late.end())
    assert not Grade.objects.exists()


@pytest.mark.parametrize("first", ["grade", "close"])
def test_no_grade_comes_in_behind_the_names(first: str, grading: GradingRound, reviewer: User, owner: User) -> None:
    held = holds(reviewer, grading)
    work: list[Callable[[], Any]] = [
        lambda: grade(held, grading), lambda: round_close(actor=owner, grading_round=grading)
    ]  # fmt: skip
    if first == "close":
        work.reverse()
    second = Meanwhile(work[1])
    with transaction.atomic():
        work[0]()
        second.begin()
    second.end()
    told = Event.objects.get(action="grading.unblinded").data
    assert told["grades"] == Grade.objects.count() == (1 if first == "grade" else 0)
