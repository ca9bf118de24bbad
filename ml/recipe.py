"""Every setting of a training, in one place: form, API, command line and run all read this class.

Each field carries what a form needs: label, help, unit, bounds, choices, effect, whether it is advanced, and the method
it belongs to. Combinations that cannot work are refused when a recipe is made, with the field at fault.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import yaml

from ml.phrases import filled, gettext_noop

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


class RecipeError(ValueError):
    """A setting cannot be used: `field` is its name, `sentence` what is wrong and what to do.

    The sentence is made of a template and values; the value `label` is itself a name that is translated.
    """

    def __init__(self, field: str, template: str, **values: str) -> None:
        self.field, self.template, self.values = field, template, values
        self.sentence = filled(template, values)
        super().__init__(f"{field}: {self.sentence}")


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
        gettext_noop("Method"),
        gettext_noop("What is changed in the model."),
        effect=gettext_noop(
            "LoRA trains small added matrices and keeps the base model; full training changes every weight."
        ),
        choices=METHODS,
    )
    objective: str = _setting(
        "answers",
        gettext_noop("What it learns"),
        gettext_noop(
            "To say what people wrote, to prefer the better of two answers, or to go on with text as a corpus does."
        ),
        effect=gettext_noop(
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
    preference_strength: float = _setting(
        0.1,
        gettext_noop("Closeness to where it began"),
        gettext_noop("How closely a model that learns preferences stays to what it said before (beta)."),
        effect=gettext_noop("Higher changes less; lower follows the preferences further, until the answers break."),
        minimum=0.001,
        maximum=10,
        advanced=True,
        objectives=("preferences",),
    )
    epochs: float = _setting(
        3.0,
        gettext_noop("Passes over the data"),
        gettext_noop("How often the model sees each pair, or the whole text."),
        effect=gettext_noop("More passes fit the data better, until the model starts to repeat it word for word."),
        unit="passes",
        minimum=0.01,
        maximum=100,
    )
    max_steps: int = _setting(
        0,
        gettext_noop("Steps at most"),
        gettext_noop("Stop after this many steps, whatever the passes say; 0 lets the passes decide."),
        effect=gettext_noop("A fixed number of steps makes runs of different data amounts take the same time."),
        unit="steps",
        minimum=0,
        maximum=10_000_000,
        advanced=True,
    )
    batch_size: int = _setting(
        8,
        gettext_noop("Examples at a time"),
        gettext_noop("How many pairs, or blocks of text, are computed together."),
        effect=gettext_noop("Larger batches use more memory and are steadier; smaller ones take more steps."),
        unit="examples",
        minimum=1,
        maximum=1024,
    )
    accumulation: int = _setting(
        1,
        gettext_noop("Batches per step"),
        gettext_noop("How many batches are added up before the model changes once."),
        effect=gettext_noop("Acts like a larger batch without needing its memory."),
        unit="batches",
        minimum=1,
        maximum=1024,
        advanced=True,
    )
    learning_rate: float = _setting(
        2e-4,
        gettext_noop("Learning rate"),
        gettext_noop("How far each step moves the weights."),
        effect=gettext_noop(
            "Too high destroys what the model knows, too low teaches nothing. About 2e-4 for LoRA, 2e-5 for full."
        ),
        minimum=1e-7,
        maximum=0.1,
    )
    warmup_share: float = _setting(
        0.05,
        gettext_noop("Warm-up"),
        gettext_noop("Share of the steps in which the learning rate rises from zero."),
        effect=gettext_noop("A gentle start avoids a jump in the loss."),
        minimum=0,
        maximum=0.9,
        advanced=True,
    )
    weight_decay: float = _setting(
        0.0,
        gettext_noop("Weight decay"),
        gettext_noop("How strongly weights are pulled towards zero."),
        effect=gettext_noop("A little can reduce learning by heart; 0 leaves it off."),
        minimum=0,
        maximum=1,
        advanced=True,
    )
    scheduler: str = _setting(
        "cosine",
        gettext_noop("Course of the learning rate"),
        gettext_noop("How the learning rate falls after the warm-up."),
        choices=(
            ("linear", gettext_noop("Straight down")),
            ("cosine", gettext_noop("Cosine curve down")),
            ("constant", gettext_noop("Stays the same")),
        ),
        advanced=True,
    )
    max_grad_norm: float = _setting(
        1.0,
        gettext_noop("Largest step"),
        gettext_noop("Gradients longer than this are shortened; 0 leaves them."),
        effect=gettext_noop("Keeps one odd batch from throwing the model off."),
        minimum=0,
        maximum=1000,
        advanced=True,
    )
    max_tokens: int = _setting(
        512,
        gettext_noop("Longest pair"),
        gettext_noop("Pairs with more tokens, prompt and response together, are left out and listed: nothing is cut."),
        effect=gettext_noop("Longer pairs need more time and memory."),
        unit="tokens",
        minimum=16,
        maximum=131_072,
        objectives=OF_PAIRS,
    )
    block_tokens: int = _setting(
        256,
        gettext_noop("Block of text"),
        gettext_noop(
            "The corpus is read as one stream of tokens and cut into blocks of this many; nothing is left out."
        ),
        effect=gettext_noop("A longer block lets the model look back further, and costs more time and memory."),
        unit="tokens",
        minimum=8,
        maximum=131_072,
        objectives=(TEXT,),
    )
    heldout_bytes: int = _setting(
        100_000,
        gettext_noop("Held-out text measured"),
        gettext_noop("How much of the text that is kept apart is measured for perplexity and bits per byte."),
        effect=gettext_noop("More gives a steadier number and takes longer."),
        unit="bytes",
        minimum=100,
        maximum=100_000_000,
        advanced=True,
        objectives=(TEXT,),
    )
    packing: bool = _setting(
        True,
        gettext_noop("Pack pairs together"),
        gettext_noop(
            "Put the pairs of a batch into one row, each seeing only itself, instead of padding them to equal length."
        ),
        effect=gettext_noop(
            "Faster, with the same result. Each run tries first whether its model can do it, and pads if not."
        ),
        advanced=True,
        objectives=OF_PAIRS,
    )
    last_layers: int = _setting(
        4,
        gettext_noop("Layers trained"),
        gettext_noop("How many of the last layers of the model are trained; the others stay as they are."),
        effect=gettext_noop("Fewer layers are faster, need less memory and change the model less."),
        unit="layers",
        minimum=1,
        maximum=1000,
        only_for=("partial",),
    )
    train_embeddings: bool = _setting(
        False,
        gettext_noop("Train the word vectors"),
        gettext_noop("Whether the vectors of the tokens, and with them the output layer, are trained as well."),
        effect=gettext_noop("For many words that the model does not know; needs more memory and forgets more."),
        advanced=True,
        only_for=("partial",),
    )
    lora_rank: int = _setting(
        16,
        gettext_noop("LoRA rank"),
        gettext_noop("Width of the added matrices."),
        effect=gettext_noop("A higher rank can learn more and makes the adapter larger."),
        minimum=1,
        maximum=512,
        only_for=ADAPTERS,
    )
    lora_alpha: int = _setting(
        32,
        gettext_noop("LoRA strength"),
        gettext_noop("The adapter's output is multiplied by strength divided by rank."),
        effect=gettext_noop("Twice the rank is usual."),
        minimum=1,
        maximum=2048,
        advanced=True,
        only_for=ADAPTERS,
    )
    lora_dropout: float = _setting(
        0.0,
        gettext_noop("LoRA dropout"),
        gettext_noop("Share of the adapter's inputs that are left out at random while training."),
        effect=gettext_noop("A little helps when there are few pairs."),
        minimum=0,
        maximum=0.9,
        advanced=True,
        only_for=ADAPTERS,
    )
    lora_targets: str = _setting(
        "all",
        gettext_noop("LoRA layers"),
        gettext_noop("Which layers get an adapter."),
        effect=gettext_noop("All linear layers learn best; attention alone is smaller and faster."),
        choices=(("all", gettext_noop("All linear layers")), ("attention", gettext_noop("Attention layers only"))),
        advanced=True,
        only_for=ADAPTERS,
    )
    seed: int = _setting(
        0,
        gettext_noop("Seed"),
        gettext_noop("Decides everything that is random: order of the pairs, new weights, dropout."),
        effect=gettext_noop("The same seed on the same machine gives the same model."),
        minimum=0,
        maximum=2**31 - 1,
        advanced=True,
    )
    eval_every: int = _setting(
        0,
        gettext_noop("Measure every"),
        gettext_noop("Measure the loss on the develop part after this many steps; 0 measures only before and after."),
        effect=gettext_noop("Shows when the model stops getting better, and costs time."),
        unit="steps",
        minimum=0,
        maximum=1_000_000,
        advanced=True,
    )
    best_by: str = _setting(
        "last",
        gettext_noop("Which state becomes the model"),
        gettext_noop("The state after the last step, or the best of those that were measured on the way."),
        effect=gettext_noop(
            "The best one guards against training too long. Comparing answers says more than the loss and takes longer."
        ),
        choices=(
            ("last", gettext_noop("The last one")),
            ("develop_loss", gettext_noop("The one with the lowest develop loss")),
            ("answers", gettext_noop("The one whose answers to develop questions are nearest to people's (chrF)")),
        ),
        advanced=True,
    )
    patience: int = _setting(
        0,
        gettext_noop("Patience"),
        gettext_noop("End early after so many measurements without a better one; 0 always trains to the end."),
        effect=gettext_noop("Saves time when nothing more is learned."),
        unit="measurements",
        minimum=0,
        maximum=1000,
        advanced=True,
    )
    save_every: int = _setting(
        0,
        gettext_noop("Save every"),
        gettext_noop(
            "Save a checkpoint after this many steps; 0 saves up to ten times a run, while that costs little time."
        ),
        effect=gettext_noop("After a crash, work continues from the last checkpoint."),
        unit="steps",
        minimum=0,
        maximum=1_000_000,
        advanced=True,
    )
    keep_checkpoints: int = _setting(
        2,
        gettext_noop("Checkpoints kept"),
        gettext_noop("How many of the newest checkpoints stay on disk while the run goes on."),
        minimum=1,
        maximum=1000,
        advanced=True,
    )
    threads: int = _setting(
        0,
        gettext_noop("Processor threads"),
        gettext_noop("How many processor cores the training uses; 0 uses all physical ones."),
        effect=gettext_noop("Fewer threads leave room for other work on the same machine."),
        minimum=0,
        maximum=1024,
        advanced=True,
    )
    gradient_checkpointing: bool = _setting(
        False,
        gettext_noop("Compute again instead of remembering"),
        gettext_noop(
            "Forget what each layer computed and compute it again when it is needed (gradient checkpointing)."
        ),
        effect=gettext_noop("Needs far less memory for long pairs, and about a third more time."),
        advanced=True,
    )
    precision: str = _setting(
        "auto",
        gettext_noop("Number format"),
        gettext_noop("How numbers are kept while computing."),
        effect=gettext_noop("bfloat16 halves memory and is faster where the hardware has it; elsewhere it is slower."),
        choices=(
            ("auto", gettext_noop("What this machine does best")),
            ("float32", gettext_noop("32 bits: exact and slow")),
            ("bfloat16", gettext_noop("16 bits: faster on newer hardware")),
        ),
        advanced=True,
    )

    def __post_init__(self) -> None:
        for setting in recipe_fields():
            object.__setattr__(self, setting.name, _valid(setting, getattr(self, setting.name)))
        if self.method not in ADAPTERS and self.objective != TEXT and self.learning_rate > 1e-3:
            raise RecipeError(
                "learning_rate",
                gettext_noop("More than 0.001 would destroy a model whose own weights are trained; try 2e-5."),
            )
        if self.patience and not (self.eval_every and self.best_by != "last"):
            raise RecipeError(
                "patience",
                gettext_noop(
                    "Ending early needs measurements on the way (“Measure every”) and the best state as the model."
                ),
            )
        if self.method == "qlora" and self.objective == TEXT:
            raise RecipeError(
                "method", gettext_noop("A pretraining by QLoRA would leave a model of 4 bits; choose LoRA or full.")
            )
        if self.best_by == "answers" and self.objective == TEXT:
            raise RecipeError(
                "best_by", gettext_noop("A pretraining gives no answers to compare; take the lowest loss instead.")
            )
        if self.best_by != "last" and not self.eval_every:
            raise RecipeError(
                "best_by", gettext_noop("The best state can only be found if the run measures on the way.")
            )
        if self.scheduler == "constant" and self.warmup_share > 0.5:
            raise RecipeError(
                "warmup_share", gettext_noop("A constant learning rate that warms up for most of the run is not one.")
            )

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Recipe:
        """Read a recipe; missing settings take their default. Raises RecipeError, also for unknown settings."""
        if not isinstance(value, dict):
            raise RecipeError("recipe", gettext_noop("A recipe must be a JSON object."))
        names = {setting.name for setting in recipe_fields()}
        for name in value:
            if name not in names:
                raise RecipeError(str(name), gettext_noop("There is no such setting."))
        return cls(**value)

    @classmethod
    def from_yaml(cls, text: str) -> Recipe:
        """Read a recipe from YAML. Raises RecipeError."""
        try:
            return cls.from_json(yaml.safe_load(text) or {})
        except yaml.YAMLError as error:
            raise RecipeError(
                "recipe", gettext_noop("This is not valid YAML: %(reason)s"), reason=str(error)
            ) from error

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
        sentence = gettext_noop("%(label)s must be of kind %(kind)s, not %(value)s.")
        raise RecipeError(setting.name, sentence, label=setting.label, kind=setting.kind, value=repr(value))
    if setting.choices and value not in {choice for choice, _ in setting.choices}:
        allowed = ", ".join(choice for choice, _ in setting.choices)
        sentence = gettext_noop("%(label)s must be one of %(allowed)s, not %(value)s.")
        raise RecipeError(setting.name, sentence, label=setting.label, allowed=allowed, value=repr(value))
    # Written so that a value that is not a number (NaN) fails as well.
    low, high = setting.minimum, setting.maximum
    if low is not None and high is not None and not low <= float(value) <= high:
        sentence = gettext_noop("%(label)s must lie between %(low)s and %(high)s, not %(value)s.")
        bounds = {"low": f"{low:g}", "high": f"{high:g}"}
        raise RecipeError(setting.name, sentence, label=setting.label, value=repr(value), **bounds)
    return value
