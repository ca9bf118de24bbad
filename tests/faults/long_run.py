"""Launches a training in an installation that runs: `python -m tests.faults.long_run STEPS` with its environment.

Prints the run's number once it is launched. The installation's own workers do everything; this only asks for it.
"""

import random
import sys
import time

import django

django.setup()

from django.db.models import Model  # noqa: E402

from core.services.people import user_create  # noqa: E402
from core.services.projects import project_create  # noqa: E402
from curation.choices import Decision, VersionState  # noqa: E402
from curation.fingerprints import Texts  # noqa: E402
from curation.models import Task  # noqa: E402
from curation.services.pairs import pair_submit, revision_of  # noqa: E402
from curation.services.reviews import review_decide  # noqa: E402
from curation.services.tasks import task_create  # noqa: E402
from curation.services.versions import version_freeze  # noqa: E402
from training.choices import AuditState, ModelState  # noqa: E402
from training.models import BaseModel, Run  # noqa: E402
from training.services.bases import starter_register  # noqa: E402
from training.services.launch import run_launch, run_prepare  # noqa: E402

SECONDS = 90.0
PAIRS = 30
TINY = {"threads": 1, "precision": "float32", "lora_rank": 2, "batch_size": 2, "max_tokens": 256, "epochs": 100.0}


def reached(row: Model, state: str) -> None:
    """Wait until a worker brought the row there."""
    deadline = time.monotonic() + SECONDS
    while row.state != state:  # type: ignore[attr-defined]
        assert time.monotonic() < deadline, f"{row!r} is still {row.state}"  # type: ignore[attr-defined]
        time.sleep(0.1)
        row.refresh_from_db()


def written(task: Task) -> None:
    """Pairs, each approved, in a project whose owner works alone."""
    owner = task.project.created_by
    for number in range(PAIRS):
        chance = random.Random(number)  # texts that are no near duplicates of each other
        words = ["".join(chance.choices("abcdefghij", k=5)) for _ in range(12)]
        texts = Texts(
            instruction=f"Where is {' '.join(words)}?", response=f"Beside {words[number % 12]}, behind {words[0]}."
        )
        pair = pair_submit(actor=owner, task=task, texts=texts)
        review_decide(actor=owner, pair=pair, revision_id=revision_of(pair).pk, decision=Decision.APPROVE)


def launch(steps: int) -> Run:
    owner = user_create(
        actor=None, email="long@example.org", name="Lona", password="Twelve blue kettles", is_admin=True
    )
    project = project_create(actor=owner, name="Long run", solo=True)
    task = task_create(actor=owner, project=project, name="Streets", max_tokens=256)
    written(task)
    starter_register()
    base = BaseModel.objects.get()
    version = version_freeze(actor=owner, task=task)
    reached(version, VersionState.READY)
    reached(base, ModelState.READY)
    changes = {**TINY, "max_steps": steps, "save_every": 20}
    run = run_prepare(
        actor=owner, project=project, version=version, base=base, preset="quick", method="lora", changes=changes
    )
    assert run.audit is not None
    reached(run.audit, AuditState.READY)
    return run_launch(actor=owner, run=Run.objects.get(pk=run.pk))


if __name__ == "__main__":
    print(launch(int(sys.argv[1])).pk)
