"""Corrections of a model's drafts become preferences, and a run learns them."""

import hashlib
import json
from collections.abc import Callable

import pytest

from core import registries
from core.choices import WorkKind
from core.models import Project, User
from core.services.work import work_claim_next
from curation.choices import Part, VersionState
from curation.fingerprints import Texts
from curation.models import DatasetVersion, Question, Task, VersionPair
from curation.services.answers import answer_submit
from curation.services.drafting import draft_store, drafting_start
from curation.services.questions import questions_ask
from tests.world import run_jobs
from training.choices import RunState
from training.models import BaseModel, Run
from training.selectors.gate import launch_refusals
from training.services.directories import run_directory
from training.services.launch import run_launch

pytestmark = pytest.mark.django_db(transaction=True)
Prepare = Callable[..., Run]
COUNT = 8


@pytest.fixture
def corrected(advice: Task, project: Project, owner: User, expert: User, tiny_base: BaseModel) -> DatasetVersion:
    """A version of answers that an expert wrote over a model's drafts."""
    questions_ask(actor=owner, task=advice, rows=[{"instruction": f"What is beam {n}?"} for n in range(COUNT)])
    drafting = drafting_start(actor=owner, task=advice, model_key=f"base-{tiny_base.pk}")
    for draft in drafting.drafts.all():
        draft_store(draft=draft, text="roof roof roof", finish_reason="stop")
    version = DatasetVersion.objects.create(
        task=advice, number=2, state=VersionState.READY, train_share=0.8, sha256=hashlib.sha256(b"1").hexdigest(),
        template=advice.template, created_by=owner,
    )  # fmt: skip
    for n in range(COUNT):
        held = work_claim_next(user=expert, project=project, kind=WorkKind.CORRECT)
        assert held is not None
        found = answer_submit(
            actor=expert, assignment=held, texts=Texts(instruction=asked(held.item.subject_id), response="A timber.")
        )
        assert found.pair is not None
        VersionPair.objects.create(
            version=version, revision=found.pair.current, ordinal=n, part=Part.TRAIN if n < 6 else Part.DEVELOP,
            group=str(n), salt="s", digest="d",
        )  # fmt: skip
    return version


def asked(question: int) -> str:
    return Question.objects.get(pk=question).instruction


@pytest.mark.slow
def test_a_run_learns_to_prefer_the_correction_over_the_draft_and_the_answer_that_people_chose(
    owner: User, prepare: Prepare, corrected: DatasetVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = corrected.rows.filter(part=Part.TRAIN).values_list("revision", flat=True)[0]
    chosen = registries.PreferredAnswer(known, "A long timber.", "roof", "Tiny")
    monkeypatch.setattr(registries, "preferred_answers", [lambda task: [chosen] * (task == corrected.task_id)])
    run = run_launch(actor=owner, run=prepare(of=corrected, objective="preferences", max_steps=4, learning_rate=5e-3))
    run_jobs("train")
    run = Run.objects.get(pk=run.pk)
    assert run.state == RunState.DONE, run.error
    assert run.result["develop_loss_before"] == pytest.approx(0.6931, abs=1e-3)
    assert run.result["develop_loss_after"] < run.result["develop_loss_before"]
    assert run.events.filter(type="step", data__preferred__isnull=False).count() == 4
    rows = [json.loads(line) for line in run_directory(run).pairs_path.read_text().splitlines()]
    assert [row["source"] for row in rows] == ["correction"] * COUNT + ["vote"]
    assert (rows[-1]["response"], rows[-1]["rejected"]) == ("A long timber.", "roof")


def test_without_corrections_there_is_nothing_to_prefer(prepare: Prepare) -> None:
    assert "a better and a worse answer" in str(launch_refusals(prepare(objective="preferences"))[0])
