"""Blind votes: two answers side by side, without names, and one click."""

from typing import TypedDict

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from core.access import person
from core.choices import Need
from core.denied import ApplicationError
from core.models import Assignment
from core.numbers import whole_number
from core.views.telling import wants_json
from evaluation.access import round_access
from evaluation.choices import RoundKind, RoundState, Winner
from evaluation.models import GradingRound
from evaluation.selectors.grading import progress_of
from evaluation.selectors.votes import choice_of
from evaluation.services.grades import grade_claim
from evaluation.services.votes import vote_submit

KEYS = {Winner.LEFT: "a", Winner.RIGHT: "b", Winner.TIE: "t", Winner.BOTH_BAD: "n"}


def vote_page(
    request: HttpRequest, found: GradingRound, may_own: bool, *, held: Assignment | None = None, error: str = ""
) -> HttpResponse:
    """The two answers that this person holds, or the next two, or that there are none left."""
    assignment = held or grade_claim(actor=person(request), grading_round=found)
    context = {
        "round": found,
        "open": found.state == RoundState.OPEN,
        "choice": choice_of(assignment) if assignment else None,
        "progress": progress_of(found, person(request)),
        "winners": [(value, label, KEYS[Winner(value)]) for value, label in Winner.choices],
        "error": error,
        "may_own": may_own,
    }
    return render(request, "evaluation/vote.html", context, status=400 if error else 200)


@require_POST
def submit(request: HttpRequest, project: str, grading_round: int) -> HttpResponse:
    access, found = round_access(request, project, grading_round)
    given = request.POST.dict()
    try:
        vote_submit(
            actor=access.user,
            grading_round=found,
            **hold_named(given),
            winner=given.get("winner", ""),
            seconds=seconds_shown(given),
        )
    except ApplicationError as refusal:
        if wants_json(request):
            return JsonResponse({"detail": str(refusal)}, status=400)
        if found.kind != RoundKind.VOTES:
            return to_round(request, found, refusal)
        return vote_page(request, found, access.allows(Need.OWN), error=str(refusal))
    return to_next(request, found, _("Your vote is in."))


def to_round(request: HttpRequest, found: GradingRound, refusal: ApplicationError) -> HttpResponse:
    """A form of the other kind of round has no page here."""
    messages.error(request, str(refusal))
    return redirect("evaluation:round-detail", found.evaluation.project.slug, found.pk)


def to_next(request: HttpRequest, found: GradingRound, said: str) -> HttpResponse:
    """The page of the next answer; for a page that has gone on by itself, what to show of this one."""
    project = found.evaluation.project
    if not wants_json(request):
        return redirect("evaluation:round-detail", project.slug, found.pk)
    context = {"round": found, "progress": progress_of(found, person(request))}
    html = render_to_string("evaluation/round_progress.html", context)
    return JsonResponse({"said": said, "part": {"id": "round-progress", "html": html}})


class Hold(TypedDict):
    assignment_id: int
    token: int


def hold_named(given: dict[str, str]) -> Hold:
    """Which hold a form speaks of; what is no number is none."""
    assignment, token = whole_number(given.get("assignment")), whole_number(given.get("token"))
    return {"assignment_id": assignment or 0, "token": token or 0}


def seconds_shown(given: dict[str, str]) -> float | None:
    """How long the page was before the person's eyes, where the page itself counted; it may have been loaded ahead."""
    seconds = whole_number(given.get("seconds"))
    return None if seconds is None else float(seconds)
