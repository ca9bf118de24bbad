"""Two people for every pair: held by the service with a sentence, and by the database below it."""

from collections.abc import Callable

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from core.choices import Role, WorkKind
from core.denied import ApplicationError, Conflict
from core.models import Assignment, Project, User, WorkItem
from core.selectors.inbox import inbox_unread
from core.services.projects import project_update
from core.services.work import work_claim_next
from curation.choices import Decision, Origin, PairState, ReviewBasis
from curation.fingerprints import Texts
from curation.models import Pair, Review, Task
from curation.selectors.pairs import returned_to
from curation.selectors.reviews import reviews_waiting
from curation.services.pairs import pair_revise, pair_submit
from curation.services.reviews import pair_waiting, review_decide, review_fix
from curation.services.tasks import task_create
from tests.world import join

pytestmark = pytest.mark.django_db
TEXTS = Texts(instruction="How high may a fence be?", response="Up to 1.1 metres.")
OTHER = Texts(instruction="How high may a fence be?", response="Under PBL, up to 1.1 metres.")


def review_next(project: Project, user: User, kind: WorkKind = WorkKind.REVIEW) -> tuple[Assignment, Pair] | None:
    """What the person gets who asks for the next review, as pages and API ask for it."""
    while held := work_claim_next(user=user, project=project, kind=kind):
        if (pair := pair_waiting(held)) is not None:
            return held, pair
    return None


@pytest.fixture
def task(project: Project, owner: User) -> Task:
    return task_create(actor=owner, project=project, name="Advise")


@pytest.fixture
def pair(task: Task, expert: User) -> Pair:
    return pair_submit(actor=expert, task=task, texts=TEXTS)


def decide(pair: Pair, user: User, decision: Decision = Decision.APPROVE, reason: str = "") -> Review:
    return review_decide(actor=user, pair=pair, revision_id=pair.current_id or 0, decision=decision, reason=reason)


def test_a_second_person_approves(pair: Pair, reviewer: User) -> None:
    review = decide(pair, reviewer)
    pair.refresh_from_db()
    assert (pair.state, pair.approved_id) == (PairState.APPROVED, pair.current_id)
    assert (review.basis, review.fingerprint) == (ReviewBasis.SECOND_PERSON, TEXTS.fingerprint)
    assert not WorkItem.objects.filter(state="open").exists()


def test_nobody_approves_their_own_text(task: Task, owner: User) -> None:
    pair = pair_submit(actor=owner, task=task, texts=TEXTS)
    with pytest.raises(ApplicationError, match="somebody else has to approve"):
        decide(pair, owner)
    pair.refresh_from_db()
    assert (pair.state, pair.approved) == (PairState.SUBMITTED, None)
    assert not Review.objects.exists()


@pytest.mark.parametrize(
    ("basis", "sentence"),
    [
        (ReviewBasis.SECOND_PERSON, "cannot approve it"),
        (ReviewBasis.SOLO, "not solo"),
        (ReviewBasis.IMPORT, "was not imported"),
    ],
)
def test_the_database_refuses_what_the_service_would_have_missed(
    pair: Pair, expert: User, basis: ReviewBasis, sentence: str
) -> None:
    values = {"revision": pair.current, "reviewer": expert, "decision": "approve", "basis": basis, "fingerprint": "x"}
    with pytest.raises(IntegrityError, match=sentence), transaction.atomic():
        Review.objects.create(**values)
    assert not Review.objects.exists()
    returned = Review.objects.create(**{**values, "decision": "return", "basis": ReviewBasis.SECOND_PERSON})
    with pytest.raises(IntegrityError), transaction.atomic():
        Review.objects.filter(pk=returned.pk).update(decision="approve", basis=basis)


def test_a_solo_project_lets_the_author_approve_and_says_so(project: Project, task: Task, owner: User) -> None:
    project_update(actor=owner, project=project, solo=True)
    pair = pair_submit(actor=owner, task=Task.objects.get(pk=task.pk), texts=TEXTS)
    assert decide(pair, owner).basis == ReviewBasis.SOLO


def test_a_return_needs_a_reason_and_brings_the_pair_back_to_its_author(
    pair: Pair, expert: User, reviewer: User, project: Project
) -> None:
    with pytest.raises(ApplicationError) as refused:
        decide(pair, reviewer, Decision.RETURN, " ")
    assert refused.value.field == "reason"
    decide(pair, reviewer, Decision.RETURN, "Name the law.")
    assert list(returned_to(expert, project)) == [pair]
    assert not list(returned_to(reviewer, project))
    assert inbox_unread(expert).count == 1
    revised = pair_revise(actor=expert, pair=pair, texts=OTHER, version=1)
    assert revised.state == PairState.SUBMITTED
    assert inbox_unread(expert).count == 0, "it is done, though it was never opened there"
    assert not list(returned_to(expert, project))


