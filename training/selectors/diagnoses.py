"""What is wrong with a training, judged by what it told: evidence, cause and cure for people who have not seen many."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import F
from django.db.models.functions import Mod
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _

from ml.recipe import ADAPTERS, Recipe
from training.choices import RunState
from training.models import Run, RunEvent

READ = 600  # steps looked at, evenly over the run
FLAT_STEPS = 30
FLAT_SHARE = 0.02  # a loss that fell by less than this share has not moved
SPIKE = 2.0  # times the middle of the steps around it
SLOW_SHARE = 0.3  # of a step's time spent waiting for data
LOW_DISK = 2  # checkpoints that must still fit
# How the failures of runs are told whose rows say only in words why they failed.
WORDS = {
    "out_of_memory": ("out of memory", "can't allocate", "cannot allocate memory", "bad_alloc"),
    "ended": ("from outside",),
    "disk_full": ("disk", "space left"),
    "loss_not_finite": ("no longer a number",),
}


@dataclass(frozen=True)
class Diagnosis:
    """`code` names the rule, `retry` offers to try again with half as many pairs at once."""

    code: str
    tone: str
    title: str
    cause: str
    cure: str
    retry: bool = False


@dataclass(frozen=True)
class Told:
    """What a run told that the rules look at: its steps, thinned out, and its measurements, in order."""

    run: Run
    recipe: Recipe
    steps: Sequence[dict[str, Any]]
    measured: Sequence[tuple[int, float]]
    checkpoints: Sequence[dict[str, Any]]

    def failed_by(self, code: str) -> bool:
        """Whether the run failed for this reason (ml.commands_run.error_code, core.child)."""
        if self.run.state != RunState.FAILED:
            return False
        known = self.run.live.get("failure")
        return known == code if known else any(word in self.run.error.lower() for word in WORDS[code])

    @property
    def losses(self) -> list[float]:
        return [step["loss"] for step in self.steps if step.get("loss") is not None]


def diagnoses(run: Run) -> list[Diagnosis]:
    """What the rules find, the gravest first."""
    found = told_by(run)
    return [diagnosis for rule in RULES if (diagnosis := rule(found)) is not None]


def told_by(run: Run) -> Told:
    rows = RunEvent.objects.filter(run=run, superseded=False, step__isnull=False)
    steps = rows.filter(type="step")
    every = max(1, run.step // READ)
    if every > 1:
        steps = steps.annotate(rest=Mod(F("step"), every)).filter(rest=0)
    others = list(rows.filter(type__in=("eval", "checkpoint")).order_by("step").values_list("type", "step", "data"))
    return Told(
        run=run,
        recipe=Recipe.from_json(run.recipe),
        steps=list(steps.order_by("step").values_list("data", flat=True)),
        measured=[
            (step, data["loss"])
            for kind, step, data in others
            if kind == "eval" and step is not None and data.get("loss") is not None
        ],
        checkpoints=[data for kind, _step, data in others if kind == "checkpoint"],
    )


def out_of_memory(told: Told) -> Diagnosis | None:
    if not told.failed_by("out_of_memory"):
        return None
    return Diagnosis(
        "out_of_memory", "bad", _("The memory was not enough"), _("The longest pairs of a batch did not fit."),
        _("Try again with half as many pairs at once and twice as many batches per step: the result is the same."),
        retry=told.recipe.batch_size % 2 == 0,
    )  # fmt: skip


def ended_from_outside(told: Told) -> Diagnosis | None:
    if not told.failed_by("ended"):
        return None
    return Diagnosis(
        "ended", "bad", _("Somebody or something ended the process"),
        _("It was killed while there was memory left, so it was not the training."),
        _("Resume the run; if it happens again, ask who looks after this machine."),
    )  # fmt: skip


def disk_full(told: Told) -> Diagnosis | None:
    if not told.failed_by("disk_full"):
        return None
    return Diagnosis(
        "disk_full", "bad", _("The disk was full"), _("A checkpoint could not be written; the one before it is whole."),
        _("Free some space, then resume: the run goes on from its last checkpoint."),
    )  # fmt: skip


def not_a_number(told: Told) -> Diagnosis | None:
    if not told.failed_by("loss_not_finite"):
        return None
    return Diagnosis(
        "not_a_number", "bad", _("The loss stopped being a number"),
        _("The steps were too large, or the number format too coarse."),
        _("Clone the run with a third of the learning rate (now %(rate)g) or with 32-bit numbers.")
        % {"rate": told.recipe.learning_rate},
    )  # fmt: skip


def nothing_learned(told: Told) -> Diagnosis | None:
    """A loss of zero from the start: there is nothing left to learn, or nothing is labelled."""
    losses = told.losses
    if len(losses) < 3 or max(losses) > 1e-6:
        return None
    return Diagnosis(
        "loss_zero", "bad", _("The loss is zero"), _("Either the model knows every answer already, or no token of the "
        "answers is trained."), _("Look at what the pairs became: trained tokens are coloured there."),
    )  # fmt: skip


def flat(told: Told) -> Diagnosis | None:
    losses = told.losses
    if len(losses) < FLAT_STEPS or told.recipe.objective != "answers":
        return None
    tenth = max(3, len(losses) // 10)
    before, after = statistics.mean(losses[:tenth]), statistics.mean(losses[-tenth:])
    if before <= 0 or (before - after) / before > FLAT_SHARE:
        return None
    usual = 2e-4 if told.recipe.method in ADAPTERS else 2e-5
    cure = (
        _("Raise the learning rate (now %(rate)g; %(usual)g is usual for this method), or train more of the model.")
        if told.recipe.learning_rate < usual
        else _(
            "The learning rate is not too low (now %(rate)g; %(usual)g is usual for this method). Train more of the "
            "model (a higher rank, or full), or start from one that knows the language."
        )
    )
    return Diagnosis(
        "flat", "warn", _("The loss hardly moves"),
        _("From %(before).3f to %(after).3f over %(steps)d steps.")
        % {"before": before, "after": after, "steps": told.run.step},
        cure % {"rate": told.recipe.learning_rate, "usual": usual},
    )  # fmt: skip


def spikes(told: Told) -> Diagnosis | None:
    losses = told.losses
    windows = ((losses[n], statistics.median(losses[max(0, n - 5) : n + 6])) for n in range(5, len(losses)))
    count = sum(loss > SPIKE * middle and loss - middle > 0.5 for loss, middle in windows)
    if count < 2:
        return None
    return Diagnosis(
        "spikes", "warn", _("The loss jumps"), _("%(count)d steps stand far above those around them.")
        % {"count": count},
        _("Lower the learning rate, take more pairs per step, or lower “Largest step”. Single odd pairs do it, too: "
        "look at the longest ones."),
    )  # fmt: skip


def learns_by_heart(told: Told) -> Diagnosis | None:
    """The develop loss has risen from its best while the train loss fell."""
    if len(told.measured) < 3 or len(told.losses) < 10:
        return None
    best_step, best = min(told.measured, key=lambda found: found[1])
    last = told.measured[-1][1]
    if best_step == told.measured[-1][0] or last < 1.03 * best or told.losses[-1] > told.losses[0]:
        return None
    return Diagnosis(
        "overfit", "warn", _("The model learns by heart"),
        _("The develop loss was lowest at step %(step)d (%(best).3f) and is %(last).3f now; the train loss falls.")
        % {"step": best_step, "best": best, "last": last},
        _("Train fewer passes, take the state with the lowest develop loss as the model, or add pairs."),
    )  # fmt: skip


def slow_loading(told: Told) -> Diagnosis | None:
    timed = [step for step in told.steps if step.get("wait") and step.get("tokens_per_second")]
    if len(timed) < 10 or not told.run.live.get("eta_seconds"):
        return None
    left = told.run.steps - told.run.step
    a_step = told.run.live["eta_seconds"] / left if left else 0
    wait = statistics.median(step["wait"] for step in timed)
    if not a_step or wait < SLOW_SHARE * a_step:
        return None
    return Diagnosis(
        "slow_loading", "warn", _("The training waits for its data"),
        _("%(share)d %% of each step is spent waiting.") % {"share": 100 * wait / a_step},
        _("Something else uses this machine's processor or disk; look at what runs beside it."),
    )  # fmt: skip


def disk_low(told: Told) -> Diagnosis | None:
    last = told.checkpoints[-1] if told.checkpoints else {}
    free, need = last.get("disk_free"), last.get("bytes")
    if told.run.state != RunState.RUNNING or free is None or not need or free > LOW_DISK * need:
        return None
    return Diagnosis(
        "disk_low", "warn", _("The disk is nearly full"), _("%(free)s are free; a checkpoint takes %(need)s.")
        % {"free": filesizeformat(free), "need": filesizeformat(need)},
        _("Free some space now, or the run fails at its next checkpoint and must be resumed."),
    )  # fmt: skip


def forgot(told: Told) -> Diagnosis | None:
    """The loss on a fixed general text has risen."""
    before, after = (told.run.result.get(f"general_loss_{when}") for when in ("before", "after"))
    if not before or not after or after < 1.1 * before:
        return None
    return Diagnosis(
        "forgot", "warn", _("The model has forgotten some of what it knew"),
        _("Its loss on a general text rose from %(before).2f to %(after).2f.") % {"before": before, "after": after},
        _("If it must also do other things, train fewer passes, with a lower learning rate, or by LoRA."),
    )  # fmt: skip


RULES: tuple[Callable[[Told], Diagnosis | None], ...] = (
    out_of_memory, ended_from_outside, disk_full, not_a_number, nothing_learned, disk_low, spikes, flat,
    learns_by_heart, slow_loading, forgot,
)  # fmt: skip
