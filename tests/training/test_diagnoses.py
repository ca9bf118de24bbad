"""Each rule finds what it is for and stays silent about a healthy run."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from training.choices import RunState
from training.models import Run, RunEvent
from training.selectors.diagnoses import diagnoses

pytestmark = pytest.mark.django_db(transaction=True)
Prepare = Callable[..., Run]
HEALTHY = [2.0 - n * 0.02 for n in range(50)]


@pytest.fixture
def told(prepare: Prepare) -> Callable[..., Run]:
    """A run that told these losses, measurements and checkpoints."""

    def make(
        losses: Iterable[float] = HEALTHY, measured: Iterable[tuple[int, float]] = (), state: str = RunState.RUNNING,
        error: str = "", checkpoint: dict[str, Any] | None = None, wait: float = 0.0, **changes: Any,
    ) -> Run:  # fmt: skip
        run = prepare(batch_size=4)
        steps = [("step", n, {"loss": loss, "wait": wait, "tokens_per_second": 9}) for n, loss in enumerate(losses, 1)]
        evals = [("eval", step, {"loss": loss}) for step, loss in measured]
        saved = [("checkpoint", 10, checkpoint)] if checkpoint else []
        RunEvent.objects.bulk_create(
            RunEvent(run=run, attempt=1, seq=seq, type=kind, step=step, at=0.0, data=data)
            for seq, (kind, step, data) in enumerate([*steps, *evals, *saved], 1)
        )
        Run.objects.filter(pk=run.pk).update(state=state, error=error, step=len(steps), steps=100, **changes)
        return Run.objects.get(pk=run.pk)

    return make


def codes(run: Run) -> list[str]:
    return [found.code for found in diagnoses(run)]


def test_a_healthy_run_has_none(told: Callable[..., Run]) -> None:
    assert codes(told(measured=[(10, 1.9), (30, 1.6), (50, 1.4)])) == []


def test_what_the_curve_tells(told: Callable[..., Run]) -> None:
    assert codes(told(losses=[0.0] * 10)) == ["loss_zero"]
    still = told(losses=[2.0, 2.01, 1.99] * 12)
    assert codes(still) == ["flat"]
    assert "not too low (now 0.0005" in diagnoses(still)[0].cure
    slow = {**still.recipe, "learning_rate": 1e-5}
    Run.objects.filter(pk=still.pk).update(recipe=slow)
    assert "Raise the learning rate (now 1e-05" in diagnoses(Run.objects.get(pk=still.pk))[0].cure
    assert codes(told(losses=[9.0 if n in (20, 35) else loss for n, loss in enumerate(HEALTHY)])) == ["spikes"]
    risen = told(measured=[(10, 1.9), (20, 1.5), (50, 1.8)])
    assert codes(risen) == ["overfit"]
    assert "lowest at step 20 (1.500)" in diagnoses(risen)[0].cause


def test_what_failed_runs_tell_and_only_memory_offers_half_the_batch(told: Callable[..., Run]) -> None:
    killed = told(state=RunState.FAILED, error="The process was killed by the system, out of memory: it held 3.1 GB.")
    assert [(found.code, found.retry) for found in diagnoses(killed)] == [("out_of_memory", True)]
    ended = told(state=RunState.FAILED, error="The process was ended from outside (SIGKILL); there was memory left.")
    assert [(found.code, found.retry) for found in diagnoses(ended)] == [("ended", False)]
    full = told(state=RunState.FAILED, error="The disk is full: the checkpoint of step 8 could not be saved.")
    assert [(found.code, found.retry) for found in diagnoses(full)] == [("disk_full", False)]
    assert codes(told(state=RunState.FAILED, error="The loss is no longer a number after step 3.")) == ["not_a_number"]


@pytest.mark.parametrize(
    ("failure", "code"),
    [("out_of_memory", "out_of_memory"), ("ended", "ended"), ("disk_full", "disk_full"),
     ("loss_not_finite", "not_a_number")],
)  # fmt: skip
def test_a_failure_is_told_by_its_code_whatever_language_its_sentence_is_in(
    told: Callable[..., Run], failure: str, code: str
) -> None:
    assert codes(told(state=RunState.FAILED, error="Slut på det roliga.", live={"failure": failure})) == [code]
    assert codes(told(state=RunState.FAILED, error="The disk is full.", live={"failure": "data"})) == []


def test_what_the_machine_tells(told: Callable[..., Run]) -> None:
    assert codes(told(checkpoint={"disk_free": 150, "bytes": 100})) == ["disk_low"]
    assert codes(told(checkpoint={"disk_free": 1500, "bytes": 100})) == []
    assert codes(told(wait=0.5, live={"eta_seconds": 50.0})) == ["slow_loading"]


def test_forgetting_is_told_with_both_losses(told: Callable[..., Run]) -> None:
    run = told(state=RunState.DONE, result={"general_loss_before": 3.0, "general_loss_after": 3.6})
    (found,) = diagnoses(run)
    assert found.code == "forgot"
    assert "from 3.00 to 3.60" in found.cause
