"""Settings of a training: which weights change."""

from __future__ import annotations

from dataclasses import dataclass

from ml.phrases import gettext_noop
from ml.recipe.learning import ADAPTERS
from ml.recipe.setting import SAME, setting


@dataclass(frozen=True)
class Weights:
    """Which weights change."""

    last_layers: int = setting(
        4,
        gettext_noop("Layers trained"),
        gettext_noop("How many of the last layers of the model are trained; the others stay as they are."),
        time=gettext_noop("Fewer layers are quicker."),
        memory=gettext_noop("Fewer layers need less."),
        quality=gettext_noop("Fewer layers change the model less: it learns less and forgets less."),
        unit="layers",
        minimum=1,
        maximum=1000,
        only_for=("partial",),
    )
    train_embeddings: bool = setting(
        False,
        gettext_noop("Train the word vectors"),
        gettext_noop("Whether the vectors of the tokens, and with them the output layer, are trained as well."),
        time=gettext_noop("A little longer."),
        memory=gettext_noop("More: every token has a vector."),
        quality=gettext_noop("For many words that the model does not know; it forgets more."),
        advanced=True,
        only_for=("partial",),
    )
    lora_rank: int = setting(
        16,
        gettext_noop("LoRA rank"),
        gettext_noop("Width of the added matrices."),
        time=gettext_noop("A higher rank takes hardly longer."),
        memory=gettext_noop("A higher rank needs a little more, and makes the adapter's file larger."),
        quality=gettext_noop("A higher rank can learn more, if there are enough pairs."),
        minimum=1,
        maximum=512,
        only_for=ADAPTERS,
    )
    lora_alpha: int = setting(
        32,
        gettext_noop("LoRA strength"),
        gettext_noop("The adapter's output is multiplied by strength divided by rank."),
        time=SAME,
        memory=SAME,
        quality=gettext_noop("Higher changes more, like a higher learning rate; twice the rank is usual."),
        minimum=1,
        maximum=2048,
        advanced=True,
        only_for=ADAPTERS,
    )
    lora_dropout: float = setting(
        0.0,
        gettext_noop("LoRA dropout"),
        gettext_noop("Share of the adapter's inputs that are left out at random while training."),
        time=SAME,
        memory=SAME,
        quality=gettext_noop("A little keeps a model with few pairs from learning them by heart."),
        minimum=0,
        maximum=0.9,
        advanced=True,
        only_for=ADAPTERS,
    )
    lora_targets: str = setting(
        "all",
        gettext_noop("LoRA layers"),
        gettext_noop("Which layers get an adapter."),
        time=gettext_noop("Attention alone is quicker."),
        memory=gettext_noop("Attention alone needs less."),
        quality=gettext_noop("All linear layers learn best."),
        choices=(("all", gettext_noop("All linear layers")), ("attention", gettext_noop("Attention layers only"))),
        advanced=True,
        only_for=ADAPTERS,
    )
