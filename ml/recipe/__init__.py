"""Every setting of a training, in one place: form, API, command line and run all read `Recipe`.

Each field carries what a form needs: label, help, unit, bounds, choices, what it does to time, memory and quality,
whether it is advanced, and the method it belongs to.
"""

from ml.recipe.learning import ADAPTERS, METHODS, OF_PAIRS, TEXT
from ml.recipe.recipe import Recipe, recipe_fields, recipe_parts
from ml.recipe.setting import SAME, RecipeError, RecipeField

__all__ = [
    "ADAPTERS",
    "METHODS",
    "OF_PAIRS",
    "SAME",
    "TEXT",
    "Recipe",
    "RecipeError",
    "RecipeField",
    "recipe_fields",
    "recipe_parts",
]
