"""Runs: the list, one run while it goes on and afterwards, and the buttons that end or resume it."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from core.access import project_access
from core.choices import Need
from core.registries import lineage_of
from core.selectors.keyset import keyset_page
from core.views.telling import refusal_told
from curation.choices import VersionState
from curation.models import Corpus, DatasetVersion, Document
from training.access import run_access
from training.choices import RunState
from training.presets import preset_label
from training.selectors.curves import drawn_curves
from training.selectors.models import base_readiness
from training.selectors.queue import waiting_runs
from training.selectors.runs import log_tail, recipe_rows, run_live, runs_of
from training.services.runs import run_cancel, run_finish_now, run_resume, run_retry_halved, run_stop


@require_GET
def index(request: HttpRequest, project: str) -> HttpResponse:
    """Every run of the project, newest first, with its place in the queue."""
    access = project_access(request, project)
    page = keyset_page(runs_of(access.project), request.GET.dict())
    context = {
        "page": page,
        "waiting": waiting_runs(access.project),
        "may_order": access.role == "admin",
        "presets": list(access.project.presets.all()) if access.check(Need.OWN) else [],
        "may_launch": access.check(Need.OWN),
        "has_version": DatasetVersion.objects.filter(task__project=access.project, state=VersionState.READY).exists(),
        "has_corpus": Corpus.objects.filter(project=access.project).exists()
        or Document.objects.filter(project=access.project).exists(),
        **base_readiness(),
    }
    return render(request, "training/runs.html", context)


@require_GET
def detail(request: HttpRequest, project: str, run: int) -> HttpResponse:
    """One run: its curve, its numbers, its samples, its recipe and where it comes from."""
    access, found = run_access(request, project, run)
    if found.state == RunState.DRAFT:
        return redirect("training:run-check", project, run)
    context = {
        **run_live(found),
        "recipe": recipe_rows(found),
        "preset": preset_label(found.preset, found.project),
        "lineage": lineage_of("run", found),
        "may_control": access.check(Need.OWN),
        "log": log_tail(found),
    }
    return render(request, "training/run.html", context)


@require_GET
def live(request: HttpRequest, project: str, run: int) -> HttpResponse:
    """The parts of the page that change while the run is open; the ended one does not ask for them."""
    access, found = run_access(request, project, run)
    return render(request, "training/run_told.html", {**run_live(found), "may_control": access.check(Need.OWN)})


@require_GET
def curves(request: HttpRequest, project: str, run: int) -> HttpResponse:
    """Learning rate, gradient norm, speed and memory of one run."""
    _access, found = run_access(request, project, run)
    return render(request, "training/curves.html", {"run": found, "curves": drawn_curves(found)})


@require_POST
def stop(request: HttpRequest, project: str, run: int) -> HttpResponse:
    access, found = run_access(request, project, run, Need.OWN)
    with refusal_told(request, _("The run stops at its next step and saves. It can be resumed.")):
        run_stop(actor=access.user, run=found)
    return redirect("training:run-detail", project, run)


@require_POST
def finish(request: HttpRequest, project: str, run: int) -> HttpResponse:
    """End the training here and take what it has learned as the model."""
    access, found = run_access(request, project, run, Need.OWN)
    with refusal_told(request, _("The run ends at its next step; the model as it is then is the result.")):
        run_finish_now(actor=access.user, run=found)
    return redirect("training:run-detail", project, run)


@require_POST
def halve(request: HttpRequest, project: str, run: int) -> HttpResponse:
    """Try a failed run again with half as many pairs at once."""
    access, found = run_access(request, project, run, Need.OWN)
    twin = found
    with refusal_told(request, _("The run is tried again with half as many pairs at once.")):
        twin = run_retry_halved(actor=access.user, run=found)
    return redirect("training:run-detail", project, twin.pk)


@require_POST
def cancel(request: HttpRequest, project: str, run: int) -> HttpResponse:
    access, found = run_access(request, project, run, Need.OWN)
    with refusal_told(request, _("The run is given up.")):
        run_cancel(actor=access.user, run=found)
    return redirect("training:run-detail", project, run)


@require_POST
def resume(request: HttpRequest, project: str, run: int) -> HttpResponse:
    access, found = run_access(request, project, run, Need.OWN)
    with refusal_told(request, _("The run is in the queue again; it goes on from its last checkpoint.")):
        run_resume(actor=access.user, run=found)
    return redirect("training:run-detail", project, run)
