"""The training methods: how a base model becomes one that can be trained. A new method is one entry here.

docs/howto/add-a-training-method.md walks through it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from peft import LoraConfig, PeftModel, get_peft_model
from torch import nn
from transformers import Conv1D, PreTrainedModel

from ml.recipe import Recipe

_ATTENTION = re.compile(r"(^|[._])(self_)?(attn|attention)([._]|$)")


@dataclass(frozen=True, slots=True)
class Method:
    """A way to train: `prepare` makes the model trainable; `adapter` says that the result needs its base."""

    prepare: Callable[[PreTrainedModel, Recipe], PreTrainedModel | PeftModel]
    adapter: bool


def _prepare_full(model: PreTrainedModel, recipe: Recipe) -> PreTrainedModel:
    model.requires_grad_(True)
    return model


def _prepare_lora(model: PreTrainedModel, recipe: Recipe) -> PeftModel:
    config = LoraConfig(
        task_type="CAUSAL_LM",
        r=recipe.lora_rank,
        lora_alpha=recipe.lora_alpha,
        lora_dropout=recipe.lora_dropout,
        target_modules="all-linear" if recipe.lora_targets == "all" else attention_layers(model),
        fan_in_fan_out=any(isinstance(module, Conv1D) for module in model.modules()),
    )
    return get_peft_model(model, config)


def attention_layers(model: PreTrainedModel) -> list[str]:
    """Full names of the linear layers inside attention blocks."""
    linear: tuple[type[Any], ...] = (nn.Linear, Conv1D)
    return [name for name, module in model.named_modules() if isinstance(module, linear) and _ATTENTION.search(name)]


METHODS: dict[str, Method] = {
    "full": Method(prepare=_prepare_full, adapter=False),
    "lora": Method(prepare=_prepare_lora, adapter=True),
}
