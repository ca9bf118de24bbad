"""What runs measured step by step: thinned out, as charts for people and as points for programs."""

import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.db.models import F, Q
from django.db.models.functions import Mod
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.charts import Chart, ChartError, Series, line_chart
from training.models import Run, RunEvent

GIGABYTE = 1024**3  # as the sizes in words count
POINTS = 800  # read for a curve; the chart thins them further

Points = list[tuple[int, float]]


@dataclass(frozen=True)
class Measure:
    """The kind of event that carries it, its name there, and what it says."""

    kind: str
    name: str
    label: Any
    text: Any


MEASURES = {
    "loss": Measure("step", "loss", gettext_lazy("Train loss"), gettext_lazy("Of one step, in nats a trained token.")),
    "learning_rate": Measure(
        "step", "learning_rate", gettext_lazy("Learning rate"),
        gettext_lazy("Rises in the warm-up and falls afterwards."),
    ),
    "grad_norm": Measure(
        "step", "grad_norm", gettext_lazy("Gradient norm"),
        gettext_lazy("How strongly the steps pull; 0.1 to 10 is healthy."),
    ),
    "tokens_per_second": Measure(
        "step", "tokens_per_second", gettext_lazy("Tokens a second"),
        gettext_lazy("Falls when something else uses the machine."),
    ),
    "memory": Measure(
        "step", "memory", gettext_lazy("Memory"), gettext_lazy("Bytes, of the training process or of its GPU.")
    ),
    "wait": Measure(
        "step", "wait", gettext_lazy("Wait for data"), gettext_lazy("Seconds of the step that were spent waiting.")
    ),
    "preferred": Measure(
        "step", "preferred", gettext_lazy("Share preferred"),
        gettext_lazy("How often the better answer is the likelier one."),
    ),
    "develop_loss": Measure(
        "eval", "loss", gettext_lazy("Develop loss"),
        gettext_lazy("On the develop part or the held-out text, in nats a token."),
    ),
    "answers": Measure(
        "eval", "answers", gettext_lazy("Answers"),
        gettext_lazy("How near answers to develop questions come to people's, from 0 to 1."),
    ),
    "perplexity": Measure("eval", "perplexity", gettext_lazy("Perplexity"), gettext_lazy("Of the held-out text.")),
    "bits_per_byte": Measure(
        "eval", "bits_per_byte", gettext_lazy("Bits per byte"), gettext_lazy("Of the held-out text.")
    ),
    "general_loss": Measure(
        "general", "loss", gettext_lazy("General loss"), gettext_lazy("On a fixed general text: what it forgot.")
    ),
}  # fmt: skip
DRAWN = ("learning_rate", "grad_norm", "tokens_per_second", "memory", "preferred")


def measured_points(
    run: Run, names: Collection[str], *, after: int = -1, until: int | None = None, points: int = POINTS
) -> dict[str, Points]:
    """(step, value) of each measure beyond step `after` and up to `until`, in order.

    What was measured at every step is thinned evenly to about `points`; the newest step is among them. What a resumed
    run threw away is not. One query for each kind of event.
    """
    found: dict[str, Points] = {name: [] for name in names}
    for kind in {MEASURES[name].kind for name in names}:
        mine = [name for name in names if MEASURES[name].kind == kind]
        rows = RunEvent.objects.filter(run=run, type=kind, superseded=False, step__gt=after)
        rows = rows.filter(step__lte=until) if until is not None else rows
        last = run.step if until is None else min(until, run.step)
        every = math.ceil(max(1, last - max(after, 0)) / points) if kind == "step" else 1
        if every > 1:
            rows = rows.annotate(rest=Mod(F("step"), every)).filter(Q(rest=0) | Q(step=last))
        columns = (f"data__{MEASURES[name].name}" for name in mine)
        by_step = {row[0]: row[1:] for row in rows.order_by("attempt", "seq").values_list("step", *columns)}
        for step, values in sorted(by_step.items()):
            for name, value in zip(mine, values, strict=True):
                if value is not None:
                    found[name].append((step, float(value)))
    return found


def loss_chart(run: Run) -> Chart | None:
    """The losses so far; None while there is but one point."""
    found = measured_points(run, ("loss", "develop_loss"))
    held = _("Held-out text") if run.corpus_id else _("Develop")
    curves = {_("Train"): found["loss"], held: found["develop_loss"]}
    return step_chart(_("Loss by step"), _("Loss (nats a token)"), curves) if several_steps(curves) else None


def bits_chart(run: Run) -> Chart | None:
    """Bits per byte of the held-out text so far; None while there is but one point."""
    curves = {_("Held-out text"): measured_points(run, ("bits_per_byte",))["bits_per_byte"]}
    return step_chart(_("Bits per byte by step"), _("Bits per byte"), curves) if several_steps(curves) else None


def several_steps(curves: dict[str, Points]) -> bool:
    return len({step for points in curves.values() for step, _value in points}) > 1


def step_chart(title: str, y_label: str, curves: dict[str, Points], *, from_zero: bool = False) -> Chart | None:
    """Curves over the steps of a run; None where nothing can be drawn."""
    series = [Series(name, points) for name, points in curves.items() if points]
    try:
        return line_chart(title=title, x_label=_("Step"), y_label=y_label, series=series, from_zero=from_zero)
    except ChartError:
        return None


def drawn_curves(run: Run) -> list[dict[str, Any]]:
    """Every curve of a run besides the loss, each with a sentence; those without a point are left out."""
    measured = measured_points(run, DRAWN)
    found = []
    for name in DRAWN:
        measure, points = MEASURES[name], measured[name]
        label = str(_("Memory in GB") if name == "memory" else measure.label)
        text = _("Of the training process, or of its GPU.") if name == "memory" else measure.text
        unit = GIGABYTE if name == "memory" else 1
        scaled = [(step, value / unit) for step, value in points]
        if chart := step_chart(label, label, {label: scaled}, from_zero=True):
            found.append({"label": label, "text": text, "chart": chart})
    return found
