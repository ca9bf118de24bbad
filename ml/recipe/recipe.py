"""The settings together. Combinations that cannot work are refused when a recipe is made, with the field at fault."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from ml.phrases import gettext_noop
from ml.recipe.course import Course
from ml.recipe.learning import ADAPTERS, TEXT, Learning
from ml.recipe.reading import Reading
from ml.recipe.setting import RecipeError, RecipeField, valid
from ml.recipe.weights import Weights

# Under which heading a form shows the settings of each part.
HEADINGS = (
    (Learning, gettext_noop("What is learnt, and in which steps")),
    (Reading, gettext_noop("How pairs and texts are read")),
    (Weights, gettext_noop("Which weights change")),
    (Course, gettext_noop("On the way, and the machine")),
)


@dataclass(frozen=True)
class Recipe(Course, Weights, Reading, Learning):
    """The settings of one training. Make it with keyword arguments or `from_json`; it cannot be changed.

    Forms show the settings from the last of these parts to the first: what is learnt, how it is read, and so on.
    """

    def __post_init__(self) -> None:
        for setting in recipe_fields():
            object.__setattr__(self, setting.name, valid(setting, getattr(self, setting.name)))
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


def recipe_parts(settings: Sequence[RecipeField]) -> list[tuple[str, list[RecipeField]]]:
    """These settings under their headings; a heading without any is left out."""
    names = ((heading, {field.name for field in dataclasses.fields(part)}) for part, heading in HEADINGS)
    parts = [(heading, [setting for setting in settings if setting.name in own]) for heading, own in names]
    return [part for part in parts if part[1]]
