"""Choosing the better of two answers without knowing whose they are."""

from django.db import transaction
from django.utils.translation import gettext as _

from core.choices import AssignmentState
from core.denied import ApplicationError
from core.models import User
from core.services.events import event_record
from core.services.work import work_submit
from evaluation.choices import RoundKind, Winner
from evaluation.models import Comparison, GradingRound, Vote
from evaluation.services.grades import held_by, refuse_closed, refuse_other_kind, said_before, seconds_of


@transaction.atomic
def vote_submit(
    *,
    actor: User,
    grading_round: GradingRound,
    assignment_id: int,
    token: int,
    winner: str,
    seconds: float | None = None,
) -> Vote:
    """Store a choice with the fingerprints of both texts, and give the work item back as done. Sent twice, it is one.

    Raises ApplicationError for no choice, a closed round or one of grades, or a hold that went to somebody else.
    """
    refuse_closed(grading_round)
    refuse_other_kind(grading_round, RoundKind.VOTES)
    assignment = held_by(actor, grading_round, assignment_id, token)
    if winner not in Winner.values:
        raise ApplicationError(_("Say which of the two answers is better, or that neither is."), field="winner")
    comparison = Comparison.objects.select_related("left", "right").get(pk=assignment.item.subject_id)
    if assignment.state == AssignmentState.SUBMITTED:
        return said_before(Vote.objects.filter(comparison=comparison, voter=actor, winner=winner))
    work_submit(assignment=assignment)
    vote, _created = Vote.objects.update_or_create(
        comparison=comparison,
        voter=actor,
        defaults={
            "winner": winner,
            "left_fingerprint": comparison.left.fingerprint,
            "right_fingerprint": comparison.right.fingerprint,
            "seconds": seconds_of(assignment, seconds),
        },
    )
    # As for grades: the audit log must not tell a voter whose answers these were.
    project = grading_round.evaluation.project
    event_record(actor=actor, action="vote.given", project=project, subject=grading_round, assignment=assignment.pk)
    return vote
