"""From a form to a run that waits for a worker: prepare, look at the audit, launch."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from core.denied import ApplicationError
from core.models import Job, Project, User
from core.services.events import event_record
from core.services.jobs import job_create
from curation.choices import VersionState
from curation.models import DatasetVersion
from curation.selectors.subsets import Subset
from ml.recipe import ADAPTERS, TEXT, Recipe
from training.choices import ModelState, RunState, Tell
from training.models import BaseModel, ModelVersion, Run
from training.presets import recipe_from
from training.selectors.estimates import forecast
from training.selectors.gate import launch_refusals, length_refusals
from training.selectors.models import why_refused
from training.services.audits import audit_request
from training.services.states import run_move

NAME_LENGTH = 120


@dataclass(frozen=True)
class Wishes:
    """What a person wants of a run besides what it is: who is told, by when, and when it may run."""

    tell: str = Tell.REQUESTER
    wanted_by: datetime | None = None
    nights: bool = False


@transaction.atomic
def run_prepare(
    *,
    actor: User,
    project: Project,
    version: DatasetVersion,
    base: BaseModel,
    preset: str,
    method: str,
    changes: dict[str, Any],
    name: str = "",
    start: ModelVersion | None = None,
    wishes: Wishes | None = None,
    subset: Subset | None = None,
    run: Run | None = None,
) -> Run:
    """Write down a run as a draft, or change one, and have its pairs examined. Nothing is trained yet.

    With `start` the training goes on from a model version, with a `subset` it learns from less. Raises
    ApplicationError with the field at fault.
    """
    if version.task.project_id != project.pk:
        raise ApplicationError(_("This dataset version belongs to another project."), field="version")
    if version.state != VersionState.READY:
        raise ApplicationError(_("This dataset version is not ready yet."), field="version")
    if base.state == ModelState.REFUSED or (base.state != ModelState.READY and not base.size):
        raise ApplicationError(_("This model is not ready: %(why)s") % {"why": why_refused(base)}, field="base")
    if run is not None and run.state != RunState.DRAFT:
        raise ApplicationError(_("This run was launched already; its settings never change. Prepare a new one."))
    if len(name) > NAME_LENGTH:
        raise ApplicationError(_("A name has at most %d characters.") % NAME_LENGTH, field="name")
    recipe = recipe_from(project=project, preset=preset, method=method, changes=changes)
    if recipe.objective == TEXT:
        raise ApplicationError(_("Pairs are not learnt as text; choose a pretraining for that."), field="objective")
    if recipe.objective == "preferences" and subset is not None and not subset.whole:
        raise ApplicationError(_("A share can be taken of answers; preferences are learnt whole."), field="data_share")
    for denied in length_refusals(base, recipe):
        raise ApplicationError(str(denied), field="max_tokens")
    if start is not None:
        refuse_other_start(project, base, start, recipe)
    wishes = wishes or Wishes()
    run = run or Run(project=project, requested_by=actor)
    if run.version_id != version.pk:
        run.excluded = {}
    run.version, run.base, run.preset, run.recipe = version, base, preset, recipe.to_json()
    if subset is not None:
        run.subset = {} if subset.whole else asdict(subset)
    run.start, run.tell, run.wanted_by, run.nights = start, wishes.tell, wishes.wanted_by, wishes.nights
    run.name = name.strip() or default_name(version, preset)
    if base.state == ModelState.READY:  # a new model is being made; the job that makes it asks for the audit
        run.audit = audit_request(actor=actor, version=version, base=base, max_tokens=recipe.max_tokens)
    run.save()
    event_record(actor=actor, action="run.prepared", project=project, subject=run, summary=run.name)
    return run


def refuse_other_start(project: Project, base: BaseModel, start: ModelVersion, recipe: Recipe) -> None:
    if start.project_id != project.pk or start.base_id != base.pk:
        raise ApplicationError(_("This model version belongs to another project or base model."), field="base")
    if recipe.method in ADAPTERS and start.method in ADAPTERS and start.method != recipe.method:
        sentence = _("“%(name)s” was made by %(made)s; an adapter can only be trained on by the same method.")
        raise ApplicationError(sentence % {"name": start.name, "made": start.method}, field="method")


def default_name(version: DatasetVersion, preset: str) -> str:
    return f"{version} · {preset}"[:NAME_LENGTH]


@transaction.atomic
def run_launch(*, actor: User, run: Run) -> Run:
    """Queue a prepared run. A second click finds the run launched and returns it. Raises ApplicationError."""
    run = (
        Run.objects.select_for_update(of=("self",))
        .select_related("version__task", "base", "audit", "project", "start", "probe")
        .get(pk=run.pk)
    )
    if run.state != RunState.DRAFT:
        return run
    if run.after_id:
        raise ApplicationError(_("This run begins by itself when the pretraining before it is done; launch that one."))
    denied = launch_refusals(run)
    if denied:
        raise ApplicationError(" ".join(map(str, denied)))
    run.estimate = forecast(run).to_json()
    run.save(update_fields=["estimate"])
    return queue(actor=actor, run=run, action="run.launched")


def queue(*, actor: User | None, run: Run, action: str) -> Run:
    """Give the run a new job, in the transaction of the caller."""
    job = train_job(actor=actor, run=run)
    run_move(run=run, to=RunState.QUEUED, job=job, folder=run.folder or f"run-{run.pk}", error="", ended_at=None)
    event_record(actor=actor, action=action, project=run.project, subject=run, summary=run.name, job=job.pk)
    return run


def train_job(*, actor: User | None, run: Run) -> Job:
    return job_create(
        actor=actor,
        kind="train",
        project=run.project,
        subject=run.name,
        subject_url=f"/p/{run.project.slug}/training/{run.pk}/",
        arguments={"run": run.pk},
        once_key=f"train-{run.pk}",
        nights=run.nights,
    )
