"""The work-item engine: one person, one slot, one lease."""

import threading
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core.choices import AssignmentState, WorkKind, WorkState
from core.denied import ApplicationError
from core.models import Assignment, Project, User, WorkItem
from core.services.work import (
    work_claim,
    work_claim_ahead,
    work_claim_next,
    work_close,
    work_open,
    work_release,
    work_renew,
    work_renew_all,
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


@pytest.mark.django_db
def test_the_database_holds_that_no_more_people_do_an_item_than_it_needs(
    project: Project, expert: User, reviewer: User
) -> None:
    (item,) = open_items(project, 1)
    mine = claimed(expert, project)
    with pytest.raises(IntegrityError, match="needs no more people"), transaction.atomic():
        Assignment.objects.create(item=item, user=reviewer, slot=1, lease_until=timezone.now())
    with pytest.raises(IntegrityError, match="one_holder_per_slot"), transaction.atomic():
        Assignment.objects.create(item=item, user=reviewer, slot=0, lease_until=timezone.now())
    with pytest.raises(IntegrityError, match="needs no more people"), transaction.atomic():
        Assignment.objects.filter(pk=mine.pk).update(slot=7)
    assert [row.pk for row in Assignment.objects.all()] == [mine.pk]


@pytest.mark.django_db
def test_several_are_claimed_ahead_in_order_and_given_back(project: Project, expert: User, reviewer: User) -> None:
    items = open_items(project, 7)
    ahead = work_claim_ahead(user=expert, project=project, kind=WorkKind.REVIEW, count=5)
    assert [held.item for held in ahead] == items[:5]
    again = work_claim_ahead(user=expert, project=project, kind=WorkKind.REVIEW, count=5)
    assert [held.pk for held in again] == [held.pk for held in ahead]
    work_submit(assignment=ahead[0])
    assert claimed(expert, project) == ahead[1]
    assert claimed(reviewer, project).item == items[5]
    assert work_release(user=reviewer, assignments=[held.pk for held in ahead]) == 0
    assert work_release(user=expert, assignments=[held.pk for held in ahead[2:]]) == 3
    assert work_claim(user=reviewer, item=items[2]) is not None
    rest = work_claim_ahead(user=expert, project=project, kind=WorkKind.REVIEW, count=9)
    assert [held.item for held in rest] == [items[1], items[3], items[4], items[6]]


@pytest.mark.django_db
def test_an_open_page_keeps_everything_that_its_person_holds(project: Project, expert: User, reviewer: User) -> None:
    open_items(project, 3)
    ahead = work_claim_ahead(user=expert, project=project, kind=WorkKind.REVIEW, count=2)
    other = claimed(reviewer, project)
    for held in (*ahead, other):
        expire(held)
    assert work_renew_all(user=expert, project=project, kind=WorkKind.REVIEW) == 2
    alive = Assignment.objects.filter(lease_until__gt=timezone.now())
    assert {held.pk for held in alive} == {held.pk for held in ahead}


@pytest.mark.django_db
def test_nothing_is_kept_for_people_who_are_away(project: Project, expert: User, reviewer: User) -> None:
    open_items(project, 2)
    for held in work_claim_ahead(user=expert, project=project, kind=WorkKind.REVIEW, count=2):
        expire(held)
    mine = work_claim_ahead(user=reviewer, project=project, kind=WorkKind.REVIEW, count=2)
    assert len(mine) == 2
    assert set(Assignment.objects.filter(user=expert).values_list("state", flat=True)) == {AssignmentState.RELEASED}


@pytest.mark.django_db
def test_the_queue_is_empty_only_when_it_truly_is(project: Project, expert: User, reviewer: User) -> None:
    first, second, third = open_items(project, 3)
    WorkItem.objects.filter(pk=first.pk).update(also_excluded=[expert.pk, 0])
    work_skip(assignment=work_claim(user=expert, item=second) or pytest.fail("free"))
    assert claimed(expert, project).item == third
    work_submit(assignment=claimed(expert, project))
    assert claim(expert, project) is None
    assert work_claim(user=expert, item=first) is None
    for left in (first, second):
        assert claimed(reviewer, project).item == left
        work_submit(assignment=claimed(reviewer, project))
    assert claim(reviewer, project) is None


@pytest.mark.django_db(transaction=True)
def test_an_item_that_others_are_taking_is_waited_for_before_the_queue_is_called_empty(
    project: Project, expert: User, reviewer: User
) -> None:
    open_items(project, 1, needed=2)
    slots: list[int] = []

    def ask() -> None:
        try:
            slots.append(claimed(reviewer, project).slot)
        finally:
            connection.close()

    thread = threading.Thread(target=ask)
    with transaction.atomic():
        claimed(expert, project)
        thread.start()
        thread.join(0.3)
    thread.join(10)
    assert slots == [1]


@pytest.mark.django_db(transaction=True)
def test_a_hold_is_not_waited_for_until_it_is_on_the_disk_but_what_people_wrote_is(
    project: Project, expert: User, reviewer: User
) -> None:
    open_items(project, 2)
    relaxed = "SET LOCAL synchronous_commit TO off"
    with CaptureQueriesContext(connection) as asked:
        claimed(expert, project)
    assert relaxed in [query["sql"] for query in asked]
    with CaptureQueriesContext(connection) as asked, transaction.atomic():
        item = WorkItem.objects.exclude(assignments__user=expert).get()
        assert work_claim(user=reviewer, item=item) is not None
    assert relaxed not in [query["sql"] for query in asked]
