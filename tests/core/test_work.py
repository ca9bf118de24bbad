"""The work-item engine: one person, one slot, one lease."""

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from core.choices import AssignmentState, WorkKind, WorkState
from core.denied import ApplicationError
from core.models import Assignment, Project, User, WorkItem
from core.services.work import (
    work_claim,
    work_claim_next,
    work_close,
    work_open,
    work_renew,
    work_skip,
    work_submit,
    work_undo,
)


def open_items(project: Project, count: int, **more: object) -> list[WorkItem]:
    return [
        work_open(project=project, kind=WorkKind.REVIEW, subject_type="pair", subject_id=number, order=number, **more)
        for number in range(count)
    ]


def claim(user: User, project: Project, **more: object) -> Assignment | None:
    return work_claim_next(user=user, project=project, kind=WorkKind.REVIEW, **more)


def claimed(user: User, project: Project) -> Assignment:
    found = claim(user, project)
    assert found is not None
    return found


def expire(assignment: Assignment) -> None:
    Assignment.objects.filter(pk=assignment.pk).update(lease_until=timezone.now() - timedelta(seconds=1))


@pytest.mark.django_db
def test_each_person_gets_another_item_in_order_and_keeps_it_until_done(
    project: Project, expert: User, reviewer: User
) -> None:
    first, second = open_items(project, 2)
    assert claimed(expert, project).item == first
    assert claimed(reviewer, project).item == second
    assert claimed(expert, project).item == first
    assert claim(project.created_by, project) is None


@pytest.mark.django_db(transaction=True)
def test_people_who_ask_at_the_same_moment_never_share_an_item(project: Project, make_user: object) -> None:
    open_items(project, 5)
    people = [make_user(f"Person{number}") for number in range(6)]
    gate, found = threading.Barrier(6), []

    def ask(user: User) -> None:
        gate.wait(10)
        assignment = claim(user, project)
        found.append(assignment.item_id if assignment else None)
        connection.close()

    threads = [threading.Thread(target=ask, args=(user,)) for user in people]
    [thread.start() for thread in threads]
    [thread.join(20) for thread in threads]
    taken = [item for item in found if item]
    assert len(taken) == len(set(taken)) == 5


@pytest.mark.django_db
def test_an_item_that_needs_two_people_is_done_when_two_did_it(project: Project, expert: User, reviewer: User) -> None:
    open_items(project, 1, needed=2)
    mine, theirs = claimed(expert, project), claimed(reviewer, project)
    assert (mine.slot, theirs.slot) == (0, 1)
    assert work_submit(assignment=mine).state == WorkState.OPEN
    assert claim(expert, project) is None
    assert work_submit(assignment=theirs).state == WorkState.DONE
    assert claim(project.created_by, project) is None


@pytest.mark.django_db
def test_the_author_is_never_offered_their_own_item(project: Project, expert: User, reviewer: User) -> None:
    (item,) = open_items(project, 1, excluded_user=expert)
    assert claim(expert, project) is None
    assert work_claim(user=expert, item=item) is None
    assert claimed(reviewer, project).item == item


@pytest.mark.django_db
def test_a_lease_that_ran_out_frees_the_slot_and_a_late_submission_is_refused(
    project: Project, expert: User, reviewer: User
) -> None:
    (item,) = open_items(project, 1)
    late = claimed(expert, project)
    expire(late)
    assert claimed(reviewer, project).item == item
    with pytest.raises(ApplicationError, match="Somebody else took this item over"):
        work_submit(assignment=late)
    item.refresh_from_db()
    assert (item.state, item.assignments.filter(state=AssignmentState.SUBMITTED).count()) == (WorkState.OPEN, 0)


@pytest.mark.django_db
def test_a_late_submission_counts_while_nobody_took_the_slot(project: Project, expert: User, reviewer: User) -> None:
    open_items(project, 1)
    late = claimed(expert, project)
    expire(late)
    assert work_submit(assignment=late).state == WorkState.DONE


@pytest.mark.django_db
def test_coming_back_renews_what_the_person_held(project: Project, expert: User) -> None:
    open_items(project, 1)
    held = claimed(expert, project)
    expire(held)
    again = claimed(expert, project)
    assert again.pk == held.pk
    assert again.lease_until > timezone.now()


@pytest.mark.django_db
def test_a_token_of_an_earlier_hold_neither_renews_nor_skips_nor_submits(project: Project, expert: User) -> None:
    open_items(project, 1)
    held = claimed(expert, project)
    work_submit(assignment=held)
    stale = Assignment.objects.get(pk=held.pk)
    renewed = Assignment.objects.get(pk=held.pk)
    new = work_undo(assignment=held)
    assert (new.token, stale.token) == (2, 1)
    until = new.lease_until
    work_skip(assignment=stale)
    work_renew(assignment=renewed)
    with pytest.raises(ApplicationError):
        work_submit(assignment=stale)
    new.refresh_from_db()
    assert (new.state, new.lease_until) == (AssignmentState.CLAIMED, until)


@pytest.mark.django_db
def test_a_skipped_item_goes_to_others_and_not_back(project: Project, expert: User, reviewer: User) -> None:
    first, second = open_items(project, 2)
    skipped = claimed(expert, project)
    work_skip(assignment=skipped, reason="not my field")
    assert claimed(expert, project).item == second
    assert claimed(reviewer, project).item == first
    skipped.refresh_from_db()
    assert (skipped.state, skipped.reason) == (AssignmentState.SKIPPED, "not my field")


@pytest.mark.django_db
def test_a_submission_can_be_taken_back_once(project: Project, expert: User) -> None:
    (item,) = open_items(project, 1)
    mine = claimed(expert, project)
    work_submit(assignment=mine)
    assert work_undo(assignment=mine).state == AssignmentState.CLAIMED
    item.refresh_from_db()
    assert item.state == WorkState.OPEN
    with pytest.raises(ApplicationError, match="nothing to undo"):
        work_undo(assignment=mine)


@pytest.mark.django_db
def test_asking_twice_opens_one_item_and_closing_ends_the_offer(project: Project, expert: User) -> None:
    (item,) = open_items(project, 1)
    assert open_items(project, 1) == [item]
    assert work_close(kind=WorkKind.REVIEW, subject_type="pair", subject_id=0) == 1
    assert claim(expert, project) is None
    (again,) = open_items(project, 1)
    assert again.pk != item.pk


@pytest.mark.django_db
def test_an_undone_skip_does_not_push_out_who_took_the_slot(project: Project, expert: User, reviewer: User) -> None:
    open_items(project, 1)
    mine = claimed(expert, project)
    work_skip(assignment=mine)
    theirs = claimed(reviewer, project)
    with pytest.raises(ApplicationError, match="Somebody else"):
        work_undo(assignment=mine)
    theirs.refresh_from_db()
    assert theirs.state == AssignmentState.CLAIMED


@pytest.mark.django_db
def test_what_a_person_held_is_not_given_back_to_them_after_somebody_took_it(
    project: Project, expert: User, reviewer: User
) -> None:
    first, second = open_items(project, 2)
    held = claimed(expert, project)
    expire(held)
    assert claimed(reviewer, project).item == first
    assert claimed(expert, project).item == second
