"""Every setting of a training, in one place: form, API, command line and run all read this class.

Each field carries what a form needs: label, help, unit, bounds, choices, effect, whether it is advanced, and the method
it belongs to. Combinations that cannot work are refused when a recipe is made, with the field at fault.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import yaml

METHODS = (
    ("lora", "LoRA: a small adapter beside the model"),
    ("dora", "DoRA: an adapter that learns size and direction apart"),
    ("qlora", "QLoRA: an adapter beside a model squeezed to 4 bits, on a GPU"),
    ("partial", "Partial: the last layers of the model"),
    ("full", "Full: all weights of the model"),
)
ADAPTERS = ("lora", "dora", "qlora")
TEXT = "text"  # the objective of a pretraining; the others learn from pairs
OF_PAIRS = ("answers", "preferences")


class RecipeError(ValueError):
    """A setting cannot be used: `field` is its name, `sentence` what is wrong and what to do."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(f"{field}: {sentence}")
        self.field = field
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class RecipeField:
    """What a form shows for one setting. `choices` are (value, label); `only_for` are the methods it belongs to and
    `objectives` what is learnt with it, each empty for all."""

    name: str
    kind: str
    default: Any
    label: str
    help: str
    effect: str
    unit: str
    minimum: float | None
    maximum: float | None
    choices: tuple[tuple[str, str], ...]
    advanced: bool
    only_for: tuple[str, ...]
    objectives: tuple[str, ...]


def _setting(
    default: Any,
    label: str,
    help_text: str,
    *,
    effect: str = "",
    unit: str = "",
    minimum: float | None = None,
    maximum: float | None = None,
    choices: tuple[tuple[str, str], ...] = (),
    advanced: bool = False,
    only_for: tuple[str, ...] = (),
    objectives: tuple[str, ...] = (),
) -> Any:
    facts = {
        "label": label,
        "help": help_text,
        "effect": effect,
        "unit": unit,
        "minimum": minimum,
        "maximum": maximum,
        "choices": choices,
        "advanced": advanced,
        "only_for": only_for,
        "objectives": objectives,
    }
    return dataclasses.field(default=default, metadata=facts)


