import shutil
from collections.abc import Sequence
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from core.choices import JOB_ENDED
from core.denied import ApplicationError
from core.models import Job, Project, User
from core.services.events import event_record
from core.services.jobs import job_create, job_retry, job_stop
from curation.models import Suite
from evaluation.choices import EVALUATION_AGAIN, EVALUATION_OPEN, EvaluationState
from evaluation.models import Candidate, Evaluation
from evaluation.selectors.amounts import QUICK_LOOK
from evaluation.selectors.estimates import BATCH, Model, answer_limit, estimate_of, suite_size
from evaluation.selectors.suites import taught_items
from evaluation.services.states import candidate_move
from training.choices import ModelState
from training.models import BaseModel
from training.selectors.refs import folder_of

KIND = "evaluate"
MOST_MODELS = 6
NEEDED_BYTES = 100_000_000


@transaction.atomic
def evaluation_create(
    *,
    actor: User,
    project: Project,
    suite: Suite,
    models: Sequence[Model],
    answers: int = QUICK_LOOK,
    max_new_tokens: int | None = None,
    batch_size: int = BATCH,
    seed: int = 0,
    name: str = "",
) -> Evaluation:
    """Let some models answer a suite, one job each. The first model is what the others are compared with.

    `answers` items are answered by each model (0: all); the likelihood of the reference is measured on every item.
    An answer has at most `max_new_tokens`; None: a quarter more than the longest reference.
    Raises ApplicationError with the cure for whatever would make the jobs fail.
    """
    if suite.project_id != project.pk:
        raise ApplicationError(_("This suite belongs to another project."), field="suite")
    refuse_suite(suite)
    size = suite_size(suite)
    longest = answer_limit(size) if max_new_tokens is None else max_new_tokens
    refuse_settings(answers, longest, batch_size)
    refuse_models(project, suite, models)
    expected = estimate_of(suite, models, answers=answers, max_new_tokens=longest, size=size)
    evaluation = Evaluation.objects.create(
        project=project,
        suite=suite,
        name=(name or _("%(models)s on %(suite)s") % {"models": " / ".join(map(str, models)), "suite": suite})[:120],
        settings={"answers": answers, "max_new_tokens": longest, "batch_size": batch_size, "seed": seed},
        estimate=expected.to_json() if expected else {},
        requested_by=actor,
    )
    event_record(actor=actor, action="evaluation.created", project=project, subject=evaluation, summary=evaluation.name)
    for ordinal, model in enumerate(models):
        base, version = (model, None) if isinstance(model, BaseModel) else (None, model)
        candidate = Candidate.objects.create(evaluation=evaluation, base=base, model_version=version, ordinal=ordinal)
        candidate.folder = f"evaluation-{evaluation.pk}-{ordinal}"
        candidate.job = candidate_job(actor, candidate)
        candidate.save(update_fields=["folder", "job"])
    return evaluation


def candidate_job(actor: User, candidate: Candidate) -> Job:
    project = candidate.evaluation.project
    return job_create(
        actor=actor,
        kind=KIND,
        project=project,
        subject=f"{candidate} · {candidate.evaluation.suite}",
        subject_url=f"/p/{project.slug}/evaluations/{candidate.evaluation_id}/",
        arguments={"candidate": candidate.pk},
        once_key=f"candidate-{candidate.pk}",
    )


@transaction.atomic
def evaluation_cancel(*, actor: User, evaluation: Evaluation) -> Evaluation:
    """Ask every model that has not finished to stop. What was answered stays on disk and serves a later retry."""
    if evaluation.state not in EVALUATION_OPEN:
        raise ApplicationError(_("This evaluation has ended already."))
    for candidate in evaluation.candidates.filter(state__in=EVALUATION_OPEN).select_related("job"):
        if candidate.job is not None and candidate.job.state not in JOB_ENDED:
            job_stop(actor=actor, job=candidate.job, intent="cancel")
        else:
            candidate_move(candidate=candidate, state=EvaluationState.CANCELLED)
    evaluation.refresh_from_db()
    event_record(actor=actor, action="evaluation.cancel", project=evaluation.project, subject=evaluation)
    return evaluation


@transaction.atomic
def evaluation_retry(*, actor: User, evaluation: Evaluation) -> Evaluation:
    """Let the models that failed or were cancelled go on from what they answered already."""
    again = list(evaluation.candidates.filter(state__in=EVALUATION_AGAIN).select_related("job"))
    if not again:
        raise ApplicationError(_("Nothing failed here, so there is nothing to try again."))
    for candidate in again:
        candidate_move(candidate=candidate, state=EvaluationState.QUEUED)
        if candidate.job is not None and candidate.job.state in JOB_ENDED:
            job_retry(actor=actor, job=candidate.job)
        elif candidate.job is None:
            candidate.job = candidate_job(actor, candidate)
            candidate.save(update_fields=["job"])
    evaluation.refresh_from_db()
    event_record(actor=actor, action="evaluation.retried", project=evaluation.project, subject=evaluation)
    return evaluation


def refuse_settings(answers: int, max_new_tokens: int, batch_size: int) -> None:
    for field, value, low, high in (
        ("answers", answers, 0, 100_000),
        ("max_new_tokens", max_new_tokens, 1, 8192),
        ("batch_size", batch_size, 1, 256),
    ):
        if not low <= value <= high:
            text = _("Write a number from %(low)d to %(high)d.") % {"low": low, "high": high}
            raise ApplicationError(text, field=field)


def refuse_suite(suite: Suite) -> None:
    if not suite.items.exists():
        raise ApplicationError(
            _("The suite “%(suite)s” has no items. Freeze a version whose test part has pairs in it.")
            % {"suite": suite},
            field="suite",
        )


def refuse_models(project: Project, suite: Suite, models: Sequence[Model]) -> None:
    if not 1 <= len(models) <= MOST_MODELS:
        raise ApplicationError(_("Choose one to %d models.") % MOST_MODELS, field="models")
    if len(set(models)) != len(models):
        raise ApplicationError(_("A model cannot be compared with itself; choose two different ones."), field="models")
    for model in models:
        refuse_model(project, suite, model)
    if shutil.disk_usage(settings.RUN_STORE.parent).free < NEEDED_BYTES:
        raise ApplicationError(_("Less than 100 MB of disk are free; make room before you evaluate."))


def refuse_model(project: Project, suite: Suite, model: Model) -> None:
    base = model if isinstance(model, BaseModel) else model.base
    if base.state != ModelState.READY:
        text = _("The base model %(model)s is not ready: %(state)s. Wait for its check, or register it again.")
        raise ApplicationError(text % {"model": base, "state": base.get_state_display()}, field="models")
    for part in {base, model}:
        if not Path(folder_of(part)).is_dir():
            text = _("The files of %(model)s are missing in the model store (%(folder)s). Restore them from a backup.")
            raise ApplicationError(text % {"model": part, "folder": part.folder}, field="models")
    if isinstance(model, BaseModel):
        return
    if model.project_id != project.pk:
        raise ApplicationError(_("This model belongs to another project."), field="models")
    if taught := taught_items(suite, model):
        text = _(
            "%(model)s was trained on %(count)d of this suite's items, so its result would flatter it. Choose the test "
            "suite of %(version)s, the version it was trained on."
        )
        raise ApplicationError(text % {"model": model, "count": taught, "version": model.run.version}, field="suite")
