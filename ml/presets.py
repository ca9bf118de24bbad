"""The recipes that come with the program: quick, balanced and best, for pairs and for text."""

from __future__ import annotations

from typing import Any

from ml.recipe import TEXT, Recipe

_NEW: dict[str, Any] = {
    "method": "full",
    "learning_rate": 3e-3,
    "batch_size": 8,
    "block_tokens": 128,
    "weight_decay": 0.1,
}
_ON: dict[str, Any] = {"method": "lora", "learning_rate": 5e-4, "batch_size": 4, "block_tokens": 256}
# Pretraining: of a new model, which has everything to learn, and of one that can write already.
TEXT_PRESETS: dict[str, Recipe] = {
    f"{start}-{preset}": Recipe(objective=TEXT, **settings)
    for start, preset, settings in (
        ("new", "quick", {**_NEW, "epochs": 2.0}),
        ("new", "balanced", {**_NEW, "epochs": 6.0, "eval_every": 100}),
        ("new", "best", {**_NEW, "epochs": 20.0, "eval_every": 200, "learning_rate": 2e-3}),
        ("on", "quick", {**_ON, "epochs": 1.0, "max_steps": 25}),
        ("on", "balanced", {**_ON, "epochs": 1.0, "eval_every": 50}),
        ("on", "best", {**_ON, "epochs": 3.0, "eval_every": 100, "block_tokens": 512}),
    )
}
PRESETS: dict[str, Recipe] = {
    "quick": Recipe(epochs=1.0, max_steps=25, lora_rank=8, lora_alpha=16, max_tokens=384, learning_rate=5e-4),
    "balanced": Recipe(epochs=2.0, save_every=50, eval_every=50),
    "best": Recipe(epochs=4.0, lora_rank=32, lora_alpha=64, lora_dropout=0.05, max_tokens=1024, eval_every=50),
}