@dataclass(frozen=True, slots=True)
class Recipe:
    """The settings of one training. Make it with keyword arguments or `from_json`; it cannot be changed."""

    method: str = _setting(
        "lora",
        "Method",
        "What is changed in the model.",
        effect="LoRA trains small added matrices and keeps the base model; full training changes every weight.",
        choices=METHODS,
    )
    objective: str = _setting(
        "answers",
        "What it learns",
        "To say what people wrote, to prefer the better of two answers, or to go on with text as a corpus does.",
        effect="Preferring needs pairs of a better and a worse answer (corrections, votes); start it from a model that "
        "already answers well.",
        choices=(
            ("answers", "To say the answers people wrote"),
            ("preferences", "To prefer the better of two answers"),
            (TEXT, "To go on with a text, as the corpus does"),
        ),
        advanced=True,
    )
    preference_strength: float = _setting(
        0.1,
        "Closeness to where it began",
        "How closely a model that learns preferences stays to what it said before (beta).",
        effect="Higher changes less; lower follows the preferences further, until the answers break.",
        minimum=0.001,
        maximum=10,
        advanced=True,
        objectives=("preferences",),
    )
    epochs: float = _setting(
        3.0,
        "Passes over the data",
        "How often the model sees each pair, or the whole text.",
        effect="More passes fit the data better, until the model starts to repeat it word for word.",
        unit="passes",
        minimum=0.01,
        maximum=100,
    )
    max_steps: int = _setting(
        0,
        "Steps at most",
        "Stop after this many steps, whatever the passes say; 0 lets the passes decide.",
        effect="A fixed number of steps makes runs of different data amounts take the same time.",
        unit="steps",
        minimum=0,
        maximum=10_000_000,
        advanced=True,
    )
    batch_size: int = _setting(
        8,
        "Examples at a time",
        "How many pairs, or blocks of text, are computed together.",
        effect="Larger batches use more memory and are steadier; smaller ones take more steps.",
        unit="examples",
        minimum=1,
        maximum=1024,
    )
    accumulation: int = _setting(
        1,
        "Batches per step",
        "How many batches are added up before the model changes once.",
        effect="Acts like a larger batch without needing its memory.",
        unit="batches",
        minimum=1,
        maximum=1024,
        advanced=True,
    )
    learning_rate: float = _setting(
        2e-4,
        "Learning rate",
        "How far each step moves the weights.",
        effect="Too high destroys what the model knows, too low teaches nothing. About 2e-4 for LoRA, 2e-5 for full.",
        minimum=1e-7,
        maximum=0.1,
    )
    warmup_share: float = _setting(
        0.05,
        "Warm-up",
        "Share of the steps in which the learning rate rises from zero.",
        effect="A gentle start avoids a jump in the loss.",
        minimum=0,
        maximum=0.9,
        advanced=True,
    )
    weight_decay: float = _setting(
        0.0,
        "Weight decay",
        "How strongly weights are pulled towards zero.",
        effect="A little can reduce learning by heart; 0 leaves it off.",
        minimum=0,
        maximum=1,
        advanced=True,
    )
    scheduler: str = _setting(
        "cosine",
        "Course of the learning rate",
        "How the learning rate falls after the warm-up.",
        choices=(("linear", "Straight down"), ("cosine", "Cosine curve down"), ("constant", "Stays the same")),
        advanced=True,
    )
    max_grad_norm: float = _setting(
        1.0,
        "Largest step",
        "Gradients longer than this are shortened; 0 leaves them.",
        effect="Keeps one odd batch from throwing the model off.",
        minimum=0,
        maximum=1000,
        advanced=True,
    )
    max_tokens: int = _setting(
        512,
        "Longest pair",
        "Pairs with more tokens, prompt and response together, are left out and listed: nothing is cut.",
        effect="Longer pairs need more time and memory.",
        unit="tokens",
        minimum=16,
        maximum=131_072,
        objectives=OF_PAIRS,
    )
    block_tokens: int = _setting(
        256,
        "Block of text",
        "The corpus is read as one stream of tokens and cut into blocks of this many; nothing is left out.",
        effect="A longer block lets the model look back further, and costs more time and memory.",
        unit="tokens",
        minimum=8,
        maximum=131_072,
        objectives=(TEXT,),
    )
    heldout_bytes: int = _setting(
        100_000,
        "Held-out text measured",
        "How much of the text that is kept apart is measured for perplexity and bits per byte.",
        effect="More gives a steadier number and takes longer.",
        unit="bytes",
        minimum=100,
        maximum=100_000_000,
        advanced=True,
        objectives=(TEXT,),
    )
    packing: bool = _setting(
        True,
        "Pack pairs together",
        "Put the pairs of a batch into one row, each seeing only itself, instead of padding them to equal length.",
        effect="Faster, with the same result. Each run tries first whether its model can do it, and pads if not.",
        advanced=True,
        objectives=OF_PAIRS,
    )
    last_layers: int = _setting(
        4,
        "Layers trained",
        "How many of the last layers of the model are trained; the others stay as they are.",
        effect="Fewer layers are faster, need less memory and change the model less.",
        unit="layers",
        minimum=1,
        maximum=1000,
        only_for=("partial",),
    )
    train_embeddings: bool = _setting(
        False,
        "Train the word vectors",
        "Whether the vectors of the tokens, and with them the output layer, are trained as well.",
        effect="For many words that the model does not know; needs more memory and forgets more.",
        advanced=True,
        only_for=("partial",),
    )
    lora_rank: int = _setting(
        16,
        "LoRA rank",
        "Width of the added matrices.",
        effect="A higher rank can learn more and makes the adapter larger.",
        minimum=1,
        maximum=512,
        only_for=ADAPTERS,
    )
    lora_alpha: int = _setting(
        32,
        "LoRA strength",
        "The adapter's output is multiplied by strength divided by rank.",
        effect="Twice the rank is usual.",
        minimum=1,
        maximum=2048,
        advanced=True,
        only_for=ADAPTERS,
    )
    lora_dropout: float = _setting(
        0.0,
        "LoRA dropout",
        "Share of the adapter's inputs that are left out at random while training.",
        effect="A little helps when there are few pairs.",
        minimum=0,
        maximum=0.9,
        advanced=True,
        only_for=ADAPTERS,
    )
    lora_targets: str = _setting(
        "all",
        "LoRA layers",
        "Which layers get an adapter.",
        effect="All linear layers learn best; attention alone is smaller and faster.",
        choices=(("all", "All linear layers"), ("attention", "Attention layers only")),
        advanced=True,
        only_for=ADAPTERS,
    )
    seed: int = _setting(
        0,
        "Seed",
        "Decides everything that is random: order of the pairs, new weights, dropout.",
        effect="The same seed on the same machine gives the same model.",
        minimum=0,
        maximum=2**31 - 1,
        advanced=True,
    )
    eval_every: int = _setting(
        0,
        "Measure every",
        "Measure the loss on the develop part after this many steps; 0 measures only before and after.",
        effect="Shows when the model stops getting better, and costs time.",
        unit="steps",
        minimum=0,
        maximum=1_000_000,
        advanced=True,
    )
    best_by: str = _setting(
        "last",
        "Which state becomes the model",
        "The state after the last step, or the best of those that were measured on the way.",
        effect="The best one guards against training too long. Comparing answers says more than the loss and takes "
        "longer.",
        choices=(
            ("last", "The last one"),
            ("develop_loss", "The one with the lowest develop loss"),
            ("answers", "The one whose answers to develop questions are nearest to people's (chrF)"),
        ),
        advanced=True,
    )
    patience: int = _setting(
        0,
        "Patience",
        "End early after so many measurements without a better one; 0 always trains to the end.",
        effect="Saves time when nothing more is learned.",
        unit="measurements",
        minimum=0,
        maximum=1000,
        advanced=True,
    )
    save_every: int = _setting(
        0,
        "Save every",
        "Save a checkpoint after this many steps; 0 saves up to ten times a run, while that costs little time.",
        effect="After a crash, work continues from the last checkpoint.",
        unit="steps",
        minimum=0,
        maximum=1_000_000,
        advanced=True,
    )
    keep_checkpoints: int = _setting(
        2,
        "Checkpoints kept",
        "How many of the newest checkpoints stay on disk while the run goes on.",
        minimum=1,
        maximum=1000,
        advanced=True,
    )
    threads: int = _setting(
        0,
        "Processor threads",
        "How many processor cores the training uses; 0 uses all physical ones.",
        effect="Fewer threads leave room for other work on the same machine.",
        minimum=0,
        maximum=1024,
        advanced=True,
    )
    gradient_checkpointing: bool = _setting(
        False,
        "Compute again instead of remembering",
        "Forget what each layer computed and compute it again when it is needed (gradient checkpointing).",
        effect="Needs far less memory for long pairs, and about a third more time.",
        advanced=True,
    )
    precision: str = _setting(
        "auto",
        "Number format",
        "How numbers are kept while computing.",
        effect="bfloat16 halves memory and is faster where the hardware has it; elsewhere it is slower.",
        choices=(
            ("auto", "What this machine does best"),
            ("float32", "32 bits: exact and slow"),
            ("bfloat16", "16 bits: faster on newer hardware"),
        ),
        advanced=True,
    )

    def __post_init__(self) -> None:
        for setting in recipe_fields():
            object.__setattr__(self, setting.name, _valid(setting, getattr(self, setting.name)))
        if self.method not in ADAPTERS and self.objective != TEXT and self.learning_rate > 1e-3:
            raise RecipeError(
                "learning_rate", "More than 0.001 would destroy a model whose own weights are trained; try 2e-5."
            )
        if self.patience and not (self.eval_every and self.best_by != "last"):
            raise RecipeError(
                "patience",
                "Ending early needs measurements on the way (“Measure every”) and the best state as the model.",
            )
        if self.method == "qlora" and self.objective == TEXT:
            raise RecipeError("method", "A pretraining by QLoRA would leave a model of 4 bits; choose LoRA or full.")
        if self.best_by == "answers" and self.objective == TEXT:
            raise RecipeError("best_by", "A pretraining gives no answers to compare; take the lowest loss instead.")
        if self.best_by != "last" and not self.eval_every:
            raise RecipeError("best_by", "The best state can only be found if the run measures on the way.")
        if self.scheduler == "constant" and self.warmup_share > 0.5:
            raise RecipeError("warmup_share", "A constant learning rate that warms up for most of the run is not one.")

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Recipe:
        """Read a recipe; missing settings take their default. Raises RecipeError, also for unknown settings."""
        if not isinstance(value, dict):
            raise RecipeError("recipe", "A recipe must be a JSON object.")
        names = {setting.name for setting in recipe_fields()}
        for name in value:
            if name not in names:
                raise RecipeError(str(name), "There is no such setting.")
        return cls(**value)

    @classmethod
    def from_yaml(cls, text: str) -> Recipe:
        """Read a recipe from YAML. Raises RecipeError."""
        try:
            return cls.from_json(yaml.safe_load(text) or {})
        except yaml.YAMLError as error:
            raise RecipeError("recipe", f"This is not valid YAML: {error}") from error

    def to_json(self) -> dict[str, Any]:
        return {setting.name: getattr(self, setting.name) for setting in recipe_fields()}

    def to_yaml(self) -> str:
        return yaml.safe_dump(self.to_json(), sort_keys=False)


