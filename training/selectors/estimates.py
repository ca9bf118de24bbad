"""What a run will need, worked out from the model's size and the recipe, before it starts."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from ml.recipe import Recipe
from training.choices import RunState
from training.models import BaseModel, Run
from training.selectors.refs import folder_of

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
    """How many numbers are trained: all, or for LoRA about 2 * rank / width (a d x d layer gets 2 * d * rank)."""
    if recipe.method == "full":
        return base.parameters
    return round(base.parameters * min(1.0, 2 * recipe.lora_rank / width(base)))


def width(base: BaseModel) -> int:
    """The model's hidden size; 512 if its configuration does not say."""
    try:
        found = json.loads((Path(folder_of(base)) / "config.json").read_text(encoding="utf-8"))
        return max(1, int(found.get("hidden_size") or found.get("n_embd") or 512))
    except (OSError, ValueError, TypeError):
        return 512


def disk_need(base: BaseModel, recipe: Recipe) -> DiskNeed:
    """Checkpoints (weights and moments; one more than is kept while a new one is written), the result, a margin."""
    trained = trained_weights(base, recipe)
    checkpoint = trained * BYTES * (1 + MOMENTS)
    needed = checkpoint * (recipe.keep_checkpoints + 1) + trained * BYTES + MARGIN
    where = existing(settings.RUN_STORE)
    return DiskNeed(needed, shutil.disk_usage(where).free, where)


def memory_need(base: BaseModel, recipe: Recipe) -> int:
    """Weights, gradients and moments in bytes: what is needed before the first pair. Activations come on top."""
    return (base.parameters + trained_weights(base, recipe) * (1 + MOMENTS)) * BYTES


def time_need(run: Run, recipe: Recipe) -> float | None:
    """Seconds of training, by the measured speed of the last run of this model with this method; None without one."""
    last = Run.objects.filter(base=run.base, state=RunState.DONE, recipe__method=recipe.method).first()
    speed = (last.result.get("tokens_per_second") or 0) if last else 0
    report = run.audit.report if run.audit else {}
    if not speed or not report.get("usable", {}).get("train"):
        return None
    tokens, pairs = report["tokens"]["total"], report["usable"]["train"]
    seen = pairs * recipe.epochs
    if recipe.max_steps:
        seen = min(seen, recipe.max_steps * recipe.batch_size * recipe.accumulation)
    return seen * tokens / pairs / speed


def existing(path: Path) -> Path:
    while not path.exists():
        path = path.parent
    return path
