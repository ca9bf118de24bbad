"""Grading one answer without knowing whose it is."""

from collections.abc import Mapping
from typing import Any, TypeVar

from django.db import connection, transaction
from django.db.models import Model, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from core.choices import AssignmentState
from core.denied import ApplicationError
from core.models import Assignment, User, WorkItem
from core.numbers import whole_number
from core.services.events import event_record
from core.services.work import work_claim_next, work_skip, work_submit
from evaluation.choices import RoundKind, RoundState, Usable
from evaluation.models import Grade, GradingRound, Output

LOWEST, HIGHEST = 1, 5
Judgement = TypeVar("Judgement", bound=Model)


def grade_claim(*, actor: User, grading_round: GradingRound) -> Assignment | None:
    """The next answer for this person, held for them; None when there is none left for them."""
    if grading_round.state != RoundState.OPEN:
        return None
    return work_claim_next(
        user=actor,
        project=grading_round.evaluation.project,
        kind=grading_round.work_kind,
        batch=grading_round.batch,
    )


@transaction.atomic
def grade_submit(
    *,
    actor: User,
    grading_round: GradingRound,
    assignment_id: int,
    token: int,
    values: Mapping[str, Any],
    usable: str,
    comment: str = "",
    seconds: float | None = None,
) -> Grade:
    """Store a judgement with the fingerprint of the exact text, and give the work item back as done. Sent twice, it is
    one. `seconds` says how long the answer was before the person's eyes, where the page has counted.

    Raises ApplicationError for a grade that is not complete, a closed round or one of votes, or a hold that went to
    somebody else.
    """
    refuse_closed(grading_round)
    refuse_other_kind(grading_round, RoundKind.GRADES)
    assignment = held_by(actor, grading_round, assignment_id, token)
    grades = complete(grading_round, values)
    if usable not in Usable.values:
        raise ApplicationError(_("Say whether the answer could be used."), field="usable")
    output = Output.objects.get(pk=assignment.item.subject_id)
    if assignment.state == AssignmentState.SUBMITTED:
        mine = Grade.objects.filter(output=output, grading_round=grading_round, grader=actor)
        return said_before(mine.filter(values=grades, usable=usable))
    work_submit(assignment=assignment)
    grade, _created = Grade.objects.update_or_create(
        output=output,
        grading_round=grading_round,
        grader=actor,
        defaults={
            "values": grades,
            "overall": sum(grades.values()) / len(grades),
            "usable": usable,
            "comment": comment.strip()[:4000],
            "fingerprint": output.fingerprint,
            "seconds": seconds_of(assignment, seconds),
        },
    )
    # The subject is the round, not the answer: the audit log must not tell a grader whose answer it was.
    event_record(
        actor=actor,
        action="grade.given",
        project=grading_round.evaluation.project,
        subject=grading_round,
        assignment=assignment.pk,
    )
    return grade


@transaction.atomic
def grade_skip(*, actor: User, grading_round: GradingRound, assignment_id: int, token: int, reason: str = "") -> None:
    """Leave an answer to others; it is not offered to this person again."""
    work_skip(assignment=held_by(actor, grading_round, assignment_id, token), reason=reason)


def said_before(judgements: QuerySet[Judgement]) -> Judgement:
    """The same judgement, sent again because the first answer got lost. Another one is refused, not taken for it."""
    found = judgements.first()
    if found is None:
        raise ApplicationError(_("You have judged this already, and otherwise; take that back to judge it anew."))
    return found


def seconds_of(assignment: Assignment, counted: float | None) -> float:
    if counted is None:
        counted = (timezone.now() - assignment.claimed_at).total_seconds()
    return round(counted, 1)


def refuse_closed(grading_round: GradingRound) -> None:
    """Graders go side by side, but who closes the round waits for those on their way: none comes behind the names."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT state FROM evaluation_gradinground WHERE id = %s FOR SHARE", [grading_round.pk])
        row = cursor.fetchone()
    if row is None or row[0] != RoundState.OPEN:
        raise ApplicationError(_("This round was closed; its grades stand as they are."))


def refuse_other_kind(grading_round: GradingRound, kind: RoundKind) -> None:
    if grading_round.kind != kind:
        raise ApplicationError(_("This is a round of %(kind)s.") % {"kind": grading_round.get_kind_display().lower()})


def held_by(actor: User, grading_round: GradingRound, assignment_id: int, token: int) -> Assignment:
    """Locked, so that of two submits on their way the second one finds what the first has made of it.

    The item comes before the hold, as for everybody who claims: the other way round, a grade that comes late and a
    person who takes the answer over would wait for each other.
    """
    items = WorkItem.objects.filter(
        batch=grading_round.batch, kind=grading_round.work_kind, project=grading_round.evaluation.project
    )
    item = items.filter(assignments=assignment_id).select_for_update(of=("self",)).first()
    holds = Assignment.objects.select_for_update(of=("self",)).filter(item=item) if item else Assignment.objects.none()
    found = holds.filter(pk=assignment_id, user=actor, token=token).first()
    if found is None:
        raise ApplicationError(_("You do not hold this answer any more; go on with the next one."))
    return found


def complete(grading_round: GradingRound, values: Mapping[str, Any]) -> dict[str, int]:
    """A grade from 1 to 5 for every criterion of the round's rubric and for nothing else."""
    found: dict[str, int] = {}
    for criterion in grading_round.rubric.criteria:
        given = whole_number(values.get(criterion["key"]))
        if given is None or not LOWEST <= given <= HIGHEST:
            raise ApplicationError(
                _("Give “%(label)s” a grade from 1 to 5.") % {"label": criterion["label"]}, field=criterion["key"]
            )
        found[criterion["key"]] = given
    return found
