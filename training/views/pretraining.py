"""Pretraining: choose text and model, look at what it will take, launch; alone or with the finetuning after it."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from core.access import Access, project_access
from core.choices import Need
from core.numbers import whole_number
from core.views.telling import refusal_on
from curation.choices import CorpusState
from ml.recipe import Recipe
from training.access import run_access
from training.choices import ModelState, RunState
from training.models import Run
from training.pretrain_forms import PretrainForm
from training.selectors.estimates import disk_need, forecast, memory_need
from training.selectors.gate import launch_refusals
from training.selectors.pretraining import followers_of
from training.selectors.probes import probe_page
from training.selectors.queue import finishes_late
from training.selectors.text_estimates import text_forecast
from training.services.pretraining import pretraining_prepare


def new(request: HttpRequest, project: str) -> HttpResponse:
    """Choose what a pretraining is to be."""
    access = project_access(request, project, Need.OWN)
    initial = {
        name: number for name in ("corpus", "base") if (number := whole_number(request.GET.get(name))) is not None
    }
    form = PretrainForm(request.POST or None, project=access.project, initial=initial, run=cloned(request, project))
    return answer(request, access, form, None)


def cloned(request: HttpRequest, project: str) -> Run | None:
    """The pretraining whose settings fill the form, if the address names one."""
    key = whole_number(request.GET.get("from"))
    found = run_access(request, project, key)[1] if key is not None else None
    return found if found is not None and found.corpus_id else None


def edit(request: HttpRequest, access: Access, run: Run) -> HttpResponse:
    """Change a pretraining that was not launched yet, and what follows it."""
    form = PretrainForm(request.POST or None, project=access.project, run=run)
    return answer(request, access, form, run)


def answer(request: HttpRequest, access: Access, form: PretrainForm, run: Run | None) -> HttpResponse:
    if request.method == "POST" and form.is_valid():
        with refusal_on(form):
            prepared = pretraining_prepare(actor=access.user, project=access.project, run=run, **form.asked())
        if not form.errors:
            return redirect("training:run-check", access.project.slug, prepared.pk)
    status = 400 if form.is_bound and form.errors else 200
    return render(request, "training/pretrain_form.html", {"form": form, "run": run}, status=status)


def check_context(access: Access, run: Run) -> dict[str, Any]:
    """What a prepared pretraining will take, and whether it may start."""
    recipe = Recipe.from_json(run.recipe)
    draft = run.state == RunState.DRAFT
    making = run.base.state == ModelState.CHECKING
    assert run.corpus is not None
    building = run.corpus.state == CorpusState.BUILDING
    followers = followers_of(run)
    return {
        "run": run,
        "running": making or building or any(each.examining for each in followers),
        "building": building,
        "examining": any(each.examining for each in followers),
        "held_up": any(each.refusals for each in followers),
        "making": making,
        "draft": draft,
        "refusals": launch_refusals(run) if draft and not making else [],
        "followers": followers,
        "may_launch": access.check(Need.OWN),
        "disk": disk_need(run.base, recipe),
        "memory": memory_need(run.base, recipe),
        "forecast": text_forecast(run, recipe) if not making else None,
        "whole": forecast(run),
        "late": finishes_late(run) if draft and not making else None,
        **probe_page(run),
    }
