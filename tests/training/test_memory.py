"""Memory that does not suffice: a real allocation that fails, said in words, and tried again with half the batch."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from django.test import Client

from core.models import Project, User
from curation.models import DatasetVersion
from tests.world import run_jobs
from training.choices import RunState
from training.models import Run
from training.selectors.diagnoses import diagnoses
from training.services.launch import run_launch

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow(seconds=40)]
# A python that, once everything is loaded, may take only a little more memory than it has: what a small machine is.
SMALL_MACHINE = """#!{python}
import os, resource, runpy, sys
sys.path.insert(0, os.getcwd())
import ml.train.run
sys.argv = ["ml", *sys.argv[3:]]
held = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (held + {more}, held + {more}))
runpy.run_module("ml", run_name="__main__")
"""


def test_an_allocation_that_fails_ends_in_the_cure_and_half_the_batch_does_it(
    prepare: Callable[..., Run], freeze: Callable[..., DatasetVersion], owner: User, project: Project, tmp_path: Path,
    as_user: Callable[[User], Client], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    long = freeze(train=32, develop=1, test=0, response="{n} " + "wall roof floor " * 300)
    run = prepare(of=long, method="full", batch_size=32, max_tokens=2048, max_steps=1, packing=False)
    client = as_user(owner)
    small = tmp_path / "python"
    small.write_text(SMALL_MACHINE.format(python=sys.executable, more=100 << 20))
    small.chmod(0o755)
    run_launch(actor=owner, run=run)
    with monkeypatch.context() as patched:
        patched.setattr("core.ml_program.sys.executable", str(small))
        run_jobs("train")
    run.refresh_from_db()
    assert run.state == RunState.FAILED
    assert [(found.code, found.retry) for found in diagnoses(run)] == [("out_of_memory", True)], run.error
    page = client.get(f"/p/{project.slug}/training/{run.pk}/").content.decode()
    assert page.index("The memory was not enough") < page.index("Try again with half") < page.index("What it said")
    assert 'class="btn" id="run-resume"' in page, "what would fail again is not what is offered first"
    shown = page[: page.index("settings as the preset has them")]
    assert ("32 examples" in shown, "Warm-up" in shown) == (True, False)
    client.post(f"/p/{project.slug}/training/{run.pk}/halve/")
    twin = Run.objects.get(follows=run)
    assert (twin.recipe["batch_size"], twin.recipe["accumulation"]) == (16, 2)
    run_jobs("train")
    twin.refresh_from_db()
    assert (twin.state, twin.step) == (RunState.DONE, 1), twin.error
