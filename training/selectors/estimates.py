"""What a run will need, worked out from the model's size and the recipe, before it starts."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models import Avg, Count

from curation.choices import Part
from curation.models import DatasetVersion, VersionPair
from ml.recipe import ADAPTERS, Recipe
from training.choices import RunState
from training.models import BaseModel, Run
from training.selectors.probes import probe_of
from training.selectors.refs import folder_of
from training.selectors.text_estimates import text_forecast

BYTES = 4  # weights are kept in 32 bits
MOMENTS = 2  # Adam keeps two numbers for each trained weight
MARGIN = 200 * 1024**2
# What a token of training costs, in tokens read: forward once, backward once for the activations and once for the
# weights that are trained (Kaplan et al. 2020, section 2.1), and a little for the optimizer or the adapter.
PASSES = {"full": 3.3, "partial": 2.4, "lora": 2.4, "dora": 3.0, "qlora": 3.5}
ON_THE_WAY = 1.2  # measuring, saving and answering on the way
START = 20.0  # seconds until the first step, and from the last one to the model


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
    """What a run is expected to take, and how that is known: by a probe, by an earlier run, by how fast the model was
    found to read on this machine, or not at all."""

    seconds: float | None
    memory: int
    source: str  # "probe", "earlier", "registered", "size"

    def to_json(self) -> dict[str, Any]:
        return {"seconds": self.seconds, "memory": self.memory, "source": self.source}


def forecast(run: Run) -> Forecast:
    """The probe's measurement if there is one, else the speed of the last run of this model with this method."""
    recipe = Recipe.from_json(run.recipe)
    trial = probe_of(run)
    if trial is not None and not trial.error:
        return Forecast(trial.seconds, trial.memory, "probe")
    memory = memory_need(run.base, recipe)
    text = text_forecast(run, recipe) if run.corpus_id else None
    if seconds := text.seconds if text else time_need(run, recipe):
        return Forecast(seconds, memory, "earlier")
    tokens = text.seen if text else tokens_seen(run, recipe)
    guess = guessed_seconds(run.base, recipe, tokens) if tokens else None
    return Forecast(guess, memory, "registered" if guess else "size")


def time_need(run: Run, recipe: Recipe) -> float | None:
    """Seconds of training, by the measured speed of the last run of this model with this method; None without one."""
    speed, tokens = trained_speed(run.base, recipe.method), tokens_seen(run, recipe)
    return tokens / speed if speed and tokens else None


def trained_speed(base: BaseModel, method: str) -> float:
    """Tokens a second of the last run of this model with this method; 0 without one."""
    last = Run.objects.filter(base=base, state=RunState.DONE, recipe__method=method).first()
    return (last.result.get("tokens_per_second") or 0) if last else 0


def tokens_seen(run: Run, recipe: Recipe) -> float:
    """Tokens that go through the model in the whole training; 0 while its pairs were not examined."""
    report = run.audit.report if run.audit else {}
    if not report.get("usable", {}).get("train"):
        return 0
    pairs = report["usable"]["train"]
    return pairs_seen(recipe, pairs * run.subset.get("share", 1)) * report["tokens"]["total"] / pairs


def pairs_seen(recipe: Recipe, pairs: float) -> float:
    seen = pairs * recipe.epochs
    return min(seen, recipe.max_steps * recipe.batch_size * recipe.accumulation) if recipe.max_steps else seen


def guessed_seconds(base: BaseModel, recipe: Recipe, tokens: float) -> float | None:
    """Seconds until the model is there, with what is measured and saved on the way; it may well be half or double."""
    speed = ((base.report or {}).get("speed") or {}).get("reading")
    return START + ON_THE_WAY * PASSES[recipe.method] * tokens / speed if speed else None


def preset_seconds(version: DatasetVersion, base: BaseModel, recipes: Sequence[Recipe]) -> list[float | None]:
    """About how long a training by each recipe would take, before its pairs are examined; None if nobody can tell.

    Asks the database once for the pairs and once for each method, however many recipes there are.
    """
    rows = VersionPair.objects.filter(version=version, part=Part.TRAIN)
    found = rows.aggregate(pairs=Count("pk"), tokens=Avg("revision__tokens"))
    speeds = {method: trained_speed(base, method) for method in {recipe.method for recipe in recipes}}

    def seconds(recipe: Recipe) -> float | None:
        tokens = pairs_seen(recipe, found["pairs"]) * (found["tokens"] or 0)
        if not tokens:
            return None
        speed = speeds[recipe.method]
        return START + ON_THE_WAY * tokens / speed if speed else guessed_seconds(base, recipe, tokens)

    return [seconds(recipe) for recipe in recipes]


def existing(path: Path) -> Path:
    while not path.exists():
        path = path.parent
    return path
