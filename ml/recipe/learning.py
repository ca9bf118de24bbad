"""Settings of a training: what is learnt, and in which steps."""

from __future__ import annotations

from dataclasses import dataclass

from ml.phrases import gettext_noop
from ml.recipe.setting import SAME, setting

METHODS = (
    ("lora", gettext_noop("LoRA: a small adapter beside the model")),
    ("dora", gettext_noop("DoRA: an adapter that learns size and direction apart")),
    ("qlora", gettext_noop("QLoRA: an adapter beside a model squeezed to 4 bits, on a GPU")),
    ("partial", gettext_noop("Partial: the last layers of the model")),
    ("full", gettext_noop("Full: all weights of the model")),
)
ADAPTERS = ("lora", "dora", "qlora")
TEXT = "text"  # the objective of a pretraining; the others learn from pairs
OF_PAIRS = ("answers", "preferences")


@dataclass(frozen=True)
class Learning:
    """What is learnt, and in which steps."""

    method: str = setting(
        "lora",
        gettext_noop("Method"),
        gettext_noop("What is changed in the model."),
        time=gettext_noop("LoRA and partial training are quicker than full, DoRA and QLoRA slower than LoRA."),
        memory=gettext_noop("LoRA and partial training need far less than full, QLoRA least."),
        quality=gettext_noop(
            "LoRA trains small matrices beside the model and keeps most of what it knew; full training changes every "
            "weight, learns most from much data and forgets most."
        ),
        choices=METHODS,
    )
    objective: str = setting(
        "answers",
        gettext_noop("What it learns"),
        gettext_noop(
            "To say what people wrote, to prefer the better of two answers, or to go on with text as a corpus does."
        ),
        time=gettext_noop("Preferring takes about twice as long, since two answers are read."),
        memory=gettext_noop("Preferring needs about twice as much."),
        quality=gettext_noop(
            "Preferring needs pairs of a better and a worse answer (corrections, votes); start it from a model that "
            "already answers well."
        ),
        choices=(
            ("answers", gettext_noop("To say the answers people wrote")),
            ("preferences", gettext_noop("To prefer the better of two answers")),
            (TEXT, gettext_noop("To go on with a text, as the corpus does")),
        ),
        advanced=True,
    )
    preference_strength: float = setting(
        0.1,
        gettext_noop("Closeness to where it began"),
        gettext_noop("How closely a model that learns preferences stays to what it said before (beta)."),
        time=SAME,
        memory=SAME,
        quality=gettext_noop("Higher changes less; lower follows the preferences further, until the answers break."),
        minimum=0.001,
        maximum=10,
        advanced=True,
        objectives=("preferences",),
    )
    epochs: float = setting(
        3.0,
        gettext_noop("Passes over the data"),
        gettext_noop("How often the model sees each pair, or the whole text."),
        time=gettext_noop("Twice the passes take twice as long."),
        memory=SAME,
        quality=gettext_noop("More passes fit the data better, until the model starts to repeat it word for word."),
        unit="passes",
        minimum=0.01,
        maximum=100,
    )
    max_steps: int = setting(
        0,
        gettext_noop("Steps at most"),
        gettext_noop("Stop after this many steps, whatever the passes say; 0 lets the passes decide."),
        time=gettext_noop("Ends the run, whatever is left."),
        memory=SAME,
        quality=gettext_noop(
            "Fewer steps teach less; a fixed number makes runs on different amounts of data comparable."
        ),
        unit="steps",
        minimum=0,
        maximum=10_000_000,
        advanced=True,
    )
    batch_size: int = setting(
        8,
        gettext_noop("Examples at a time"),
        gettext_noop("How many pairs, or blocks of text, are computed together."),
        time=gettext_noop("More is quicker on a GPU; on a processor it is nearly the same."),
        memory=gettext_noop("Grows with the number: halve it when the memory is short."),
        quality=gettext_noop("Larger batches are steadier, and make fewer steps of a pass."),
        unit="examples",
        minimum=1,
        maximum=1024,
    )
    accumulation: int = setting(
        1,
        gettext_noop("Batches per step"),
        gettext_noop("How many batches are added up before the model changes once."),
        time=SAME,
        memory=gettext_noop("None: it acts like a larger batch without needing its memory."),
        quality=gettext_noop("More is steadier, and makes fewer steps of a pass."),
        unit="batches",
        minimum=1,
        maximum=1024,
        advanced=True,
    )
    learning_rate: float = setting(
        2e-4,
        gettext_noop("Learning rate"),
        gettext_noop("How far each step moves the weights."),
        time=SAME,
        memory=SAME,
        quality=gettext_noop(
            "Too high destroys what the model knows, too low teaches nothing. About 2e-4 for LoRA, 2e-5 for full."
        ),
        minimum=1e-7,
        maximum=0.1,
    )
    warmup_share: float = setting(
        0.05,
        gettext_noop("Warm-up"),
        gettext_noop("Share of the steps in which the learning rate rises from zero."),
        time=SAME,
        memory=SAME,
        quality=gettext_noop("A gentle start avoids a jump in the loss."),
        minimum=0,
        maximum=0.9,
        advanced=True,
    )
    weight_decay: float = setting(
        0.0,
        gettext_noop("Weight decay"),
        gettext_noop("How strongly weights are pulled towards zero."),
        time=SAME,
        memory=SAME,
        quality=gettext_noop("A little can reduce learning by heart; 0 leaves it off."),
        minimum=0,
        maximum=1,
        advanced=True,
    )
    scheduler: str = setting(
        "cosine",
        gettext_noop("Course of the learning rate"),
        gettext_noop("How the learning rate falls after the warm-up."),
        time=SAME,
        memory=SAME,
        quality=gettext_noop("Falling to the end leaves the model steadier; the cosine curve is usual."),
        choices=(
            ("linear", gettext_noop("Straight down")),
            ("cosine", gettext_noop("Cosine curve down")),
            ("constant", gettext_noop("Stays the same")),
        ),
        advanced=True,
    )
    max_grad_norm: float = setting(
        1.0,
        gettext_noop("Largest step"),
        gettext_noop("Gradients longer than this are shortened; 0 leaves them."),
        time=SAME,
        memory=SAME,
        quality=gettext_noop("Keeps one odd batch from throwing the model off."),
        minimum=0,
        maximum=1000,
        advanced=True,
    )
