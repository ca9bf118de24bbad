"""Taking back what a person just did. History stays true: the deed and its taking back are both recorded."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from core.choices import AssignmentState, Need, WorkKind
from core.denied import ApplicationError
from core.models import Assignment, Event, Project, User
from core.services.events import event_record
from core.services.work import work_claim, work_close, work_skip, work_undo
from curation.choices import PairState
from curation.models import Pair, Review
from curation.services.pairs import SUBJECT, pair_lock, pair_restore, pair_trash, review_ask, revision_of

MOST = 20
UNDONE = "action.undone"


@dataclass(frozen=True)
class Undone:
    """What was taken back. `assignment` is the work item that is in the person's hands again, if there is one."""

    event: Event
    pair: Pair
    assignment: Assignment | None = None


@transaction.atomic
def action_undo(*, actor: User, project: Project, event: Event) -> Undone:
    """Take back one of the person's last actions.

    Raises ApplicationError when it is none of these, was taken back already, or others have built on it since.
    """
    if event not in actions_undoable(actor, project):
        raise ApplicationError(_("This is none of your last 20 actions, or it was taken back already."))
    pair = Pair.objects.filter(project=project, pk=event.object_id).first()
    if pair is None:
        raise ApplicationError(_("This pair no longer exists."))
    newest = Event.objects.filter(project=project).order_by("-pk").values_list("pk", flat=True).first() or 0
    assignment = UNDO[event.action](actor, pair, event)
    # What taking back itself wrote into the log is no action of its own: it would be offered to be taken back.
    own = Event.objects.filter(project=project, actor=actor, pk__gt=newest).values_list("pk", flat=True)
    event_record(
        actor=actor, action=UNDONE, project=project, subject=pair, undone=event.action, events=[event.pk, *own]
    )
    pair.refresh_from_db()
    return Undone(event, pair, assignment)


def actions_undoable(actor: User, project: Project) -> list[Event]:
    """The person's last actions that can still be tried to take back, newest first."""
    mine = Event.objects.filter(actor=actor, project=project, action__in=[*UNDO, UNDONE]).order_by("-pk")
    found = list(mine[: 4 * MOST])
    gone = {number for event in found if event.action == UNDONE for number in event.data["events"]}
    return [event for event in found if event.action != UNDONE and event.pk not in gone][:MOST]


@transaction.atomic
def review_pass(*, actor: User, assignment: Assignment, reason: str = "") -> None:
    """Leave a pair to other reviewers."""
    work_skip(assignment=assignment, reason=reason)
    pair = Pair(pk=assignment.item.subject_id)
    event_record(
        actor=actor, action="pair.skipped", project=assignment.item.project, subject=pair, assignment=assignment.pk
    )


def submission_undo(actor: User, pair: Pair, event: Event) -> None:
    """The text is its writer's again: a draft, as long as nobody has judged it."""
    pair = pair_as_left(pair, event)
    if pair.state != PairState.SUBMITTED or Review.objects.filter(revision=pair.current).exists():
        raise ApplicationError(_("Somebody has reviewed this text by now; it cannot be taken back."))
    work_close(kind=WorkKind.REVIEW, subject_type=SUBJECT, subject_id=pair.pk)
    pair.state = PairState.DRAFT
    pair.save(update_fields=["state", "updated_at"])


def decision_undo(actor: User, pair: Pair, event: Event) -> Assignment | None:
    """The review stays in the history, marked as withdrawn; the pair waits again, in the hands of the same person."""
    pair = pair_as_left(pair, event)
    review = Review.objects.filter(revision=pair.current, reviewer=actor).order_by("-pk").first()
    if review is None or pair.state not in LEFT[event.action]:
        raise ApplicationError(_("Others have gone on with this pair by now; it cannot be taken back."))
    Review.objects.filter(pk=review.pk).update(withdrawn_at=Now())
    work_close(kind=WorkKind.ADJUDICATE, subject_type=SUBJECT, subject_id=pair.pk)
    if pair.state != PairState.SUBMITTED:
        pair.state, pair.approved_id = PairState.SUBMITTED, event.data.get("approved_before", pair.approved_id)
        pair.save(update_fields=["state", "approved", "updated_at"])
    done = Assignment.objects.filter(
        user=actor, item__subject_type=SUBJECT, item__subject_id=pair.pk, state=AssignmentState.SUBMITTED,
        item__kind=WorkKind.ADJUDICATE if review.adjudicated else WorkKind.REVIEW,
    ).order_by("-ended_at")  # fmt: skip
    if (assignment := done.first()) is not None:
        return work_undo(assignment=assignment)
    return work_claim(user=actor, item=review_ask(pair, pair.project, writer=revision_of(pair).author))


def skip_undo(actor: User, pair: Pair, event: Event) -> Assignment:
    skipped = Assignment.objects.filter(pk=event.data["assignment"], user=actor, state=AssignmentState.SKIPPED).first()
    if skipped is None or pair.state != PairState.SUBMITTED:
        raise ApplicationError(_("This pair waits for your review no more."))
    return work_undo(assignment=skipped)


def trash_undo(actor: User, pair: Pair, event: Event) -> None:
    pair_restore(actor=actor, pair=pair)


def restore_undo(actor: User, pair: Pair, event: Event) -> None:
    pair_trash(actor=actor, pair=pair)


def pair_as_left(pair: Pair, event: Event) -> Pair:
    """The pair, locked, if it still has the text that the action was about."""
    pair = pair_lock(pair)
    if pair.version != event.data.get("version", 1):
        raise ApplicationError(_("This pair has a newer text by now; it cannot be taken back."))
    return pair


UNDO: dict[str, Callable[[User, Pair, Event], Any]] = {
    "pair.submitted": submission_undo,
    "pair.revised": submission_undo,
    "pair.approved": decision_undo,
    "pair.approved_by_one": decision_undo,
    "pair.returned": decision_undo,
    "pair.escalated": decision_undo,
    "pair.skipped": skip_undo,
    "pair.trashed": trash_undo,
    "pair.restored": restore_undo,
}
UNDO_NEEDS = {
    action: Need.REVIEW if undo in (decision_undo, skip_undo) else Need.WRITE for action, undo in UNDO.items()
}
LEFT = {
    "pair.approved": {PairState.APPROVED},
    "pair.approved_by_one": {PairState.SUBMITTED},
    "pair.returned": {PairState.RETURNED},
    "pair.escalated": {PairState.SUBMITTED},
}
