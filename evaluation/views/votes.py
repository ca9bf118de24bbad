"""Blind votes: two answers side by side, without names, and one click."""

from typing import TypedDict

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from core.access import person
from core.choices import Need
from core.denied import ApplicationError
from evaluation.access import round_access
from evaluation.choices import RoundState, Winner
from evaluation.models import GradingRound
from evaluation.selectors.grading import progress_of
from evaluation.selectors.votes import choice_of
from evaluation.services.grades import grade_claim
from evaluation.services.votes import vote_submit

KEYS = {Winner.LEFT: "a", Winner.RIGHT: "b", Winner.TIE: "t", Winner.BOTH_BAD: "n"}


def vote_page(request: HttpRequest, found: GradingRound, may_own: bool, *, error: str = "") -> HttpResponse:
    """The next two answers for this person, or that there are none left."""
    assignment = grade_claim(actor=person(request), grading_round=found)
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
            **held(given),
            winner=given.get("winner", ""),
        )
    except ApplicationError as refusal:
        return vote_page(request, found, access.allows(Need.OWN), error=str(refusal))
    return redirect("evaluation:round-detail", project, grading_round)


class Hold(TypedDict):
    assignment_id: int
    token: int


def held(given: dict[str, str]) -> Hold:
    """Which hold a form speaks of; what is no number is none."""
    return {"assignment_id": number(given, "assignment"), "token": number(given, "token")}


def number(given: dict[str, str], name: str) -> int:
    text = given.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0
