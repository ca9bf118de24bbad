"""The queue of a reviewer."""

from typing import Any

from core.choices import WorkKind, WorkState
from core.models import Assignment, Project, User, WorkItem
from core.services.work import work_claim_next, work_open_to
from curation.choices import PairState
from curation.models import Pair, Review
from curation.selectors.pairs import fields_of, reviewed_before
from curation.services.pairs import SUBJECT
from curation.services.reviews import may_approve

MOST_COUNTED = 1_000
MOST_SHOWN = 100  # of what waits, on a page that is asked for again and again


def reviews_waiting(
    project: Project, user: User | None = None, most: int = MOST_COUNTED, kind: WorkKind = WorkKind.REVIEW
) -> int:
    """Open reviews; with `user`, those that this person may take. Counted up to `most`."""
    if user is None:
        return WorkItem.objects.filter(project=project, kind=kind, state=WorkState.OPEN)[:most].count()
    return work_open_to(user, project, kind)[:most].count()


def review_next(
    project: Project, user: User, batch: str = "", kind: WorkKind = WorkKind.REVIEW
) -> tuple[Assignment, Pair] | None:
    """The next pair to review for this person, leased to them, with its pair. What needs no review any more is closed
    on the way."""
    while assignment := work_claim_next(user=user, project=project, kind=kind, batch=batch):
        if (pair := pair_waiting(assignment)) is not None:
            return assignment, pair
    return None


def pair_waiting(assignment: Assignment) -> Pair | None:
    """The pair of a review that is held; None when it does not wait for a review, and then its item is closed."""
    pair = pair_held(assignment)
    if pair is not None and pair.current is not None and pair.state == PairState.SUBMITTED:
        return pair
    WorkItem.objects.filter(pk=assignment.item_id, state=WorkState.OPEN).update(state=WorkState.CLOSED)
    return None


def pair_held(assignment: Assignment) -> Pair | None:
    pair = Pair.objects.select_related(*REVIEW_PARTS).filter(pk=assignment.item.subject_id).first()
    if pair is not None and pair.current is not None and pair.author_id == pair.current.author_id:
        pair.author = pair.current.author
    return pair


# What a review mostly reads of a pair, in one statement; its project comes with the person's access to it.
REVIEW_PARTS = ("task", "current__author")


def last_return(pair: Pair) -> Review | None:
    """Why an earlier revision came back, for the person who now looks whether it was mended."""
    if pair.version == 1:
        return None
    earlier = Review.objects.filter(revision__pair=pair, decision="return").select_related("reviewer", "revision")
    return earlier.order_by("-pk").first()


def review_page(pair: Pair, user: User) -> dict[str, Any]:
    assert pair.current is not None
    before = reviewed_before(pair)
    return {
        "pair": pair,
        "task": pair.task,
        "revision": pair.current,
        "before": before,
        "returned": last_return(pair),
        "fields": fields_of(pair, pair.current, before),
        "may_approve": may_approve(user, pair),
        "own": pair.current.author_id == user.pk,
    }


def review_item(pair: Pair) -> WorkItem | None:
    """The open review of a pair, if it has one."""
    return WorkItem.objects.filter(
        kind=WorkKind.REVIEW, subject_type=SUBJECT, subject_id=pair.pk, state=WorkState.OPEN
    ).first()
