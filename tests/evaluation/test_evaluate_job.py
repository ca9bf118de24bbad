"""Two models answer a suite for real: children, run directories, rows."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client

from core.choices import JobState
from core.jobs import job_claim, job_execute
from core.models import Event, Job, Project, User
from core.services.jobs import job_retry
from curation.models import CheckedText, Suite
from evaluation.choices import EvaluationState
from evaluation.jobs import suite_in_order
from evaluation.models import Candidate, Evaluation, Output, Score
from evaluation.selectors.asking import asking_of
from evaluation.selectors.estimates import TAKING_OVER, estimate_of
from evaluation.services.evaluations import evaluation_cancel, evaluation_create, evaluation_retry
from evaluation.services.reuse import known_rows
from ml.checks import default_checks
from ml.metrics import METRICS
from ml.rundir import RunDir
from tests.world import run_jobs
from training.models import BaseModel, ModelVersion

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


@pytest.fixture(autouse=True)
def empty_run_store() -> None:
    shutil.rmtree(settings.RUN_STORE, ignore_errors=True)
    settings.RUN_STORE.mkdir(parents=True)


@pytest.fixture
def evaluation(
    owner: User, project: Project, advice_suite: Suite, plain_base: BaseModel, taught_model: ModelVersion
) -> Evaluation:
    return evaluation_create(
        actor=owner,
        project=project,
        suite=advice_suite,
        models=[plain_base, taught_model],
        answers=5,
        max_new_tokens=6,
        batch_size=4,
    )


def test_both_models_answer_some_items_and_are_scored_on_all(
    evaluation: Evaluation, advice_suite: Suite, plain_base: BaseModel, taught_model: ModelVersion
) -> None:
    assert evaluation.state == EvaluationState.QUEUED
    jobs = run_jobs("generate")
    assert [job.state for job in jobs] == [JobState.DONE, JobState.DONE], [job.error for job in jobs]
    evaluation.refresh_from_db()
    assert evaluation.state == EvaluationState.DONE
    assert evaluation.ended_at is not None
    found = estimate_of(advice_suite, [plain_base, taught_model], answers=5, max_new_tokens=6)
    assert found is not None
    assert (found.source, len(found.parts)) == ("earlier", 2)
    for candidate in evaluation.candidates.all():
        outputs = Output.objects.filter(candidate=candidate)
        assert outputs.count() == advice_suite.size
        assert outputs.filter(answered=True).count() == 5
        assert outputs.filter(answered=True).exclude(finish_reason__in=("stop", "length")).count() == 0
        assert outputs.filter(answered=False).exclude(text="").count() == 0
        assert outputs.filter(reference_loss=None).count() == 0
        per_output = len(METRICS) + len(default_checks())
        assert Score.objects.filter(output__candidate=candidate).count() == 5 * per_output
    asked = [set(c.outputs.filter(answered=True).values_list("item", flat=True)) for c in evaluation.candidates.all()]
    assert asked[0] == asked[1]
    fingerprints = set(Output.objects.filter(answered=True).exclude(text="").values_list("fingerprint", flat=True))
    checked = CheckedText.objects.filter(fingerprint__in=fingerprints, field="response")
    assert {row.fingerprint for row in checked} == fingerprints
    loss = next(row for row in evaluation.summary["measures"] if row["key"] == "loss")
    assert [cell["count"] for cell in loss["candidates"]] == [advice_suite.size, advice_suite.size]
    assert loss["differences"][0]["count"] == advice_suite.size
    assert Event.objects.filter(action="evaluation.done", object_id=str(evaluation.pk)).count() == 1


def test_what_was_said_before_is_taken_over_and_shown(
    evaluation: Evaluation, advice_suite: Suite, plain_base: BaseModel, taught_model: ModelVersion, owner: User,
    project: Project, as_user: Callable[[User], Client],
) -> None:  # fmt: skip
    """The second evaluation asks more of one model, and nothing that was asked of either before."""
    run_jobs("generate")
    first = {(row.candidate.ordinal, row.item_id): row for row in Output.objects.select_related("candidate")}
    again = evaluation_create(
        actor=owner, project=project, suite=advice_suite, models=[plain_base, taught_model], answers=5,
        max_new_tokens=6,
    )  # fmt: skip
    assert again.estimate["seconds"] == 2 * TAKING_OVER
    jobs = run_jobs("generate")
    assert [job.state for job in jobs] == [JobState.DONE, JobState.DONE], [job.error for job in jobs]
    outputs = list(Output.objects.filter(candidate__evaluation=again).select_related("candidate"))
    assert len(outputs) == 2 * advice_suite.size
    for output in outputs:
        source = first[output.candidate.ordinal, output.item_id]
        same = ("text", "fingerprint", "answered", "finish_reason", "reference_loss", "new_tokens", "prompt_tokens")
        assert [getattr(output, name) for name in same] == [getattr(source, name) for name in same]
        assert output.reused_from_id == source.pk
    again.refresh_from_db()
    evaluation.refresh_from_db()
    assert [row["candidates"][0]["mean"] for row in again.summary["measures"]] == [
        row["candidates"][0]["mean"] for row in evaluation.summary["measures"]
    ]
    folders = [settings.RUN_STORE / candidate.folder for candidate in again.candidates.all()]
    assert [RunDir(folder).attempts() for folder in folders] == [[0], [0]], "no child was started"
    page = as_user(owner).get(f"/p/{project.slug}/evaluations/{again.pk}/").content.decode()
    assert f"{advice_suite.size} items of Plain, asked the same before:" in page
    assert f"/evaluations/{evaluation.pk}/" in page
    inbox = as_user(owner).get("/inbox/").content.decode()
    assert inbox.count("An evaluation that you asked for has ended") == 2
    item = outputs[0].item_id
    assert (
        "said in an earlier evaluation"
        in as_user(owner).get(f"/p/{project.slug}/evaluations/{again.pk}/items/{item}/").content.decode()
    )
    more = evaluation_create(
        actor=owner, project=project, suite=advice_suite, models=[plain_base], answers=8, max_new_tokens=6
    )
    assert more.estimate["seconds"] > 2 * TAKING_OVER
    [job] = run_jobs("generate")
    assert (job.state, job.error) == (JobState.DONE, "")
    fresh = Output.objects.filter(candidate__evaluation=more, reused_from=None)
    assert (fresh.count(), fresh.filter(answered=True).count()) == (3, 3)
    assert Output.objects.filter(candidate__evaluation=more, answered=True).count() == 8
    assert set(
        more.candidates.get().outputs.exclude(reused_from=None).values_list("reused_from__candidate", flat=True)
    ) == {evaluation.candidates.get(ordinal=0).pk}, "the first that said it is named"
    nothing_is_taken_over_where_anything_differs(more.candidates.get(), plain_base)


def nothing_is_taken_over_where_anything_differs(candidate: Candidate, base: BaseModel) -> None:
    suite, examples = candidate.evaluation.suite, suite_in_order(candidate)
    candidate.asking = asking_of(base, suite, 6)
    candidate.pk = 0  # a new one, for which all is known
    assert len(list(known_rows(candidate, examples, 8))) == len(examples)
    assert suite.version is not None
    template = suite.version.template
    suite.version.template = {**template, "prompt": "Q: {{instruction}}\n{{input}}"}
    other_template = asking_of(base, suite, 6)
    suite.version.template = template
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("evaluation.selectors.asking.edition", lambda: "the next one")
        other_edition = asking_of(base, suite, 6)
    for asking in (asking_of(base, suite, 7), other_template, other_edition):
        assert asking != candidate.asking
        changed = Candidate(pk=0, evaluation=candidate.evaluation, asking=asking)
        assert list(known_rows(changed, examples, 8)) == []
    for name in ("instruction", "response", "system"):
        others = [(item, {**example, name: f"{example[name]}."}) for item, example in examples]
        assert list(known_rows(candidate, others, 8)) == []


def test_running_a_job_again_adds_nothing(evaluation: Evaluation, owner: User) -> None:
    run_jobs("generate")
    before = sorted(Output.objects.values_list("pk", "text", "reference_loss"))
    scores = Score.objects.count()
    Job.objects.update(state=JobState.FAILED)
    for job in Job.objects.filter(kind="evaluate"):
        job_retry(actor=owner, job=job)
    assert [job.state for job in run_jobs("generate")] == [JobState.DONE, JobState.DONE]
    assert sorted(Output.objects.values_list("pk", "text", "reference_loss")) == before
    assert Score.objects.count() == scores


def test_a_model_whose_files_changed_fails_with_the_reason_and_can_be_tried_again(
    evaluation: Evaluation, owner: User, plain_base: BaseModel, tiny_folders: list[Path]
) -> None:
    config = tiny_folders[0] / "config.json"
    original = config.read_text()
    config.write_text(original.replace('"rms_norm_eps": 1e-06', '"rms_norm_eps": 1e-05'))
    try:
        jobs = run_jobs("generate")
    finally:
        config.write_text(original)
    assert sorted(job.state for job in jobs) == [JobState.DONE, JobState.FAILED]
    evaluation.refresh_from_db()
    assert evaluation.state == EvaluationState.FAILED
    assert "has changed since it was registered" in evaluation.error
    assert Output.objects.filter(candidate__base=plain_base).count() == 0
    evaluation_retry(actor=owner, evaluation=evaluation)
    assert [job.state for job in run_jobs("generate")] == [JobState.DONE]
    evaluation.refresh_from_db()
    assert (evaluation.state, evaluation.error) == (EvaluationState.DONE, "")


def test_cancelling_ends_waiting_models_at_once(evaluation: Evaluation, owner: User) -> None:
    evaluation = evaluation_cancel(actor=owner, evaluation=evaluation)
    assert evaluation.state == EvaluationState.CANCELLED
    assert set(Job.objects.values_list("state", flat=True)) == {JobState.CANCELLED}
    assert run_jobs("generate") == []
    assert Output.objects.count() == 0


def test_a_file_that_holds_something_else_fails_the_job_and_stores_nothing(
    evaluation: Evaluation, advice_suite: Suite
) -> None:
    job = job_claim(queue="generate", worker="test")
    assert job is not None
    run = RunDir(settings.RUN_STORE / evaluation.candidates.get(ordinal=0).folder)
    (run.path / "attempt-1").mkdir(parents=True)
    (run.path / "attempt-1" / "outputs.jsonl").write_text('{"id": "999999", "text": "?"}\n')
    run.write_done({"result": "attempt-1/outputs.jsonl"})
    job_execute(job)
    job.refresh_from_db()
    assert job.state == JobState.FAILED
    assert "Line 1 of outputs.jsonl is no answer to an item of this suite" in job.error
    assert Output.objects.count() == 0
