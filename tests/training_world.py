"""A tiny registered model and a frozen version, for the tests of training."""

import contextlib
import hashlib
import io
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from core.choices import JobState
from core.jobs import JobContext
from core.models import Job, Project, User
from curation.choices import PairState, Part, VersionState
from curation.models import DatasetVersion, Pair, Revision, Task, VersionPair
from curation.services.tasks import task_create
from ml.cli import main
from ml.hashing import json_sha256
from ml.tiny import make_tiny_model
from tests.ml.runs import finish, make_training, start
from tests.world import run_jobs
from training import jobs
from training.choices import RunState
from training.models import BaseModel, Run
from training.services.bases import base_examined, base_register
from training.services.directories import result_folder, run_directory
from training.services.launch import run_launch, run_prepare

# A child that tells what a test wrote down, and ends. Its supervisor cannot tell it from a training.
CHILD = """#!{python}
import os, shutil, signal, sys
folder = os.path.join(sys.argv[4], "attempt-" + sys.argv[6])
shutil.copyfile({events!r}, os.path.join(folder, "events.jsonl"))
{end}
"""
# What a few seconds suffice for.
TINY = {"threads": 1, "precision": "float32", "lora_rank": 2, "batch_size": 2, "max_tokens": 256}


@pytest.fixture(scope="session")
def tiny_folder() -> Path:
    """A tiny model in the model store of the tests."""
    folder = settings.MODEL_STORE / "base" / "tiny"
    if not folder.exists():
        make_tiny_model(folder)
    return folder


@pytest.fixture
def spoilt_folder(tiny_folder: Path) -> Iterator[Path]:
    """A copy that a test may spoil."""
    folder = settings.MODEL_STORE / "base" / "spoilt"
    shutil.rmtree(folder, ignore_errors=True)
    yield Path(shutil.copytree(tiny_folder, folder))
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def tiny_report(tiny_folder: Path) -> dict[str, Any]:
    """What the examination says about it; made once, since it takes seconds. test_bases.py does it by the job."""
    words = [sys.executable, "-m", "ml", "inspect", str(tiny_folder)]
    return json.loads(subprocess.run(words, capture_output=True, check=True).stdout)


@pytest.fixture
def tiny_base(tiny_folder: Path, tiny_report: dict[str, Any], owner: User) -> BaseModel:
    """The tiny model, registered and examined."""
    found = base_register(actor=owner, name="Tiny", folder=str(tiny_folder))
    assert found.job is not None
    Job.objects.filter(pk=found.job.pk).update(state=JobState.DONE)
    return base_examined(base=found, job=found.job, report=tiny_report)


@pytest.fixture
def advice(project: Project, owner: User) -> Task:
    return task_create(actor=owner, project=project, name="Advice", max_tokens=256)


@pytest.fixture
def freeze(advice: Task, owner: User) -> Callable[..., DatasetVersion]:
    def make(train: int = 12, develop: int = 3, test: int = 3, response: str = "It is number {n}.") -> DatasetVersion:
        parts = [Part.TRAIN] * train + [Part.DEVELOP] * develop + [Part.TEST] * test
        return version_make(advice, owner, parts, response)

    return make


def version_make(task: Task, owner: User, parts: list[Part], response: str) -> DatasetVersion:
    number = task.versions.count() + 1
    counts = {"parts": {part: parts.count(part) for part in Part}, "pairs": len(parts)}
    version = DatasetVersion.objects.create(
        task=task,
        number=number,
        state=VersionState.READY,
        train_share=0.8,
        sha256=hashlib.sha256(f"{task.pk}/{number}".encode()).hexdigest(),
        template=task.template,
        counts=counts,
        created_by=owner,
    )
    for n, part in enumerate(parts):
        revision = revision_make(task, owner, f"What is number {n} of {number}?", response.format(n=n))
        VersionPair.objects.create(
            version=version, revision=revision, ordinal=n, part=part, group=str(n), salt="s", digest="d"
        )
    return version


def revision_make(task: Task, owner: User, instruction: str, response: str) -> Revision:
    pair = Pair.objects.create(project=task.project, task=task, state=PairState.APPROVED, author=owner)
    texts: dict[str, Any] = {"instruction": instruction, "response": response}
    revision = Revision.objects.create(pair=pair, number=1, author=owner, fingerprint=json_sha256(texts), **texts)
    Pair.objects.filter(pk=pair.pk).update(current=revision, approved=revision)
    return revision


@pytest.fixture
def frozen(freeze: Callable[..., DatasetVersion]) -> DatasetVersion:
    return freeze()


@pytest.fixture
def audits_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Audits in this process instead of a child each, which takes twenty times as long; the job and the command are
    the same. Tests that go by the form or by the API have the child."""
    by_child = jobs.errand

    def here(context: JobContext, words: list[str], *, timeout: float) -> Any:
        if words[0] != "audit":
            return by_child(context, words, timeout=timeout)
        with contextlib.redirect_stdout(io.StringIO()) as told:
            main(words)
        return json.loads(told.getvalue())

    monkeypatch.setattr(jobs, "errand", here)


@pytest.fixture(scope="session")
def trained_folder(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run directory of a training that has ended, by the child, once for all tests that need one behind them."""
    run = make_training(tmp_path_factory.mktemp("trained") / "run", tiny_folder, max_steps=4, save_every=2, lora_rank=2)
    assert finish(start("train", run, 1)) == 0
    return run.path


@pytest.fixture
def trained(trained_folder: Path) -> Callable[[User, Run], Run]:
    """Launch a run and find its training done, as a worker does that was killed at the very end."""

    def go(actor: User, run: Run) -> Run:
        launched = run_launch(actor=actor, run=run)
        shutil.copytree(trained_folder, run_directory(launched).path, dirs_exist_ok=True)
        result = settings.MODEL_STORE / result_folder(launched)
        shutil.copytree(trained_folder / "result", result, dirs_exist_ok=True)
        run_jobs("train")
        found = Run.objects.select_related("project").get(pk=run.pk)
        assert found.state == RunState.DONE, found.error
        return found

    return go


@pytest.fixture
def prepare(
    project: Project, owner: User, frozen: DatasetVersion, tiny_base: BaseModel, audits_here: None
) -> Callable[..., Run]:
    def make(*, of: DatasetVersion = frozen, method: str = "lora", **changes: Any) -> Run:
        run = run_prepare(
            actor=owner,
            project=project,
            version=of,
            base=tiny_base,
            preset="quick",
            method=method,
            changes={**TINY, "max_steps": 4, "save_every": 2, **changes},
        )
        run_jobs()
        return Run.objects.get(pk=run.pk)

    return make


@pytest.fixture
def trained_by(
    owner: User, prepare: Callable[..., Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[list[dict[str, Any]], str], Run]:
    """Launch a run whose child tells these events, runs this code and is gone."""

    def train(said: list[dict[str, Any]], end: str) -> Run:
        lines = [
            {"step": n, "steps": 100, "eta_seconds": 50.0, **event, "seq": n, "time": float(n)}
            for n, event in enumerate(said, 1)
        ]
        (tmp_path / "events").write_text("".join(json.dumps(line) + "\n" for line in lines))
        child = tmp_path / "python"
        child.write_text(CHILD.format(python=sys.executable, events=str(tmp_path / "events"), end=end))
        child.chmod(0o755)
        run = run_launch(actor=owner, run=prepare(batch_size=4))
        with monkeypatch.context() as patched:
            patched.setattr("core.ml_program.sys.executable", str(child))
            run_jobs("train")
        return Run.objects.get(pk=run.pk)

    return train
