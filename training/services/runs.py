"""What people ask of a run that was launched: stop, cancel, resume; and how it begins and ends for the worker."""

from dataclasses import replace
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from core.choices import JobState
from core.denied import ApplicationError
from core.jobs import JobFailed
from core.models import Job, Project, User
from core.services.events import event_record
from core.services.jobs import job_stop
from ml.recipe import Recipe
from training.choices import RUN_OPEN, RUN_RESUMABLE, RunState
from training.models import BaseModel, ModelVersion, Run
from training.services.chains import chain_go_on, chain_stop
from training.services.directories import result_folder
from training.services.launch import queue
from training.services.news import tell_of
from training.services.pretraining import base_from_run
from training.services.states import run_move


@transaction.atomic
def run_stop(*, actor: User, run: Run) -> Run:
    """End the training at the next step, save, and let it be resumed later. Stopping twice is stopping once."""
    run = locked_with_job(run)
    if run.state not in RUN_OPEN or run.job is None:
        raise ApplicationError(_("This run is not waiting or running; reload the page to see its state."))
    if run.state == RunState.RUNNING:
        run_move(run=run, to=RunState.STOPPING)
    job_stop(actor=actor, job=run.job, intent="stop")
    run.refresh_from_db()
    return run


@transaction.atomic
def run_finish_now(*, actor: User, run: Run) -> Run:
    """End the training at its next step and take the model as it is then as the result. Twice is once."""
    run = locked_with_job(run)
    if run.state == RunState.STOPPING:
        return run
    if run.state != RunState.RUNNING or run.job is None or not run.step:
        raise ApplicationError(_("Only a run that has trained at least one step can be finished early."))
    run_move(run=run, to=RunState.STOPPING)
    job_stop(actor=actor, job=run.job, intent="finish")
    run.refresh_from_db()
    return run


