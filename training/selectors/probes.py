"""What a probe found, in numbers and in words."""

from dataclasses import dataclass
from typing import Any

from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _

from core.templatetags.parts import duration
from ml.hashing import json_sha256
from ml.recipe import Recipe
from training.choices import AuditState
from training.models import Probe, Run
from training.presets import method_name

# A training may fill memory to this share of what the machine has; the rest is for everything else on it.
FILL = 0.9
# How much longer full training may take than LoRA and still be worth its time.
WORTH = 1.5
# What share of the best method's time another one must stay below to be worth naming.
QUICKER = 0.75


@dataclass(frozen=True)
class Trial:
    """One method as measured: bytes, tokens a second, seconds of the whole training. `error` says why there is none."""

    method: str
    memory: int = 0
    most: int = 0
    speed: float = 0.0
    seconds: float = 0.0
    disk: int = 0
    trained: int = 0
    error: str = ""

    @property
    def fits(self) -> bool:
        return not self.error and self.memory <= FILL * self.most


def probe_key(run: Run) -> str:
    """What a probe's answer depends on: another key is another question."""
    return json_sha256([run.base.fingerprint, run.start_id, run.material.sha256, run.recipe, run.excluded, run.subset])


def current_probe(run: Run) -> Probe | None:
    """The run's probe, if it was made for what the run is now."""
    probe = Probe.objects.select_related("job").filter(run=run).first()
    return probe if probe is not None and probe.key == probe_key(run) else None


def trials(probe: Probe, recipe: Recipe) -> list[Trial]:
    return [trial_of(found, recipe) for found in probe.report.get("trials", [])]


def trial_of(found: dict[str, Any], recipe: Recipe) -> Trial:
    if found.get("error"):
        return Trial(found["method"], error=found["error"])
    kept = recipe.keep_checkpoints + 1 + (recipe.best_by != "last")
    return Trial(
        method=found["method"],
        memory=found["memory"],
        most=found["memory_at_most"],
        speed=found["tokens_per_second"],
        seconds=found["whole_seconds"],
        disk=found["checkpoint_bytes"] * kept,
        trained=found["trained_weights"],
    )


def probe_of(run: Run) -> Trial | None:
    """What was measured for the run's own method; None without a probe of it."""
    probe = current_probe(run)
    if probe is None or probe.state != AuditState.READY:
        return None
    recipe = Recipe.from_json(run.recipe)
    return next((trial for trial in trials(probe, recipe) if trial.method == recipe.method), None)


def probe_page(run: Run) -> dict[str, Any]:
    """The probe as the check page shows it."""
    probe = current_probe(run)
    found = trials(probe, Recipe.from_json(run.recipe)) if probe else []
    return {
        "probe": probe,
        "probing": probe is not None and probe.state == AuditState.RUNNING,
        "trials": found,
        "advice": recommendation(found) if found else "",
    }


def recommendation(found: list[Trial]) -> str:
    """Which method to take on this machine, and why, in a sentence or two."""
    fitting = {trial.method: trial for trial in found if trial.fits}
    if not fitting:
        return _(
            "None of the methods fits into this machine's memory. Take fewer examples at a time, shorter ones, or a "
            "smaller model."
        )
    lora, full, partial = (fitting.get(method) for method in ("lora", "full", "partial"))
    if lora and full and full.seconds <= WORTH * lora.seconds:
        return _(
            "Both fit. LoRA (%(lora)s) changes little and makes small files: take it first. Full training (%(full)s) "
            "takes hardly longer and learns more from much data."
        ) % {"lora": duration(lora.seconds), "full": duration(full.seconds)}
    best = lora or min(fitting.values(), key=lambda trial: trial.seconds)
    values = {
        "method": method_name(best.method),
        "time": duration(best.seconds),
        "memory": filesizeformat(best.memory),
    }
    told = [_("Take %(method)s: about %(time)s with %(memory)s of memory.") % values]
    if partial and partial.seconds < QUICKER * best.seconds:
        told.append(
            _("Partial training takes %(time)s; it changes the last layers alone and learns less of what is new.")
            % {"time": duration(partial.seconds)}
        )
    if full and full is not best:
        told.append(
            _("Full training takes %(time)s; it learns most from much data, and forgets most of the rest.")
            % {"time": duration(full.seconds)}
        )
    elif not full and any(trial.method == "full" for trial in found):
        told.append(_("Full training does not fit into this machine's memory."))
    return " ".join(told)
