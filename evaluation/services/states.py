"""The one place where the states of candidates and evaluations change."""

from collections.abc import Collection

from django.db import transaction
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from core.choices import NoticeKind
from core.services.events import event_record
from core.services.inbox import notice_tell
from evaluation.choices import CANDIDATE_COMES_FROM, EVALUATION_OPEN, EvaluationState
from evaluation.models import Candidate, Evaluation
from evaluation.services.summary import summary_make


@transaction.atomic
def candidate_move(*, candidate: Candidate, state: EvaluationState, error: str = "") -> bool:
    """Bring a candidate into `state` if it may come from where it is, and its evaluation with it. Twice is once."""
    evaluation = Evaluation.objects.select_for_update().get(pk=candidate.evaluation_id)
    moved = Candidate.objects.filter(pk=candidate.pk, state__in=CANDIDATE_COMES_FROM[state]).update(
        state=state, error=error
    )
    candidate.refresh_from_db()
    if moved:
        settle(evaluation)
    return bool(moved)


def settle(evaluation: Evaluation) -> None:
    """Make an evaluation's state follow its candidates'; when all have answered, work out what came of it."""
    candidates = list(Candidate.objects.filter(evaluation=evaluation).select_related("job"))
    state = joint_state({candidate.state for candidate in candidates})
    if state == evaluation.state and state in EVALUATION_OPEN:
        return
    evaluation.state = state
    evaluation.error = " ".join(dict.fromkeys(candidate.error for candidate in candidates if candidate.error))
    evaluation.summary = summary_make(evaluation) if state == EvaluationState.DONE else {}
    evaluation.save(update_fields=["state", "error", "summary"])
    ended = None if state in EVALUATION_OPEN else Now()
    Evaluation.objects.filter(pk=evaluation.pk).update(ended_at=ended)
    if ended is not None:
        event_record(
            actor=None,
            action=f"evaluation.{state}",
            project=evaluation.project,
            subject=evaluation,
            summary=evaluation.name,
        )
        tell_ended(evaluation)


def tell_ended(evaluation: Evaluation) -> None:
    """Put it into the inbox of who asked for it."""
    told = {
        EvaluationState.DONE: _("The evaluation “%(name)s” is done; see what came of it."),
        EvaluationState.FAILED: _("The evaluation “%(name)s” failed: %(why)s"),
    }.get(EvaluationState(evaluation.state))
    if told and evaluation.requested_by_id:
        notice_tell(
            users=[evaluation.requested_by_id], project=evaluation.project, kind=NoticeKind.EVALUATION, actor=None,
            subject=("evaluation", evaluation.pk), url=f"/p/{evaluation.project.slug}/evaluations/{evaluation.pk}/",
            text=told % {"name": evaluation.name, "why": evaluation.error},
        )  # fmt: skip


def joint_state(states: Collection[str]) -> str:
    """The state of a whole whose parts are in `states`."""
    if set(states) <= {EvaluationState.QUEUED}:
        return EvaluationState.QUEUED
    if set(states) & set(EVALUATION_OPEN):
        return EvaluationState.RUNNING
    for state in (EvaluationState.FAILED, EvaluationState.CANCELLED):
        if state in states:
            return state
    return EvaluationState.DONE
