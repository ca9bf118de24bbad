"""Blind grading: one answer at a time, without names; and the rounds it is done in."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from core.access import project_access
from core.choices import Need
from core.denied import ApplicationError
from core.models import Assignment
from core.views.telling import refusal_on, refusal_told, wants_json
from evaluation.access import evaluation_access, round_access
from evaluation.choices import RoundKind, RoundState, Usable
from evaluation.forms import NewRound
from evaluation.models import GradingRound
from evaluation.selectors.grading import progress_of, question_of
from evaluation.selectors.rounds import rounds_in
from evaluation.services.grades import HIGHEST, LOWEST, grade_claim, grade_skip, grade_submit
from evaluation.services.rounds import items_answered_by_all, round_close, round_open
from evaluation.services.rubrics import rubric_current
from evaluation.services.takebacks import grade_undo
from evaluation.views.votes import hold_named, seconds_shown, to_next, to_round, vote_page

USABLE_KEYS = {Usable.AS_IS: "y", Usable.EDITED: "e", Usable.NO: "n"}


@require_GET
def index(request: HttpRequest, project: str) -> HttpResponse:
    """The project's rounds, and the way to grade."""
    access = project_access(request, project, Need.GRADE)
    context = {
        "rounds": rounds_in(access.project),
        "may_own": access.allows(Need.OWN),
    }
    return render(request, "evaluation/grading.html", context)


def new(request: HttpRequest, project: str, evaluation: int) -> HttpResponse:
    access, found = evaluation_access(request, project, evaluation, Need.OWN)
    answered = len(items_answered_by_all(found))
    form = NewRound(request.POST or None, models=found.candidates.count(), alone=access.project.solo, answered=answered)
    if request.method == "POST" and form.is_valid():
        with refusal_on(form):
            round_open(actor=access.user, evaluation=found, **form.cleaned_data)
        if not form.errors:
            messages.success(request, _("The round is open. Everyone who may grade sees it on their home page."))
            # Not to the grading itself: that would keep the first answer for the owner, who may never grade it.
            return redirect(f"{reverse('evaluation:evaluation-detail', args=[project, found.pk])}#grades")
    rubric = rubric_current(project=access.project)
    context = {"form": form, "evaluation": found, "answered": answered, "rubric": rubric}
    return render(request, "evaluation/round_new.html", context, status=400 if form.errors else 200)


@require_GET
@never_cache
def detail(request: HttpRequest, project: str, grading_round: int) -> HttpResponse:
    """The next answer, or the next two to choose from, for this person; or that there is none left."""
    access, found = round_access(request, project, grading_round)
    page = vote_page if found.kind == RoundKind.VOTES else grade_page
    return page(request, found, access.allows(Need.OWN))


def grade_page(
    request: HttpRequest,
    found: GradingRound,
    may_own: bool,
    *,
    held: Assignment | None = None,
    typed: dict[str, Any] | None = None,
    error: str = "",
) -> HttpResponse:
    """The answer that this person holds, or the next one, or that there is none left."""
    assignment = held or grade_claim(actor=request.user, grading_round=found)  # type: ignore[arg-type]
    # What was typed belongs to the answer it was typed for, and must not be laid over another one.
    typed = typed if typed and assignment and str(assignment.pk) == typed.get("assignment") else {}
    context = {
        "round": found,
        "open": found.state == RoundState.OPEN,
        "question": question_of(assignment) if assignment else None,
        "progress": progress_of(found, request.user),  # type: ignore[arg-type]
        "criteria": [{**row, "value": typed.get(row["key"], "")} for row in found.rubric.criteria],
        "scale": range(LOWEST, HIGHEST + 1),
        "usable": [(value, label, USABLE_KEYS[Usable(value)]) for value, label in Usable.choices],
        "typed": typed,
        "error": error,
        "may_own": may_own,
    }
    return render(request, "evaluation/grade.html", context, status=400 if error else 200)


@require_POST
def submit(request: HttpRequest, project: str, grading_round: int) -> HttpResponse:
    access, found = round_access(request, project, grading_round)
    given = request.POST.dict()
    try:
        grade_submit(
            actor=access.user,
            grading_round=found,
            **hold_named(given),
            values=given,
            usable=given.get("usable", ""),
            comment=given.get("comment", ""),
            seconds=seconds_shown(given),
        )
    except ApplicationError as refusal:
        if wants_json(request):
            return JsonResponse({"detail": str(refusal)}, status=400)
        if found.kind != RoundKind.GRADES:
            return to_round(request, found, refusal)
        return grade_page(request, found, access.allows(Need.OWN), typed=given, error=str(refusal))
    return to_next(request, found, _("Graded."))


@require_POST
def skip(request: HttpRequest, project: str, grading_round: int) -> HttpResponse:
    access, found = round_access(request, project, grading_round)
    given = request.POST.dict()
    with refusal_told(request):
        grade_skip(
            actor=access.user,
            grading_round=found,
            **hold_named(given),
        )
    return to_next(request, found, _("Left to others."))


@require_POST
def undo(request: HttpRequest, project: str, grading_round: int) -> HttpResponse:
    access, found = round_access(request, project, grading_round)
    with refusal_told(request, _("What you said last is taken back; judge it again.")):
        grade_undo(actor=access.user, grading_round=found)
    return redirect("evaluation:round-detail", project, grading_round)


@require_POST
def close(request: HttpRequest, project: str, grading_round: int) -> HttpResponse:
    """An owner ends the round; from here on everyone may see which model said what."""
    access, found = round_access(request, project, grading_round, Need.OWN)
    with refusal_told(request, _("The round is closed and the names are back.")):
        round_close(actor=access.user, grading_round=found)
    return redirect("evaluation:evaluation-detail", project, found.evaluation_id)