def test_a_decision_about_an_older_text_is_refused_with_the_newer_one(pair: Pair, reviewer: User, expert: User) -> None:
    read = pair.current_id
    pair_revise(actor=expert, pair=pair, texts=OTHER, version=1)
    with pytest.raises(Conflict) as refused:
        review_decide(actor=reviewer, pair=pair, revision_id=read or 0, decision=Decision.APPROVE)
    assert refused.value.theirs["response"] == OTHER.response
    assert not Review.objects.exists()


def test_deciding_twice_is_refused_the_second_time(pair: Pair, reviewer: User, owner: User) -> None:
    decide(pair, reviewer)
    with pytest.raises(ApplicationError, match="already"):
        decide(pair, owner, Decision.RETURN, "No.")
    assert Review.objects.count() == 1


def test_an_approved_text_stays_approved_while_a_newer_one_waits(pair: Pair, reviewer: User, expert: User) -> None:
    decide(pair, reviewer)
    first = pair.current_id
    revised = pair_revise(actor=expert, pair=pair, texts=OTHER, version=1)
    revised.refresh_from_db()
    assert (revised.state, revised.approved_id) == (PairState.SUBMITTED, first)
    assert revised.current_id != first


def test_a_mended_text_is_the_reviewers_own_and_waits_for_another_person(
    pair: Pair, reviewer: User, owner: User, project: Project
) -> None:
    mended, approved = review_fix(actor=reviewer, pair=pair, texts=OTHER, version=1)
    assert (mended.state, approved) == (PairState.SUBMITTED, False)
    assert work_claim_next(user=reviewer, project=project, kind=WorkKind.REVIEW) is None
    assert review_next(project, owner) is not None


def test_mending_in_a_solo_project_approves_at_once(project: Project, pair: Pair, reviewer: User, owner: User) -> None:
    project_update(actor=owner, project=project, solo=True)
    mended, approved = review_fix(actor=reviewer, pair=Pair.objects.get(pk=pair.pk), texts=OTHER, version=1)
    assert (mended.state, approved) == (PairState.APPROVED, True)
    assert Review.objects.get().basis == ReviewBasis.SOLO
    assert mended.current is not None
    assert mended.current.origin == Origin.HUMAN


def test_the_queue_offers_nobody_their_own_text(
    task: Task, pair: Pair, owner: User, reviewer: User, project: Project
) -> None:
    own = pair_submit(actor=owner, task=task, texts=OTHER)
    found = review_next(project, owner)
    assert found is not None
    assert found[1].pk == pair.pk != own.pk
    assert (reviews_waiting(project, owner), reviews_waiting(project, reviewer)) == (1, 2)


def test_turning_solo_on_or_off_reaches_the_items_that_wait_already(task: Task, owner: User, project: Project) -> None:
    pair_submit(actor=owner, task=task, texts=TEXTS)
    assert review_next(project, owner) is None
    project_update(actor=owner, project=project, solo=True)
    assert review_next(project, owner) is not None
    project_update(actor=owner, project=project, solo=False)
    assert review_next(project, owner) is None


@pytest.fixture
def second(make_user: Callable[..., User], project: Project) -> User:
    return join(project, make_user("Rosa"), Role.REVIEWER)


def test_two_reviewers_are_two_people(
    task: Task, expert: User, reviewer: User, second: User, project: Project, owner: User
) -> None:
    project_update(actor=owner, project=project, reviewers=2)
    pair = pair_submit(actor=expert, task=Task.objects.get(pk=task.pk), texts=TEXTS)
    decide(Pair.objects.get(pk=pair.pk), reviewer)
    pair.refresh_from_db()
    assert (pair.state, pair.approved_id) == (PairState.SUBMITTED, None)
    assert review_next(project, reviewer) is None
    with pytest.raises(ApplicationError, match="a second person has to approve"):
        decide(Pair.objects.get(pk=pair.pk), reviewer)
    found = review_next(project, second)
    assert found is not None
    review_decide(
        actor=second, pair=found[1], revision_id=pair.current_id or 0, decision=Decision.APPROVE, assignment=found[0]
    )
    pair.refresh_from_db()
    assert (pair.state, pair.approved_id) == (PairState.APPROVED, pair.current_id)
    assert not WorkItem.objects.filter(state="open").exists()


