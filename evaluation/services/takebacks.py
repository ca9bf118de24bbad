"""Taking grades and votes back: the newest of a round, or one of a person's last actions."""

from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.choices import AssignmentState, Need
from core.denied import ApplicationError
from core.models import Assignment, Event, Project, User
from core.registries import TakenBack, Undoable
from core.services.work import work_undo
from curation.services.undo import undone_record
from evaluation.choices import RoundKind
from evaluation.models import Grade, GradingRound, Vote
from evaluation.services.grades import refuse_closed

GIVEN = {"grade.given": gettext_lazy("graded an answer"), "vote.given": gettext_lazy("chose between two answers")}


@transaction.atomic
def grade_undo(*, actor: User, grading_round: GradingRound) -> Assignment:
    """Take the person's last grade or vote of an open round back; what it was about is held by them again."""
    refuse_closed(grading_round)
    given = judged_by(actor, grading_round).order_by("-ended_at", "-pk").first()
    if given is None:
        raise ApplicationError(_("You have graded nothing in this round that could be taken back."))
    held = judgement_take_back(actor, grading_round, given)
    project = grading_round.evaluation.project
    events = Event.objects.filter(actor=actor, project=project, action__in=GIVEN, data__assignment=given.pk)
    undone_record(
        actor=actor, project=project, subject=grading_round, action=action_of(grading_round),
        events=events.values_list("pk", flat=True),
    )  # fmt: skip
    return held


def action_of(grading_round: GradingRound) -> str:
    return "vote.given" if grading_round.kind == RoundKind.VOTES else "grade.given"


def judged_by(actor: User, grading_round: GradingRound) -> QuerySet[Assignment]:
    found = Assignment.objects.filter(
        user=actor, item__batch=grading_round.batch, item__kind=grading_round.work_kind,
        state=AssignmentState.SUBMITTED,
    )  # fmt: skip
    return found.select_related("item")


def judgement_take_back(actor: User, grading_round: GradingRound, given: Assignment) -> Assignment:
    """The judgement goes, and what it was about is what the person sees next."""
    release_others(actor, grading_round)
    if grading_round.kind == RoundKind.VOTES:
        Vote.objects.filter(comparison=given.item.subject_id, voter=actor).delete()
    else:
        Grade.objects.filter(output=given.item.subject_id, grading_round=grading_round, grader=actor).delete()
    return work_undo(assignment=given)


def release_others(actor: User, grading_round: GradingRound) -> None:
    """Let go of what the person holds now, so that the answer taken back is the one they see next."""
    Assignment.objects.filter(
        user=actor, item__batch=grading_round.batch, item__kind=grading_round.work_kind, state=AssignmentState.CLAIMED
    ).update(state=AssignmentState.RELEASED, ended_at=timezone.now())


def undoable_judgement(label: Any) -> Undoable:
    """A grade or vote among a person's last actions. It names the round and no answer: whose it was stays unknown."""
    return Undoable(label, lambda _event: Need.GRADE, judgement_undo, rounds_about)


def judgement_undo(actor: User, project: Project, event: Event) -> TakenBack:
    rounds = GradingRound.objects.select_related("evaluation__project").filter(evaluation__project=project)
    grading_round = rounds.filter(pk=event.object_id).first()
    given = judged_by(actor, grading_round).filter(pk=event.data["assignment"]).first() if grading_round else None
    if grading_round is None or given is None:
        raise ApplicationError(_("You have graded nothing in this round that could be taken back."))
    refuse_closed(grading_round)
    held = judgement_take_back(actor, grading_round, given)
    return TakenBack(round_url(project, grading_round.pk), held.pk)


def rounds_about(project: Project, events: list[Event]) -> dict[int, tuple[str, str]]:
    wanted = {event.pk: int(event.object_id) for event in events}
    rounds = GradingRound.objects.filter(evaluation__project=project, pk__in=wanted.values())
    names = {found.pk: found.evaluation.name for found in rounds.select_related("evaluation")}
    return {event: (names[pk], round_url(project, pk)) for event, pk in wanted.items() if pk in names}


def round_url(project: Project, grading_round: int) -> str:
    return reverse("evaluation:round-detail", args=[project.slug, grading_round])
