"""A recipe is complete, bounded and says what is wrong with it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import ml.recipe as recipe_module
from ml.presets import PRESETS, TEXT_PRESETS
from ml.recipe import Recipe, RecipeError, recipe_fields, recipe_parts


@pytest.mark.parametrize("recipe", [Recipe(), *PRESETS.values(), *TEXT_PRESETS.values()])
def test_recipes_survive_json_and_yaml(recipe: Recipe) -> None:
    assert Recipe.from_json(recipe.to_json()) == recipe
    assert Recipe.from_yaml(recipe.to_yaml()) == recipe


def test_every_setting_explains_itself() -> None:
    for setting in recipe_fields():
        assert setting.label
        assert all(text.endswith(".") for text in (setting.help, setting.time, setting.memory, setting.quality))
        assert setting.kind in ("int", "float", "str", "bool")
        if setting.kind in ("int", "float"):
            assert setting.minimum is not None
            assert setting.maximum is not None
            assert setting.minimum <= setting.default <= setting.maximum
        if setting.kind == "str":
            assert setting.default in {value for value, _ in setting.choices}


def test_a_form_shows_each_setting_under_one_heading() -> None:
    parts = recipe_parts(recipe_fields())
    assert [setting for _heading, part in parts for setting in part] == list(recipe_fields())
    assert len(parts) == 4
    assert [heading for heading, _part in recipe_parts(recipe_fields()[:1])] == ["What is learnt, and in which steps"]


def test_every_sentence_is_marked_for_the_translators() -> None:
    files = Path(recipe_module.__file__).parent.glob("*.py")
    trees = [ast.parse(file.read_text(encoding="utf-8")) for file in files]
    calls = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call)]
    marked = {ast.literal_eval(call.args[0]) for call in calls if getattr(call.func, "id", "") == "gettext_noop"}
    for setting in recipe_fields():
        labels = {label for _value, label in setting.choices}
        assert {setting.label, setting.help, setting.time, setting.memory, setting.quality, *labels} <= marked
    for settings in ({"epochs": 0}, {"method": "magic"}, {"packing": 1}, {"patience": 2}):
        with pytest.raises(RecipeError) as caught:
            Recipe(**settings)
        assert caught.value.template in marked


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("method", "magic"),
        ("epochs", 0),
        ("epochs", float("nan")),
        ("epochs", "3"),
        ("batch_size", 0),
        ("batch_size", 2.5),
        ("batch_size", True),
        ("packing", 1),
        ("max_tokens", 8),
        ("lora_rank", 1000),
        ("learning_rate", 1.0),
        ("seed", -1),
    ],
)
def test_impossible_values_name_their_field(field: str, value: object) -> None:
    with pytest.raises(RecipeError) as caught:
        Recipe(**{field: value})
    assert caught.value.field == field
    assert caught.value.sentence.endswith(".")


def test_impossible_combinations_name_a_field() -> None:
    with pytest.raises(RecipeError) as caught:
        Recipe(method="full", learning_rate=2e-3)
    assert caught.value.field == "learning_rate"
    with pytest.raises(RecipeError) as caught:
        Recipe(scheduler="constant", warmup_share=0.8)
    assert caught.value.field == "warmup_share"
    with pytest.raises(RecipeError) as caught:
        Recipe(method="qlora", objective="text")
    assert caught.value.field == "method"


def test_unknown_settings_are_refused() -> None:
    with pytest.raises(RecipeError, match="no such setting"):
        Recipe.from_json({"epoch": 3})
    with pytest.raises(RecipeError):
        Recipe.from_yaml("- a list")
    with pytest.raises(RecipeError, match="not valid YAML"):
        Recipe.from_yaml("a: [")


def test_whole_numbers_do_for_fractions() -> None:
    assert Recipe(epochs=2).epochs == 2.0
    assert isinstance(Recipe(epochs=2).epochs, float)
