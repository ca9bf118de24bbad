"""A frozen version of forty pairs, two tiny models, and an evaluation that has already happened."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings

from core.models import Project, User
from curation.choices import PairState
from curation.fingerprints import Texts
from curation.models import DatasetVersion, Pair, Revision, Suite, Task
from curation.services.building import version_build
from evaluation.choices import EvaluationState
from evaluation.models import Candidate, Evaluation, Output, Score
from evaluation.services.states import settle
from ml.hashing import text_sha256
from ml.store import fingerprint, tokenizer_fingerprint
from ml.tiny import make_tiny_model
from training.choices import ModelState, RunState
from training.models import BaseModel, ModelVersion, Run

PAIRS = 40
# Forty questions that are not near duplicates of each other: each is a group of its own.
NOUNS = (
    "roof wall floor door window beam stair gutter chimney tile brick plank pipe drain hinge lock frame ledge arch vat"
)
VERBS = "mend paint"


@pytest.fixture
def advice_task(project: Project, owner: User) -> Task:
    return Task.objects.create(project=project, slug="advice", name="Advice", created_by=owner)


@pytest.fixture
def advice_version(advice_task: Task, owner: User) -> DatasetVersion:
    """Forty approved pairs, frozen with half of them for testing."""
    task = advice_task
    nouns = list(enumerate(NOUNS.split()))
    questions = [f"How do I {verb} the {noun} of house {n}?" for verb in VERBS.split() for n, noun in nouns]
    texts = [Texts(instruction=ask, response=f"Take tool {n} and work slowly.") for n, ask in enumerate(questions)]
    pairs = Pair.objects.bulk_create(
        Pair(project=task.project, task=task, state=PairState.APPROVED, author=owner) for _ in texts
    )
    revisions = Revision.objects.bulk_create(
        Revision(
            pair=pair, number=1, instruction=text.instruction, response=text.response, fingerprint=text.fingerprint
        )
        for pair, text in zip(pairs, texts, strict=True)
    )
    for pair, revision in zip(pairs, revisions, strict=True):
        pair.current = pair.approved = revision
    Pair.objects.bulk_update(pairs, ["current", "approved"])
    made = DatasetVersion.objects.create(task=task, number=1, train_share=0.5, template=task.template, created_by=owner)
    return version_build(made, lambda *_: None, lambda: None)


@pytest.fixture
def advice_suite(advice_version: DatasetVersion) -> Suite:
    return Suite.objects.get(version=advice_version, role="test")


@pytest.fixture(scope="session")
def tiny_folders() -> list[Path]:
    """Two random models in the model store, made once."""
    folders = [settings.MODEL_STORE / "base" / "plain", settings.MODEL_STORE / "versions" / "taught"]
    for seed, folder in enumerate(folders):
        shutil.rmtree(folder, ignore_errors=True)
        make_tiny_model(folder, seed=seed)
    return folders


@pytest.fixture
def plain_base(db: None, tiny_folders: list[Path]) -> BaseModel:
    return BaseModel.objects.create(
        name="Plain",
        folder="base/plain",
        state=ModelState.READY,
        fingerprint=fingerprint(tiny_folders[0]),
        tokenizer_fingerprint=tokenizer_fingerprint(tiny_folders[0]),
    )


@pytest.fixture
def taught_model(
    project: Project, advice_version: DatasetVersion, plain_base: BaseModel, tiny_folders: list[Path]
) -> ModelVersion:
    version, base = advice_version, plain_base
    run = Run.objects.create(
        project=project, version=version, base=base, name="First run", recipe={}, state=RunState.DONE
    )
    return ModelVersion.objects.create(
        project=project,
        run=run,
        base=base,
        number=1,
        name="Advice 1",
        folder="versions/taught",
        method="full",
        fingerprint=fingerprint(tiny_folders[1]),
        tokenizer_fingerprint=base.tokenizer_fingerprint,
        template=version.template,
    )


@pytest.fixture
def evaluated(
    project: Project, advice_suite: Suite, plain_base: BaseModel, taught_model: ModelVersion, owner: User
) -> Evaluation:
    """Both models have answered every item; the finetuned one is surer of every reference by 0.4 and a bit."""
    return make_evaluation(project, advice_suite, plain_base, taught_model, owner)


def make_evaluation(
    project: Project,
    suite: Suite,
    base: BaseModel,
    model: ModelVersion,
    owner: User,
    loss: Callable[[int, int], float] = lambda ordinal, place: 3.0 - ordinal * (0.4 + place / 100),
) -> Evaluation:
    evaluation = Evaluation.objects.create(
        project=project,
        suite=suite,
        name="Base against finetuned",
        settings={"answers": 0, "max_new_tokens": 50, "batch_size": 4, "seed": 0},
        requested_by=owner,
        state=EvaluationState.RUNNING,
    )
    for ordinal, names in enumerate(({"base": base}, {"model_version": model})):
        candidate = Candidate.objects.create(
            evaluation=evaluation, ordinal=ordinal, state=EvaluationState.DONE, folder=f"x-{ordinal}", **names
        )
        for place, item in enumerate(suite.items.order_by("ordinal")):
            text = f"Answer {ordinal} to {place}."
            output = Output.objects.create(
                candidate=candidate,
                item=item,
                text=text,
                fingerprint=text_sha256(text),
                finish_reason="length" if ordinal == 0 and place < 4 else "stop",
                new_tokens=5,
                reference_loss=loss(ordinal, place),
                reference_tokens=7,
            )
            Score.objects.create(output=output, metric="rouge_l", value=0.1 + 0.2 * ordinal + place / 1000)
            Score.objects.create(output=output, metric="check.repetition", value=float(ordinal == 0 and place == 0))
    settle(evaluation)
    return evaluation