@transaction.atomic
def run_retry_halved(*, actor: User, run: Run) -> Run:
    """A failed run once more with half as many pairs at once and twice as many batches per step: each step holds the
    same pairs, so the new run goes on from the old one's checkpoints. Raises ApplicationError."""
    run = Run.objects.select_for_update(of=("self",)).select_related("project", "base", "version").get(pk=run.pk)
    recipe = Recipe.from_json(run.recipe)
    size = recipe.batch_size
    if run.state not in RUN_RESUMABLE or size % 2:
        raise ApplicationError(_("Only a failed run with an even number of pairs at a time can be tried so."))
    halved = replace(recipe, batch_size=size // 2, accumulation=recipe.accumulation * 2).to_json()
    same = (
        "project",
        "version",
        "base",
        "audit",
        "preset",
        "start",
        "excluded",
        "tell",
        "wanted_by",
        "nights",
        "corpus",
        "subset",
        "after",
    )
    fields = {name: getattr(run, name) for name in same}
    twin = Run.objects.create(
        **fields, name=run.name, recipe=halved, estimate=run.estimate, requested_by=actor, follows=run
    )
    Run.objects.filter(after=run, state=RunState.WAITING).update(after=twin)
    run_move(run=run, to=RunState.CANCELLED, ended_at=Now())
    return queue(actor=actor, run=twin, action="run.retried_halved")


def locked_with_job(run: Run) -> Run:
    """The run and its job, locked in the order in which a worker that ends the job locks them."""
    Job.objects.select_for_update().filter(pk__in=[run.job_id]).first()
    return Run.objects.select_for_update(of=("self",)).select_related("job", "project").get(pk=run.pk)


@transaction.atomic
def run_cancel(*, actor: User, run: Run) -> Run:
    """Give the run up: it ends at once and cannot be resumed."""
    run = locked_with_job(run)
    if run.state in RUN_OPEN and run.job is not None:
        if run.state == RunState.RUNNING:
            run_move(run=run, to=RunState.STOPPING)
        job_stop(actor=actor, job=run.job, intent="cancel")
    else:
        run_move(run=run, to=RunState.CANCELLED, ended_at=Now())
        chain_stop(run=run)
        event_record(actor=actor, action="run.cancelled", project=run.project, subject=run, summary=run.name)
    run.refresh_from_db()
    return run


@transaction.atomic
def run_resume(*, actor: User, run: Run) -> Run:
    """Queue a stopped or failed run again; it goes on from its last complete checkpoint. Twice is once."""
    run = Run.objects.select_for_update(of=("self",)).select_related("project").get(pk=run.pk)
    if run.state in RUN_OPEN:
        return run
    if run.state not in RUN_RESUMABLE:
        raise ApplicationError(_("Only a run that was stopped or failed can be resumed."))
    if run.after is not None and run.after.state != RunState.DONE:
        raise ApplicationError(_("This run starts from what “%s” was to make; begin a new one.") % run.after.name)
    return queue(actor=actor, run=run, action="run.resumed")


@transaction.atomic
def run_discard(*, actor: User, run: Run) -> None:
    """Throw away a draft that was never launched."""
    Run.objects.filter(after=run.pk, state=RunState.DRAFT).delete()
    deleted, _rows = Run.objects.filter(pk=run.pk, state=RunState.DRAFT).delete()
    if not deleted:
        raise ApplicationError(_("Only a run that was never launched can be discarded."))
    event_record(actor=actor, action="run.discarded", project=run.project, summary=run.name, run=run.pk)


def run_begin(*, run: Run, job: Job) -> Run:
    """A worker takes the run up. Raises JobFailed if there is nothing to take up."""
    if run.job_id != job.pk:
        raise JobFailed(_("A later job works on this run."))
    if run.state == RunState.DONE:
        return run
    changes: dict[str, Any] = {} if run.started_at else {"started_at": Now()}
    try:
        return run_move(run=run, to=RunState.RUNNING, error="", ended_at=None, **changes)
    except ApplicationError as error:
        raise JobFailed(str(error)) from error


def run_ended(*, run: Run, job: Job) -> None:
    """Follow the job's end, in its transaction."""
    if run.job_id != job.pk or run.state == RunState.DONE:
        return
    if job.state == JobState.DONE:
        run_finish(run=run, result=job.result)
        return
    live = run.live
    if job.state == JobState.FAILED:
        to, error = RunState.FAILED, job.error
        live = {**live, "failure": job.result.get("failure", "")}
    else:
        kept = job.stop_intent in ("stop", "finish")  # a finish that could not be brought to its end is a stop
        to, error = (RunState.STOPPED if kept else RunState.CANCELLED), ""
    run_move(run=run, to=to, error=error, live=live, ended_at=Now())
    if to == RunState.CANCELLED:
        chain_stop(run=run)
    event_record(actor=None, action=f"run.{to}", project=run.project, subject=run, summary=run.name)
    if to == RunState.FAILED:
        tell_of(run, _("The training “%(name)s” failed: %(why)s") % {"name": run.name, "why": error})


def run_finish(*, run: Run, result: dict[str, Any]) -> ModelVersion | BaseModel:
    """The training is done: a model version with the next number of its project, or of a pretraining a base model."""
    steps = result.get("final_step") or run.steps
    run_move(run=run, to=RunState.DONE, result=result, error="", step=steps, ended_at=Now())
    if run.corpus_id:
        made = base_from_run(run=run, folder=result_folder(run), result=result)
        chain_go_on(run=run, base=made)
        told = _("The pretraining “%(name)s” is done: base model “%(base)s”.")
        tell_of(run, told % {"name": run.name, "base": made.name})
        return made
    # The project's row is the queue for numbers.
    project = Project.objects.select_for_update().get(pk=run.project_id)
    last = ModelVersion.objects.filter(project=project).aggregate(last=Max("number"))["last"] or 0
    version = ModelVersion.objects.create(
        project=project,
        run=run,
        base=run.base,
        number=last + 1,
        name=run.name,
        folder=result_folder(run),
        method=run.recipe["method"],
        fingerprint=result["fingerprint"],
        tokenizer_fingerprint=run.base.tokenizer_fingerprint,
        template=run.version.template,
    )
    event_record(
        actor=run.requested_by,
        action="model_version.made",
        project=project,
        subject=version,
        summary=version.name,
        fingerprint=version.fingerprint,
    )
    values = {"name": run.name, "number": version.number}
    tell_of(run, _("The training “%(name)s” is done: model version %(number)d.") % values)
    return version
