"""Once around the loop through the same services that pages and API call, and the same workers."""

import secrets
import zipfile
from collections.abc import Callable
from typing import Any

from django.db.models import Model

from core.choices import JobState
from core.denied import ApplicationError
from core.models import Job, User
from core.services.people import user_create
from core.services.projects import project_create
from curation.choices import VersionState
from curation.demo import ATTRIBUTION, MEMBER, SOURCE, demo_wheel
from curation.import_mapping import Mapping
from curation.models import DatasetVersion, Task
from curation.services.imports import LocalFile, import_start, import_upload
from curation.services.tasks import task_create
from curation.services.versions import version_freeze
from evaluation.choices import EvaluationState, Verdict
from evaluation.measures import LOSS
from evaluation.models import Evaluation
from evaluation.selectors.results import result_of
from evaluation.selectors.suites import suite_for
from evaluation.services.evaluations import evaluation_create
from home.operations.stage import Stage
from training.choices import AuditState, ModelState, RunState
from training.models import BaseModel, ModelVersion, Run
from training.services.bases import starter_register
from training.services.launch import run_launch, run_prepare

COLUMNS = {"instruction": "q", "response": "a", "topic": "category"}
LONGEST_ANSWER = 120  # tokens; the references have 80 at most
PATIENCE = 2 * 3600.0  # only against waiting for ever: a loaded machine may take long


class LoopFailed(RuntimeError):
    """A step did not succeed; the sentence says which and why."""


def once_around(stage: Stage, *, answers: int) -> None:
    """Import → approve → freeze → train → evaluate. Raises LoopFailed if a step fails or finetuning did not help."""
    starter_register()
    actor, task = people_and_task()
    try:
        bring_in(stage, actor, task)
        version = freeze(stage, actor, task)
        model = train(stage, actor, version)
        evaluation = evaluate(stage, actor, model, answers)
    except (ApplicationError, TimeoutError) as error:
        raise LoopFailed(f"The loop stopped: {error}") from error
    report(stage, evaluation)


def people_and_task() -> tuple[User, Task]:
    actor = user_create(
        actor=None, email="loop@localhost.local", name="Loop", password=secrets.token_urlsafe(16), is_admin=True
    )
    project = project_create(actor=actor, name="Once around", attribution=ATTRIBUTION)
    return actor, task_create(actor=actor, project=project, name="Answer questions about building")


def bring_in(stage: Stage, actor: User, task: Task) -> None:
    """The English FAQ pairs, approved by the import, which is recorded."""
    path = stage.home / "uploads" / "faq-en.jsonl"
    with zipfile.ZipFile(demo_wheel()) as wheel:
        path.write_bytes(wheel.read(MEMBER))
    batch = import_upload(actor=actor, task=task, upload=LocalFile(path))
    mapping = Mapping.from_json({**batch.mapping, "columns": COLUMNS})
    batch = import_start(actor=actor, batch=batch, mapping=mapping, approve=True, source=SOURCE)
    batch = finished(stage, batch, lambda row: row.state == "done", PATIENCE)
    stage.tell(f"Imported and approved {batch.accepted} pairs; {batch.refused} rows refused")


def freeze(stage: Stage, actor: User, task: Task) -> DatasetVersion:
    version = version_freeze(actor=actor, task=task)
    version = finished(stage, version, lambda row: row.state == VersionState.READY, PATIENCE)
    parts = ", ".join(f"{count} {part}" for part, count in version.counts["parts"].items())
    stage.tell(f"Frozen as {version}: {parts} (sha256 {version.sha256[:12]})")
    return version


