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


FAILED, KILLED = "sys.exit(1)", "os.kill(os.getpid(), signal.SIGKILL)"
STEPS = [{"type": "step", "loss": loss, "wait": 0.0, "tokens_per_second": 9.0} for loss in HEALTHY]


def steps(losses: Iterable[float], **more: Any) -> list[dict[str, Any]]:
    return [{"type": "step", "loss": loss, "tokens_per_second": 9.0, **more} for loss in losses]


def evals(*losses: float) -> list[dict[str, Any]]:
    return [{"type": "eval", "loss": loss} for loss in losses]


def error(code: str) -> dict[str, Any]:
    return {"type": "error", "code": code, "message": "It ended."}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("said", "end", "code", "cure"),
    [
        ([*STEPS[:5], error("loss_not_finite")], FAILED, "not_a_number", "a third of the learning rate (now 0.0005)"),
        ([*STEPS[:5], error("out_of_memory")], FAILED, "out_of_memory", "half as many pairs at once"),
        ([*STEPS[:5], error("disk_full")], FAILED, "disk_full", "Free some space, then resume"),
        (STEPS[:5], KILLED, "ended", "Resume the run"),
        ([*steps([0.0] * 10), error("data")], FAILED, "loss_zero", "trained tokens are coloured there"),
        ([*steps([2.0, 2.01] * 18), error("data")], FAILED, "flat", "The learning rate is not too low"),
        ([*steps([9.0 if n in (20, 35) else loss for n, loss in enumerate(HEALTHY)]), error("data")],
         FAILED, "spikes", "Lower the learning rate"),
        ([*STEPS, *evals(1.9, 1.5, 1.8), error("data")], FAILED, "overfit", "Train fewer passes"),
        ([*steps(HEALTHY, wait=0.5), error("data")], FAILED, "slow_loading", "look at what runs beside it"),
    ],
)  # fmt: skip
def test_what_a_child_tells_becomes_a_cause_and_a_cure(
    trained_by: Callable[[list[dict[str, Any]], str], Run], said: list[dict[str, Any]], end: str, code: str, cure: str
) -> None:
    run = trained_by(said, end)
    assert run.state == RunState.FAILED
    (found,) = diagnoses(run)
    assert (found.code, found.retry) == (code, code == "out_of_memory")
    assert found.cause
    assert cure in found.cure


@pytest.mark.slow
def test_a_disk_that_fills_up_is_told_while_the_run_goes_on(
    trained_by: Callable[[list[dict[str, Any]], str], Run],
) -> None:
    run = trained_by([*STEPS, {"type": "checkpoint", "disk_free": 150, "bytes": 100}, error("data")], FAILED)
    assert diagnoses(run) == [], "it is over"
    Run.objects.filter(pk=run.pk).update(state=RunState.RUNNING)
    (found,) = diagnoses(Run.objects.get(pk=run.pk))
    assert (found.code, "Free some space now" in found.cure) == ("disk_low", True)
