"""The training methods: how a base model becomes one that can be trained. A new method is one entry here.

docs/howto/add-a-training-method.md walks through it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from torch import nn
from transformers import Conv1D, PreTrainedModel

from ml.devices import can_squeeze
from ml.phrases import Phrase, gettext_noop
from ml.recipe import Recipe

_ATTENTION = re.compile(r"(^|[._])(self_)?(attn|attention)([._]|$)")


@dataclass(frozen=True, slots=True)
class Method:
    """A way to train: `prepare` makes the model trainable; `adapter` says that the result needs its base."""

    prepare: Callable[[PreTrainedModel, Recipe], PreTrainedModel | PeftModel]
    adapter: bool


class MethodError(RuntimeError):
    """The model or the machine cannot be trained this way; the message says why and what to do."""

    code = "method"


def _prepare_full(model: PreTrainedModel, recipe: Recipe) -> PreTrainedModel:
    model.requires_grad_(True)
    return model


def _prepare_partial(model: PreTrainedModel, recipe: Recipe) -> PreTrainedModel:
    """Train the last layers and the norm behind them, and with `train_embeddings` the vectors of the tokens."""
    model.requires_grad_(False)
    layers = decoder_layers(model)
    if recipe.last_layers > len(layers):
        raise MethodError(
            Phrase(
                gettext_noop(
                    "The model has %(layers)d layers; %(asked)d cannot be trained. Set “Layers trained” to "
                    "%(layers)d or less."
                ),
                layers=len(layers),
                asked=recipe.last_layers,
            )
        )
    last = next(name for name, module in model.named_modules() if module is layers)
    inside = last.rpartition(".")[0]
    for name, module in model.named_modules():
        beside = name.rpartition(".")[0] == inside and "norm" in name.rpartition(".")[2]
        if beside and name != last:
            module.requires_grad_(True)
    layers[-recipe.last_layers :].requires_grad_(True)
    if recipe.train_embeddings:
        for embeddings in (model.get_input_embeddings(), model.get_output_embeddings()):
            if embeddings is not None:
                embeddings.requires_grad_(True)
    return model


def _prepare_lora(model: PreTrainedModel, recipe: Recipe) -> PeftModel:
    config = LoraConfig(
        task_type="CAUSAL_LM",
        r=recipe.lora_rank,
        lora_alpha=recipe.lora_alpha,
        lora_dropout=recipe.lora_dropout,
        use_dora=recipe.method == "dora",
        target_modules="all-linear" if recipe.lora_targets == "all" else attention_layers(model),
        fan_in_fan_out=any(isinstance(module, Conv1D) for module in model.modules()),
    )
    return get_peft_model(model, config)


def decoder_layers(model: PreTrainedModel) -> nn.ModuleList:
    """The model's stack of layers: its longest list of modules. Raises MethodError if it has none."""
    found = [module for module in model.modules() if isinstance(module, nn.ModuleList)]
    if not found:
        raise MethodError(
            Phrase(gettext_noop("This model has no list of layers, so its last ones cannot be trained alone."))
        )
    return max(found, key=len)


def attention_layers(model: PreTrainedModel) -> list[str]:
    """Full names of the linear layers inside attention blocks."""
    linear: tuple[type[Any], ...] = (nn.Linear, Conv1D)
    return [name for name, module in model.named_modules() if isinstance(module, linear) and _ATTENTION.search(name)]


def loading_options(recipe: Recipe) -> dict[str, Any]:
    """What loading a base model needs for a method besides its folder. Raises MethodError where it cannot work."""
    if recipe.method != "qlora":
        return {}
    if not can_squeeze():
        text = gettext_noop("QLoRA needs a GPU and the package bitsandbytes, which this machine lacks; choose LoRA.")
        raise MethodError(Phrase(text))
    from transformers import BitsAndBytesConfig

    return {
        "quantization_config": BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=torch.bfloat16,
        )
    }


METHODS: dict[str, Method] = {
    "full": Method(prepare=_prepare_full, adapter=False),
    "partial": Method(prepare=_prepare_partial, adapter=False),
    "lora": Method(prepare=_prepare_lora, adapter=True),
    "dora": Method(prepare=_prepare_lora, adapter=True),
    "qlora": Method(prepare=_prepare_lora, adapter=True),
}
