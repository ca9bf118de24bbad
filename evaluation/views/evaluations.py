"""Starting an evaluation, watching it, and reading what came of it."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from core.access import Access, project_access
from core.choices import Need
from core.denied import Denied
from core.selectors.keyset import keyset_page
from core.views.telling import refusal_on, refusal_told
from evaluation.access import evaluation_access, may_see_answers
from evaluation.choices import EVALUATION_AGAIN, EVALUATION_OPEN
from evaluation.forms import NewEvaluation
from evaluation.models import Candidate, Evaluation
from evaluation.selectors.asking import reused_in
from evaluation.selectors.evaluations import candidates_of, evaluations_of
from evaluation.selectors.progress import took, whole_of
from evaluation.selectors.results import result_of
from evaluation.selectors.rounds import rounds_of
from evaluation.services.evaluations import evaluation_cancel, evaluation_create, evaluation_retry
from training.models import ModelVersion

ASKED = ("model", "against", "suite", "amount")  # what an address may choose beforehand


@require_GET
def index(request: HttpRequest, project: str) -> HttpResponse:
    """Every evaluation of the project, newest first."""
    access = project_access(request, project)
    page = keyset_page(evaluations_of(access.project), request.GET.dict())
    context = {
        "page": page,
        "may_start": access.allows(Need.OWN),
        "has_models": ModelVersion.objects.filter(project=access.project).exists(),
    }
    return render(request, "evaluation/evaluations.html", context)


def new(request: HttpRequest, project: str) -> HttpResponse:
    """Base against finetuned in two clicks: both are chosen already."""
    access = project_access(request, project, Need.OWN)
    initial = {name: request.GET[name] for name in ASKED if request.GET.get(name)}
    form = NewEvaluation(request.POST or None, project=access.project, initial=initial)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        with refusal_on(form):
            evaluation = evaluation_create(
                actor=access.user,
                project=access.project,
                **{name: given[name] for name in ("suite", "models", "answers", "max_new_tokens", "batch_size")},
            )
        if not form.errors:
            messages.success(request, _("The evaluation is queued; this page follows it."))
            return redirect("evaluation:evaluation-detail", project, evaluation.pk)
    context = {"form": form, "has_models": form.versions.exists()}
    return render(request, "evaluation/evaluation_new.html", context, status=400 if form.errors else 200)


@require_GET
def detail(request: HttpRequest, project: str, evaluation: int) -> HttpResponse:
    """While it runs: how far it is. Afterwards: base against finetuned."""
    access, found = evaluation_access(request, project, evaluation)
    return render(request, "evaluation/evaluation.html", page_of(access, found))


@require_GET
def live(request: HttpRequest, project: str, evaluation: int) -> HttpResponse:
    """The part that asks for itself every two seconds while a model answers; then the whole page is asked for once."""
    access, found = evaluation_access(request, project, evaluation)
    if found.state not in EVALUATION_OPEN:
        return HttpResponse(status=204, headers={"HX-Refresh": "true"})
    return render(request, "evaluation/evaluation_live.html", live_of(access, found))


def live_of(access: Access, evaluation: Evaluation) -> dict[str, Any]:
    candidates = candidates_of(evaluation)
    return {
        "evaluation": evaluation,
        "candidates": candidates,
        "whole": whole_of(evaluation, candidates),
        "open": evaluation.state in EVALUATION_OPEN,
        "again": evaluation.state in EVALUATION_AGAIN,
        "may_own": access.allows(Need.OWN),
    }


def page_of(access: Access, evaluation: Evaluation) -> dict[str, Any]:
    visible = may_see_answers(evaluation)
    live = live_of(access, evaluation)
    candidates = live["candidates"]
    return {
        **live,
        "result": result_of(evaluation, candidates),
        "took": took(evaluation),
        "reused": reused_in(candidates),
        "more": closer(evaluation, candidates),
        "rounds": rounds_of(evaluation),
        "hidden": str(visible) if isinstance(visible, Denied) else "",
        "may_grade": access.allows(Need.GRADE),
    }


def closer(evaluation: Evaluation, candidates: list[Candidate]) -> str:
    """The address of the form with the same models and suite, and more items to answer."""
    asked: dict[str, Any] = {"suite": evaluation.suite_id}
    if len(candidates) > 1 and candidates[1].model_version_id:
        first = candidates[0]
        kind, number = ("base", first.base_id) if first.base_id else ("version", first.model_version_id)
        asked |= {"model": candidates[1].model_version_id, "against": f"{kind}-{number}"}
    return urlencode({**asked, "amount": "all"})


@require_POST
def cancel(request: HttpRequest, project: str, evaluation: int) -> HttpResponse:
    access, found = evaluation_access(request, project, evaluation, Need.OWN)
    with refusal_told(request, _("The evaluation is being stopped. What was answered is kept for a later retry.")):
        evaluation_cancel(actor=access.user, evaluation=found)
    return redirect("evaluation:evaluation-detail", project, evaluation)


@require_POST
def retry(request: HttpRequest, project: str, evaluation: int) -> HttpResponse:
    access, found = evaluation_access(request, project, evaluation, Need.OWN)
    with refusal_told(request, _("The evaluation goes on from what was answered.")):
        evaluation_retry(actor=access.user, evaluation=found)
    return redirect("evaluation:evaluation-detail", project, evaluation)