def test_the_database_refuses_an_approval_by_one_where_two_are_asked_for(
    pair: Pair, reviewer: User, project: Project, owner: User
) -> None:
    project_update(actor=owner, project=project, reviewers=2)
    Review.objects.create(revision=pair.current, reviewer=reviewer, decision="approve", fingerprint="x")
    with pytest.raises(IntegrityError, match="asks for 2 reviewers"), transaction.atomic():
        Pair.objects.filter(pk=pair.pk).update(approved=pair.current_id)
    pair.refresh_from_db()
    assert pair.approved is None


def test_asking_for_another_number_of_reviewers_reaches_what_waits(
    pair: Pair, task: Task, expert: User, reviewer: User, second: User, project: Project, owner: User
) -> None:
    other = pair_submit(actor=expert, task=task, texts=OTHER)
    project_update(actor=owner, project=project, reviewers=2)
    decide(Pair.objects.get(pk=pair.pk), reviewer)
    assert reviews_waiting(project, second) == 2
    project_update(actor=owner, project=project, reviewers=1)
    pair.refresh_from_db()
    other.refresh_from_db()
    assert (pair.state, other.state) == (PairState.APPROVED, PairState.SUBMITTED)
    assert reviews_waiting(project, second) == 1


def test_one_return_of_two_brings_the_pair_back(
    task: Task, expert: User, reviewer: User, second: User, project: Project, owner: User
) -> None:
    project_update(actor=owner, project=project, reviewers=2)
    pair = pair_submit(actor=expert, task=Task.objects.get(pk=task.pk), texts=TEXTS)
    decide(Pair.objects.get(pk=pair.pk), reviewer)
    decide(Pair.objects.get(pk=pair.pk), second, Decision.RETURN, "Which law?")
    pair.refresh_from_db()
    assert (pair.state, review_next(project, second)) == (PairState.RETURNED, None)


def test_an_escalation_goes_to_an_owner_whose_word_settles_it(
    task: Task, expert: User, reviewer: User, project: Project, owner: User
) -> None:
    project_update(actor=owner, project=project, reviewers=2)
    pair = pair_submit(actor=expert, task=Task.objects.get(pk=task.pk), texts=TEXTS)
    with pytest.raises(ApplicationError) as refused:
        decide(Pair.objects.get(pk=pair.pk), reviewer, Decision.ESCALATE, " ")
    assert refused.value.field == "reason"
    decide(Pair.objects.get(pk=pair.pk), reviewer, Decision.ESCALATE, "Two laws contradict each other.")
    assert review_next(project, owner) is None
    found = review_next(project, owner, kind=WorkKind.ADJUDICATE)
    assert found is not None
    assert found[0].item.note == "Two laws contradict each other."
    review_decide(
        actor=owner, pair=found[1], revision_id=pair.current_id or 0, decision=Decision.APPROVE, assignment=found[0]
    )
    pair.refresh_from_db()
    assert (pair.state, pair.approved_id) == (PairState.APPROVED, pair.current_id)
    assert [(row.decision, row.adjudicated) for row in Review.objects.order_by("pk")] == [
        ("escalate", False),
        ("approve", True),
    ]


def test_what_an_owner_wrote_is_not_escalated_to_them(
    task: Task, owner: User, reviewer: User, make_user: Callable[..., User], project: Project
) -> None:
    pair = pair_submit(actor=owner, task=task, texts=TEXTS)
    decide(pair, reviewer, Decision.ESCALATE, "Is this still so?")
    assert review_next(project, owner, kind=WorkKind.ADJUDICATE) is None
    another = join(project, make_user("Otto"), Role.OWNER)
    assert review_next(project, another, kind=WorkKind.ADJUDICATE) is not None


def test_a_reviewer_sees_no_escalated_pair(
    pair: Pair, reviewer: User, owner: User, project: Project, as_user: Callable[[User], Client]
) -> None:
    decide(pair, reviewer, Decision.ESCALATE, "Is this still so?")
    asked = {"kind": "adjudicate"}
    assert as_user(reviewer).post(f"/p/{project.slug}/review/next/", asked).status_code == 403
    browser = as_user(owner)
    page = browser.post(f"/p/{project.slug}/review/next/", asked).headers["Location"]
    assert "Is this still so?" in browser.get(page).content.decode()
    browser.post(f"{page}return/", {"revision": pair.current_id, "reason": "Outdated since May."})
    pair.refresh_from_db()
    assert pair.state == PairState.RETURNED
