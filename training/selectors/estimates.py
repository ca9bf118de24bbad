"""What a run will need, worked out from the model's size and the recipe, before it starts."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings

from ml.recipe import ADAPTERS, Recipe
from training.choices import RunState
from training.models import BaseModel, Run
from training.selectors.probes import probe_of
from training.selectors.refs import folder_of
from training.selectors.text_estimates import text_forecast

BYTES = 4  # weights are kept in 32 bits
MOMENTS = 2  # Adam keeps two numbers for each trained weight
MARGIN = 200 * 1024**2


@dataclass(frozen=True)
class DiskNeed:
    needed: int
    free: int
    where: Path

    @property
    def enough(self) -> bool:
        return self.free >= self.needed


def trained_weights(base: BaseModel, recipe: Recipe) -> int:
    """How many numbers are trained: all; with an adapter about 2 * rank / width of them (a d x d layer gets
    2 * d * rank); with a part of the layers their share, vectors of the tokens counted as a layer's."""
    if recipe.method == "full":
        return base.parameters
    width, layers = shape(base)
    if recipe.method == "partial":
        return round(base.parameters * min(1.0, (recipe.last_layers + recipe.train_embeddings) / layers))
    return round(base.parameters * min(1.0, 2 * recipe.lora_rank / width))


def shape(base: BaseModel) -> tuple[int, int]:
    """The model's hidden size and number of layers; 512 and 12 if its configuration does not say."""
    try:
        found = json.loads((Path(folder_of(base)) / "config.json").read_text(encoding="utf-8"))
        width = int(found.get("hidden_size") or found.get("n_embd") or 512)
        return max(1, width), max(1, int(found.get("num_hidden_layers") or found.get("n_layer") or 12))
    except (OSError, ValueError, TypeError):
        return 512, 12


def disk_need(base: BaseModel, recipe: Recipe) -> DiskNeed:
    """Checkpoints (weights and moments; one more than is kept while a new one is written), the result, a margin."""
    trained = trained_weights(base, recipe)
    saved = trained if recipe.method in ADAPTERS else base.parameters
    checkpoint = (saved + trained * MOMENTS) * BYTES
    kept = recipe.keep_checkpoints + 1 + (recipe.best_by != "last")
    needed = checkpoint * kept + saved * BYTES + MARGIN
    where = existing(settings.RUN_STORE)
    return DiskNeed(needed, shutil.disk_usage(where).free, where)


def memory_need(base: BaseModel, recipe: Recipe) -> int:
    """Weights, gradients and moments in bytes: what is needed before the first pair. Activations come on top."""
    return (base.parameters + trained_weights(base, recipe) * (1 + MOMENTS)) * BYTES


@dataclass(frozen=True)
class Forecast:
    """What a run is expected to take, and how that is known: by a probe, by an earlier run, or not at all."""

    seconds: float | None
    memory: int
    source: str  # "probe", "earlier", "size"

    def to_json(self) -> dict[str, Any]:
        return {"seconds": self.seconds, "memory": self.memory, "source": self.source}


def forecast(run: Run) -> Forecast:
    """The probe's measurement if there is one, else the speed of the last run of this model with this method."""
    recipe = Recipe.from_json(run.recipe)
    trial = probe_of(run)
    if trial is not None and not trial.error:
        return Forecast(trial.seconds, trial.memory, "probe")
    seconds = text_time(run, recipe) if run.corpus_id else time_need(run, recipe)
    return Forecast(seconds, memory_need(run.base, recipe), "size" if seconds is None else "earlier")


def text_time(run: Run, recipe: Recipe) -> float | None:
    found = text_forecast(run, recipe)
    return found.seconds if found else None


def time_need(run: Run, recipe: Recipe) -> float | None:
    """Seconds of training, by the measured speed of the last run of this model with this method; None without one."""
    last = Run.objects.filter(base=run.base, state=RunState.DONE, recipe__method=recipe.method).first()
    speed = (last.result.get("tokens_per_second") or 0) if last else 0
    report = run.audit.report if run.audit else {}
    if not speed or not report.get("usable", {}).get("train"):
        return None
    tokens, pairs = report["tokens"]["total"], report["usable"]["train"]
    seen = pairs * run.subset.get("share", 1) * recipe.epochs
    if recipe.max_steps:
        seen = min(seen, recipe.max_steps * recipe.batch_size * recipe.accumulation)
    return seen * tokens / pairs / speed


def existing(path: Path) -> Path:
    while not path.exists():
        path = path.parent
    return path
