"""From the form to the queue: choose, look at what the pairs become, launch."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from core.access import Access, project_access
from core.choices import Need
from core.numbers import whole_number
from core.views.telling import refusal_on, refusal_told
from ml.recipe import Recipe
from training.access import run_access
from training.choices import AuditState, RunState
from training.forms import LaunchForm
from training.models import Run
from training.presets import preset_label
from training.selectors.audits import audit_page, problem_rows
from training.selectors.estimates import disk_need, forecast
from training.selectors.gate import launch_refusals
from training.selectors.material import share_told
from training.selectors.models import base_readiness
from training.selectors.probes import probe_page
from training.selectors.queue import finishes_late
from training.services.chains import run_start
from training.services.launch import run_prepare
from training.services.runs import run_discard
from training.views import pretraining


def new(request: HttpRequest, project: str) -> HttpResponse:
    """Choose what a run is to be."""
    access = project_access(request, project, Need.OWN)
    initial = {name: request.GET[name] for name in ("version", "base", "preset") if request.GET.get(name)}
    earlier = cloned(request, project)
    form = LaunchForm(request.POST or None, project=access.project, initial=initial, run=earlier)
    return answer(request, access, form, None)


def cloned(request: HttpRequest, project: str) -> Run | None:
    """The run whose settings fill the form, if the address names one."""
    key = whole_number(request.GET.get("from"))
    found = run_access(request, project, key)[1] if key is not None else None
    if found is None or not found.version_id:
        return None
    found.after = None  # a copy follows nothing
    return found


def edit(request: HttpRequest, project: str, run: int) -> HttpResponse:
    """Change a run that was not launched yet."""
    access, found = run_access(request, project, run, Need.OWN)
    if found.state != RunState.DRAFT:
        messages.info(request, _("This run was launched; its settings never change."))
        return redirect("training:run-detail", project, run)
    if found.corpus_id:
        return pretraining.edit(request, access, found)
    form = LaunchForm(request.POST or None, project=access.project, run=found)
    return answer(request, access, form, found)


def answer(request: HttpRequest, access: Access, form: LaunchForm, run: Run | None) -> HttpResponse:
    if request.method == "POST" and form.is_valid():
        with refusal_on(form):
            prepared = run_prepare(actor=access.user, project=access.project, run=run, **form.asked())
        if not form.errors:
            return redirect("training:run-check", access.project.slug, prepared.pk)
    status = 400 if form.is_bound and form.errors else 200
    return render(request, "training/run_form.html", {"form": form, "run": run, **base_readiness()}, status=status)


@require_GET
def check(request: HttpRequest, project: str, run: int) -> HttpResponse:
    """What each pair becomes, and whether the run may start. The gate before a launch."""
    access, found = run_access(request, project, run)
    if found.corpus_id:
        return render(request, "training/pretrain_check.html", pretraining.check_context(access, found))
    return render(request, "training/check.html", check_context(access, found))


@require_GET
def check_live(request: HttpRequest, project: str, run: int) -> HttpResponse:
    """The part that asks for itself while the pairs are being examined."""
    access, found = run_access(request, project, run)
    if found.corpus_id:
        return render(request, "training/pretrain_check_live.html", pretraining.check_context(access, found))
    return render(request, "training/check_live.html", check_context(access, found))


def check_context(access: Access, run: Run) -> dict[str, object]:
    audit = run.audit
    recipe = Recipe.from_json(run.recipe)
    draft = run.state == RunState.DRAFT
    ready = audit is not None and audit.state == AuditState.READY
    return {
        "run": run,
        "audit": audit,
        "preset": preset_label(run.preset, run.project),
        "running": audit is not None and audit.state == AuditState.RUNNING,
        "draft": draft,
        "refusals": launch_refusals(run) if draft and not (audit and audit.state == AuditState.RUNNING) else [],
        "excluded": [{"code": code, "count": len(ids)} for code, ids in run.excluded.items()],
        "may_launch": access.check(Need.OWN),
        "share": share_told(run),
        "disk": disk_need(run.base, recipe),
        "forecast": forecast(run),
        "late": finishes_late(run) if draft else None,
        **probe_page(run),
        **(audit_page(run, audit) if audit is not None and ready else {}),
    }


@require_GET
def check_rows(request: HttpRequest, project: str, run: int, code: str) -> HttpResponse:
    """The pairs that have one problem."""
    access, found = run_access(request, project, run)
    rows = problem_rows(found.audit, code) if found.audit else []
    report = found.audit.report if found.audit else {}
    problems = [*report.get("problems", []), *report.get("blocking", [])]
    context = {
        "run": found,
        "rows": rows,
        "code": code,
        "sentence": rows[0].get("sentence", "") if rows else "",
        "total": next((problem["count"] for problem in problems if problem["code"] == code), len(rows)),
        "excludable": len(report.get("at_fault", {}).get(code, [])),
        "is_excluded": code in found.excluded,
        "may_decide": found.state == RunState.DRAFT and access.check(Need.OWN),
    }
    return render(request, "training/check_rows.html", context)


@require_POST
def launch(request: HttpRequest, project: str, run: int) -> HttpResponse:
    access, found = run_access(request, project, run, Need.OWN)
    with refusal_told(request, _("The run is in the queue. You may leave; it goes on.")):
        run_start(actor=access.user, run=found)
    found.refresh_from_db()
    page = "training:run-check" if found.state == RunState.DRAFT else "training:run-detail"
    return redirect(page, project, run)


@require_POST
def discard(request: HttpRequest, project: str, run: int) -> HttpResponse:
    access, found = run_access(request, project, run, Need.OWN)
    with refusal_told(request, _("The prepared run is gone.")):
        run_discard(actor=access.user, run=found)
    return redirect("training:run-list", project)