def train(stage: Stage, actor: User, version: DatasetVersion) -> ModelVersion:
    """LoRA on the starter model with the preset Quick: 25 steps of 8 pairs."""
    base = finished(stage, BaseModel.objects.get(), lambda row: row.state == ModelState.READY, PATIENCE)
    stage.tell(f"Base model {base}: {base.parameters / 1e6:.0f} M parameters, {base.note or base.source}")
    project = version.task.project
    run = run_prepare(
        actor=actor, project=project, version=version, base=base, preset="quick", method="lora", changes={}
    )
    assert run.audit is not None
    finished(stage, run.audit, lambda row: row.state == AuditState.READY, PATIENCE)
    run = run_launch(actor=actor, run=Run.objects.get(pk=run.pk))
    run = finished(stage, run, lambda row: row.state == RunState.DONE, PATIENCE)
    result = run.result
    stage.tell(
        f"Trained {result['final_step']} steps, {result['tokens_trained']} tokens at "
        f"{result['tokens_per_second']:.0f} tokens/s; loss on the develop part {result['develop_loss_before']:.3f} → "
        f"{result['develop_loss_after']:.3f}"
    )
    return ModelVersion.objects.get(run=run)


def evaluate(stage: Stage, actor: User, model: ModelVersion, answers: int) -> Evaluation:
    suite = suite_for(model)
    if suite is None:
        raise LoopFailed("The version has no test part, so nothing can be compared.")
    evaluation = evaluation_create(
        actor=actor,
        project=model.project,
        suite=suite,
        models=[model.base, model],
        answers=answers,
        max_new_tokens=LONGEST_ANSWER,
    )
    evaluation = finished(stage, evaluation, lambda row: row.state == EvaluationState.DONE, PATIENCE)
    stage.tell(f"Both models answered {answers} questions and were scored on {suite.size}")
    return evaluation


Row = Any  # any of our models that has a job, and a state that says how it fares


def finished(stage: Stage, row: Row, done: Callable[[Row], bool], seconds: float) -> Row:
    """Wait until `done` says so of the row as it is in the database. LoopFailed when its job or it itself failed."""
    model: type[Model] = type(row)

    def job() -> Job | None:
        jobs = jobs_of(row)
        return next((each for each in jobs if each.is_open), jobs[-1] if jobs else None)

    def look() -> Row | None:
        jobs = jobs_of(row)
        fresh = model._default_manager.get(pk=row.pk)  # after the jobs: one that ends in between has its say
        if done(fresh):
            return fresh
        failed = [each for each in jobs if each.state in (JobState.FAILED, JobState.CANCELLED)]
        if failed or (jobs and not any(each.is_open for each in jobs)):
            reason = getattr(fresh, "error", "") or (failed[0].error or failed[0].message if failed else "")
            raise LoopFailed(f"{(failed or jobs)[0].kind} of “{row}” failed: {reason}")
        return None

    return stage.wait(look, job, seconds)


def jobs_of(row: Row) -> list[Job]:
    """The jobs that work on a row: its own, or those of its parts."""
    if isinstance(row, Evaluation):
        return list(Job.objects.filter(kind="evaluate").order_by("pk"))
    number = type(row)._default_manager.values_list("job", flat=True).get(pk=row.pk)
    return list(Job.objects.filter(pk=number))


def report(stage: Stage, evaluation: Evaluation) -> None:
    """Base against finetuned, and the verdict: LoopFailed unless the held-out loss is lower beyond doubt."""
    result = result_of(evaluation)
    names = [str(candidate) for candidate in result.candidates]
    stage.write("")
    stage.write(f"{'':32}{names[0][:22]:>24}{names[1][:22]:>24}   difference (95 % interval)")
    for row in result.rows:
        cells = "".join(f"{cell.text:>24}" for cell in row.cells)
        difference = row.differences[0]
        stage.write(f"{row.measure.label!s:32}{cells}   {difference.text} ({difference.interval}) {difference.verdict}")
    stage.write("")
    main = next(row for row in evaluation.summary["measures"] if row["key"] == LOSS.key)["differences"][0]
    if result.main is not None:
        stage.tell(result.main.verdict)
    if main["verdict"] != Verdict.BETTER:
        raise LoopFailed("The held-out loss of the finetuned model is not lower with an interval that excludes zero.")
