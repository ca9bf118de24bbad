"""A base model, a run and the model version that it made; an evaluation with its grades."""

from datetime import timedelta

from django.utils import timezone

from core.choices import WorkKind
from core.services.work import work_claim, work_open
from evaluation.choices import EvaluationState
from evaluation.models import Candidate, Evaluation, GradingRound, Output, Rubric
from tests.architecture.estate.one import DIGEST, Estate
from training.choices import AuditState, ModelState, RunState
from training.models import Audit, BaseModel, ModelVersion, OwnPreset, Run


def add_training(estate: Estate) -> None:
    owner, project = estate.people["owner"], estate.project
    base = BaseModel.objects.create(
        name="Tiny", folder="base/tiny", state=ModelState.READY, fingerprint=DIGEST, tokenizer_fingerprint=DIGEST
    )
    run = Run.objects.create(
        project=project,
        version_id=estate.values["version"],
        base=base,
        name="First run",
        recipe={},
        state=RunState.DONE,
        requested_by=owner,
        ended_at=timezone.now() + timedelta(minutes=1),
    )
    made = ModelVersion.objects.create(
        project=project,
        run=run,
        base=base,
        number=1,
        name="First run",
        folder="versions/1",
        method="lora",
        fingerprint=DIGEST,
        tokenizer_fingerprint=DIGEST,
    )
    audit = Audit.objects.create(
        version_id=estate.values["version"], base=base, max_tokens=64, template_sha256=DIGEST, state=AuditState.READY
    )
    estate.values |= {
        "audit": audit.pk,
        "preset": OwnPreset.objects.create(project=project, name="Ours", recipe={"method": "lora"}).pk,
        "api-model-version/version": made.pk,
        "api-model-version-chat/version": made.pk,
        "base": base.pk,
        "run": run.pk,
        "code": "too_long",
        "model_version": made.pk,
        "training/version": made.pk,
    }


def add_evaluation(estate: Estate) -> None:
    owner, project = estate.people["owner"], estate.project
    evaluation = Evaluation.objects.create(
        project=project,
        suite_id=estate.values["suite"],
        name="Base against finetuned",
        settings={"answers": 1, "max_new_tokens": 8, "batch_size": 1, "seed": 0},
        state=EvaluationState.DONE,
        requested_by=owner,
    )
    candidate = Candidate.objects.create(
        evaluation=evaluation, base_id=estate.values["base"], ordinal=0, state=EvaluationState.DONE
    )
    output = Output.objects.create(
        candidate=candidate, item_id=estate.values["item"], text="A beam.", fingerprint=DIGEST
    )
    criteria = [{"key": "correct", "label": "Correct", "low": "wrong", "high": "right"}]
    rubric = Rubric.objects.create(project=project, number=1, criteria=criteria, created_by=owner)
    # Answers stay hidden while a round is open, so the round belongs to an evaluation of its own.
    graded = Evaluation.objects.create(
        project=project, suite_id=estate.values["suite"], name="Graded", settings=evaluation.settings, state="done"
    )
    grading_round = GradingRound.objects.create(evaluation=graded, rubric=rubric, seed=1, items=1, created_by=owner)
    to_grade = work_open(
        project=project, kind=WorkKind.GRADE, subject_type="output", subject_id=output.pk, batch=grading_round.batch
    )
    grading = work_claim(user=estate.people["reviewer"], item=to_grade)
    assert grading is not None
    estate.values |= {f"evaluation:grade-{name}/assignment": grading.pk for name in ("hold", "ahead", "renew")}
    estate.values |= {
        "evaluation": evaluation.pk,
        "candidate": candidate.pk,
        "output": output.pk,
        "grading_round": grading_round.pk,
        "rubric": rubric.pk,
    }
