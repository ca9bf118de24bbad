"""Settings of a training: which weights change."""

from __future__ import annotations

from dataclasses import dataclass

from ml.phrases import gettext_noop
from ml.recipe.learning import ADAPTERS
from ml.recipe.setting import setting


@dataclass(frozen=True)
class Weights:
    """Which weights change."""

    last_layers: int = setting(
        4,
        gettext_noop("Layers trained"),
        gettext_noop("How many of the last layers of the model are trained; the others stay as they are."),
        effect=gettext_noop("Fewer layers are faster, need less memory and change the model less."),
        unit="layers",
        minimum=1,
        maximum=1000,
        only_for=("partial",),
    )
    train_embeddings: bool = setting(
        False,
        gettext_noop("Train the word vectors"),
        gettext_noop("Whether the vectors of the tokens, and with them the output layer, are trained as well."),
        effect=gettext_noop("For many words that the model does not know; needs more memory and forgets more."),
        advanced=True,
        only_for=("partial",),
    )
    lora_rank: int = setting(
        16,
        gettext_noop("LoRA rank"),
        gettext_noop("Width of the added matrices."),
        effect=gettext_noop("A higher rank can learn more and makes the adapter larger."),
        minimum=1,
        maximum=512,
        only_for=ADAPTERS,
    )
    lora_alpha: int = setting(
        32,
        gettext_noop("LoRA strength"),
        gettext_noop("The adapter's output is multiplied by strength divided by rank."),
        effect=gettext_noop("Twice the rank is usual."),
        minimum=1,
        maximum=2048,
        advanced=True,
        only_for=ADAPTERS,
    )
    lora_dropout: float = setting(
        0.0,
        gettext_noop("LoRA dropout"),
        gettext_noop("Share of the adapter's inputs that are left out at random while training."),
        effect=gettext_noop("A little helps when there are few pairs."),
        minimum=0,
        maximum=0.9,
        advanced=True,
        only_for=ADAPTERS,
    )
    lora_targets: str = setting(
        "all",
        gettext_noop("LoRA layers"),
        gettext_noop("Which layers get an adapter."),
        effect=gettext_noop("All linear layers learn best; attention alone is smaller and faster."),
        choices=(("all", gettext_noop("All linear layers")), ("attention", gettext_noop("Attention layers only"))),
        advanced=True,
        only_for=ADAPTERS,
    )
