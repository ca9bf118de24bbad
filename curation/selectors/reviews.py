"""The queue of a reviewer, and whose approval counts."""

from typing import Any

from django.utils.translation import gettext as _

from core.choices import WorkKind, WorkState
from core.denied import Denied
from core.models import Assignment, Project, User, WorkItem
from core.selectors.work import work_open_to
from curation.choices import PairState
from curation.models import Pair, Review
from curation.selectors.pairs import fields_of, reviewed_before
from curation.subjects import PAIR

MOST_COUNTED = 1_000
MOST_SHOWN = 100  # of what waits, on a page that is asked for again and again
# What a review mostly reads of a pair, in one statement; its project comes with the person's access to it.
REVIEW_PARTS = ("task", "current__author")


def reviews_waiting(
    project: Project, user: User | None = None, most: int = MOST_COUNTED, kind: WorkKind = WorkKind.REVIEW
) -> int:
    """Open reviews; with `user`, those that this person may take. Counted up to `most`."""
    if user is None:
        return WorkItem.objects.filter(project=project, kind=kind, state=WorkState.OPEN)[:most].count()
    return work_open_to(user, project, kind)[:most].count()


def pair_held(assignment: Assignment) -> Pair | None:
    try:
        pair = Pair.objects.select_related(*REVIEW_PARTS).get(pk=assignment.item.subject_id)
    except Pair.DoesNotExist:
        return None
    if pair.current is not None and pair.author_id == pair.current.author_id:
        pair.author = pair.current.author
    return pair


def last_return(pair: Pair) -> Review | None:
    """Why an earlier revision came back, for the person who now looks whether it was mended."""
    if pair.version == 1:
        return None
    earlier = Review.objects.filter(revision__pair=pair, decision="return").select_related("reviewer", "revision")
    return earlier.order_by("-pk").first()


def may_approve(user: User, pair: Pair) -> bool | Denied:
    """Whether this person's approval of the newest revision would count; the role is checked at the door."""
    if pair.state != PairState.SUBMITTED:
        return Denied(_("This pair is not waiting for a review."))
    assert pair.current is not None
    if pair.current.author_id == user.pk and not pair.project.solo:
        return Denied(_("You wrote this text, so somebody else has to approve it."))
    return True


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
        kind=WorkKind.REVIEW, subject_type=PAIR, subject_id=pair.pk, state=WorkState.OPEN
    ).first()
