"""The queue of a reviewer."""

from typing import Any

from core.choices import WorkKind, WorkState
from core.models import Assignment, Project, User, WorkItem
from core.services.work import work_claim_next
from curation.choices import PairState
from curation.models import Pair, Review
from curation.selectors.pairs import fields_of, reviewed_before
from curation.services.pairs import SUBJECT
from curation.services.reviews import may_approve

MOST_COUNTED = 1_000


def reviews_waiting(project: Project, user: User | None = None) -> int:
    """Open reviews; with `user`, those that this person may take. Counted up to 1,000: the page asks each time."""
    items = WorkItem.objects.filter(project=project, kind=WorkKind.REVIEW, state=WorkState.OPEN)
    return (items.exclude(excluded_user=user) if user and not project.solo else items)[:MOST_COUNTED].count()


def review_next(project: Project, user: User, batch: str = "") -> Assignment | None:
    """The next pair to review for this person, leased to them.

    Items made before the project's solo setting changed are brought in line: whose own text it is, is the author's to
    approve only in a solo project.
    """
    reviews = WorkItem.objects.filter(project=project, kind=WorkKind.REVIEW, state=WorkState.OPEN)
    while assignment := claim(project, user, batch):
        pair = Pair.objects.select_related("current").filter(pk=assignment.item.subject_id).first()
        if pair is None or pair.current is None or pair.state != PairState.SUBMITTED:
            reviews.filter(pk=assignment.item_id).update(state=WorkState.CLOSED)
        elif pair.current.author_id == user.pk and not project.solo:
            reviews.filter(pk=assignment.item_id).update(excluded_user=user)
            Assignment.objects.filter(pk=assignment.pk).delete()
        else:
            return assignment
    return None


def claim(project: Project, user: User, batch: str) -> Assignment | None:
    assignment = work_claim_next(user=user, project=project, kind=WorkKind.REVIEW, batch=batch)
    if assignment is None and project.solo:
        own = WorkItem.objects.filter(project=project, kind=WorkKind.REVIEW, state=WorkState.OPEN, excluded_user=user)
        if own.update(excluded_user=None):
            return work_claim_next(user=user, project=project, kind=WorkKind.REVIEW, batch=batch)
    return assignment


def last_return(pair: Pair) -> Review | None:
    """Why an earlier revision came back, for the person who now looks whether it was mended."""
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
