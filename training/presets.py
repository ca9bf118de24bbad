"""From a preset and a person's few changes to a recipe. The settings themselves are ml.recipe's."""

from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, ngettext_lazy

from core.denied import ApplicationError
from core.models import Project
from core.numbers import whole_number
from ml.phrases import filled
from ml.presets import PRESETS, TEXT_PRESETS
from ml.recipe import ADAPTERS, SAME, Recipe, RecipeError, RecipeField
from training.models import OwnPreset

METHODS = (
    ("lora", gettext_lazy("LoRA: a small adapter beside the model")),
    ("dora", gettext_lazy("DoRA: an adapter that learns size and direction apart; slower, sometimes better")),
    ("qlora", gettext_lazy("QLoRA: an adapter beside a model squeezed to 4 bits; for big models on a GPU")),
    ("partial", gettext_lazy("Partial: the last layers of the model")),
    ("full", gettext_lazy("Full: all weights of the model")),
)
FULL_RATE_SHARE = 0.1  # a model's own weights are moved with a tenth of LoRA's learning rate
OWN = "own-"


def method_name(key: str) -> str:
    """What people call a method; one that this version does not know keeps its key."""
    return method_words(key).split(":")[0]


def method_words(key: str) -> str:
    """Its name and what it is."""
    return str(dict(METHODS).get(key, key))


@dataclass(frozen=True)
class Preset:
    key: str
    label: str | Promise
    text: str | Promise
    recipe: Recipe


CHOICES = tuple(
    Preset(key, label, text, PRESETS[key])
    for key, label, text in (
        ("quick", gettext_lazy("Quick"), gettext_lazy("A few steps, to see that everything works.")),
        ("balanced", gettext_lazy("Balanced"), gettext_lazy("The usual choice: good answers in reasonable time.")),
        ("best", gettext_lazy("Best"), gettext_lazy("More passes and longer pairs: for the last bit of quality.")),
    )
)


def presets_of(project: Project) -> list[Preset]:
    """The three that come with the program, and the project's own."""
    own = [(preset, Recipe.from_json(preset.recipe)) for preset in OwnPreset.objects.filter(project=project)]
    return [*CHOICES, *(Preset(f"{OWN}{preset.pk}", preset.name, told(recipe), recipe) for preset, recipe in own)]


def told(recipe: Recipe) -> str:
    """A recipe of the project's own in a few words."""
    values = {
        "method": method_name(recipe.method),
        "epochs": f"{recipe.epochs:g}",
        "rate": f"{recipe.learning_rate:g}",
    }
    text = ngettext(
        "Your own: %(method)s, %(epochs)s pass, learning rate %(rate)s.",
        "Your own: %(method)s, %(epochs)s passes, learning rate %(rate)s.",
        plural(recipe.epochs),
    )
    return text % values


def preset_recipe(key: str, project: Project) -> Recipe | None:
    """The recipe behind a preset's key; None when there is no such preset (any more)."""
    if found := PRESETS.get(key) or TEXT_PRESETS.get(key):
        return found
    own = OwnPreset.objects.filter(project=project, pk=whole_number(key.removeprefix(OWN)) or 0).first()
    return Recipe.from_json(own.recipe) if own else None


def preset_label(key: str, project: Project) -> str:
    """What a preset is called; empty when it is one of the project's own that is gone."""
    plain = key.removeprefix("new-").removeprefix("on-")
    return next((str(each.label) for each in presets_of(project) if each.key in (key, plain)), "")


def preset_value(recipe: Recipe, method: str, name: str) -> Any:
    """What a preset says about one setting under a method."""
    if name == "learning_rate" and method not in ADAPTERS and recipe.method in ADAPTERS:
        return recipe.learning_rate * FULL_RATE_SHARE
    return method if name == "method" else getattr(recipe, name)


def recipe_from(*, project: Project, preset: str, method: str, changes: dict[str, Any]) -> Recipe:
    """The preset's recipe with a person's changes; the method is the preset's where none is named. Raises
    ApplicationError with the field at fault."""
    usual = preset_recipe(preset, project)
    if usual is None:
        sentence = _("There is no preset “%(name)s”; there are %(known)s.")
        known = ", ".join(each.key for each in presets_of(project))
        raise ApplicationError(sentence % {"name": preset, "known": known}, field="preset")
    method = method or usual.method
    settings = {name: preset_value(usual, method, name) for name in usual.to_json()}
    try:
        return Recipe.from_json({**settings, **changes, "method": method})
    except RecipeError as error:
        raise ApplicationError(refused(error), field=error.field) from error


UNITS = {
    "passes": ngettext_lazy("pass", "passes"),
    "steps": ngettext_lazy("step", "steps"),
    "examples": ngettext_lazy("example", "examples"),
    "batches": ngettext_lazy("batch", "batches"),
    "tokens": ngettext_lazy("token", "tokens"),
    "bytes": ngettext_lazy("byte", "bytes"),
    "layers": ngettext_lazy("layer", "layers"),
    "measurements": ngettext_lazy("measurement", "measurements"),
    "checkpoints": ngettext_lazy("checkpoint", "checkpoints"),
    "threads": ngettext_lazy("thread", "threads"),
}


# What nought means where it is not a number of something.
NOUGHT = {
    "max_steps": gettext_lazy("as many as the passes take"),
    "eval_every": gettext_lazy("only before and after"),
    "save_every": gettext_lazy("chosen by itself, up to ten times"),
    "patience": gettext_lazy("never end early"),
    "threads": gettext_lazy("all physical cores"),
}


def said(sentence: str) -> str:
    """What ml.recipe says, in the reader's language. There the sentences are marked and not translated."""
    return _(sentence) if sentence else ""


def effects(setting: RecipeField) -> str:
    """What becomes of time, memory and quality when a setting is changed, in the reader's language."""
    names = ((_("Time"), setting.time), (_("Memory"), setting.memory), (_("Quality"), setting.quality))
    changed = [f"{name}: {said(text)}" for name, text in names if text != SAME]
    same = [name for name, text in names if text == SAME]
    return " ".join([*changed, *([f"{', '.join(same)}: {said(SAME)}"] if same else [])])


def refused(error: RecipeError) -> str:
    """Why a recipe cannot be used, in the reader's language."""
    values = {name: said(value) if name == "label" else value for name, value in error.values.items()}
    return filled(said(error.template), values)


def plural(number: float) -> int:
    """The whole number that has the same plural: half a pass is “0.5 passes”."""
    return int(number) if number == int(number) else 2


def unit_of(setting: RecipeField, number: float = 2) -> str:
    """The unit of a setting beside this number, in the reader's language; empty where it has none."""
    return str(UNITS[setting.unit] % plural(number)) if setting.unit else ""


def measured(setting: RecipeField, value: Any) -> str:
    """A setting's value in words, with its unit."""
    if value == 0 and setting.name in NOUGHT:
        return str(NOUGHT[setting.name])
    return f"{shown(setting, value)} {unit_of(setting, value) if setting.unit else ''}".strip()


def shown(setting: RecipeField, value: Any) -> str:
    """A setting's value in words."""
    if isinstance(value, bool):
        return str(_("yes") if value else _("no"))
    labels = {choice: said(label) for choice, label in setting.choices}
    return str(labels.get(value, f"{value:.10g}" if isinstance(value, (int, float)) else value))