def recipe_fields(objective: str = "") -> tuple[RecipeField, ...]:
    """All settings in the order of a form; those of one objective alone if it is named."""
    found = (
        RecipeField(name=field.name, kind=str(field.type), default=field.default, **field.metadata)
        for field in dataclasses.fields(Recipe)
    )
    return tuple(field for field in found if not objective or objective in (field.objectives or (objective,)))


_KINDS: dict[str, Any] = {"int": int, "float": float, "str": str, "bool": bool}


def _valid(setting: RecipeField, value: Any) -> Any:
    wanted = _KINDS[setting.kind]
    if wanted is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
        raise RecipeError(setting.name, f"{setting.label} must be of kind {setting.kind}, not {value!r}.")
    if setting.choices and value not in {choice for choice, _ in setting.choices}:
        allowed = ", ".join(choice for choice, _ in setting.choices)
        raise RecipeError(setting.name, f"{setting.label} must be one of {allowed}, not {value!r}.")
    # Written so that a value that is not a number (NaN) fails as well.
    low, high = setting.minimum, setting.maximum
    if low is not None and high is not None and not low <= float(value) <= high:
        raise RecipeError(
            setting.name,
            f"{setting.label} must lie between {low:g} and {high:g}, not {value!r}.",
        )
    return value


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
