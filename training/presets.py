"""From a preset and a person's few changes to a recipe. The settings themselves are ml.recipe's."""

from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from core.denied import ApplicationError
from ml.recipe import PRESETS, Recipe, RecipeError

FULL_RATE_SHARE = 0.1  # all weights are moved with a tenth of LoRA's learning rate


@dataclass(frozen=True)
class Preset:
    key: str
    label: str | Promise
    text: str | Promise


CHOICES = (
    Preset("quick", _("Quick"), _("A few minutes, to see that everything works.")),
    Preset("balanced", _("Balanced"), _("The usual choice: good answers in reasonable time.")),
    Preset("best", _("Best"), _("Twice the passes and longer pairs: more time for the last bit of quality.")),
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
