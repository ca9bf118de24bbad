"""From a preset and a person's few changes to a recipe. The settings themselves are ml.recipe's."""

from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.denied import ApplicationError
from ml.recipe import PRESETS, Recipe, RecipeError, RecipeField

FULL_RATE_SHARE = 0.1  # all weights are moved with a tenth of LoRA's learning rate


@dataclass(frozen=True)
class Preset:
    key: str
    label: str | Promise
    text: str | Promise


CHOICES = (
    Preset("quick", gettext_lazy("Quick"), gettext_lazy("A few minutes, to see that everything works.")),
    Preset("balanced", gettext_lazy("Balanced"), gettext_lazy("The usual choice: good answers in reasonable time.")),
    Preset(
        "best",
        gettext_lazy("Best"),
        gettext_lazy("More passes and longer pairs: for the last bit of quality."),
    ),
)


def preset_value(preset: str, method: str, name: str) -> Any:
    """What a preset says about one setting under a method."""
    recipe = PRESETS[preset]
    if name == "learning_rate" and method == "full":
        return recipe.learning_rate * FULL_RATE_SHARE
    return method if name == "method" else getattr(recipe, name)


def recipe_from(*, preset: str, method: str, changes: dict[str, Any]) -> Recipe:
    """The preset's recipe with a person's changes. Raises ApplicationError with the field at fault."""
    if preset not in PRESETS:
        sentence = _("There is no preset “%(name)s”; there are %(known)s.")
        raise ApplicationError(sentence % {"name": preset, "known": ", ".join(PRESETS)}, field="preset")
    settings = {name: preset_value(preset, method, name) for name in PRESETS[preset].to_json()}
    try:
        return Recipe.from_json({**settings, **changes, "method": method})
    except RecipeError as error:
        raise ApplicationError(error.sentence, field=error.field) from error


def shown(setting: RecipeField, value: Any) -> str:
    """A setting's value in words."""
    if isinstance(value, bool):
        return str(_("yes") if value else _("no"))
    labels = dict(setting.choices)
    return str(labels.get(value, f"{value:.10g}" if isinstance(value, (int, float)) else value))
