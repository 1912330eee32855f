"""The recipes. A new one is one file here with a `RECIPE`, or a family of them, `RECIPES`."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ser.features import FEATURE_SETS, FeatureSet
from ser.models.recipes.base import EstimatorRecipe, KerasRecipe, Published, Recipe
from ser.plugins import collect, lookup

RECIPES: dict[str, Recipe] = collect("ser.models.recipes", "RECIPE")
DEFAULT_FEATURES = "mix180"

__all__ = [
    "RECIPES",
    "EstimatorRecipe",
    "KerasRecipe",
    "Published",
    "Recipe",
    "as_recipe",
    "recipe_features",
    "with_own_names",
]


def recipe_features(recipe: Recipe) -> FeatureSet:
    """Return the feature set that a recipe names."""
    return lookup(FEATURE_SETS, recipe.features, "feature set")


def as_recipe(model: Any, **changes: Any) -> Recipe:
    """Return a recipe, with some fields changed.

    Args:
        model: a recipe, the name of one, or any scikit-learn classifier or regressor; that is
            over `DEFAULT_FEATURES`, and a regressor's values are 0, 1, 2 … of its labels.
    """
    if isinstance(model, str):
        model = lookup(RECIPES, model, "recipe")
    if isinstance(model, Recipe):
        recipe = replace(model, **changes)
    else:
        recipe = EstimatorRecipe(
            name=type(model).__name__,
            summary=" ".join(repr(model).split()),
            features=changes.pop("features", DEFAULT_FEATURES),
            estimator=model,
            **changes,
        )
    return _numbered(recipe) if isinstance(recipe, EstimatorRecipe) else recipe


def with_own_names(recipes: Sequence[Recipe]) -> list[Recipe]:
    """Return the recipes, with a number behind each name that one before has."""
    named: list[Recipe] = []
    for recipe in recipes:
        taken = sum(other.name == recipe.name for other in recipes[: len(named)])
        named.append(replace(recipe, name=f"{recipe.name} {taken + 1}") if taken else recipe)
    return named


def _numbered(recipe: EstimatorRecipe) -> EstimatorRecipe:
    """Let the labels of a regressor stand for 0, 1, 2 …, unless each has its number."""
    from sklearn.base import is_regressor

    named = isinstance(recipe.estimator, str)  # then a regressor has values already
    if not (bool(recipe.values) if named else is_regressor(recipe.estimator)):
        return recipe
    if len(recipe.values) == len(recipe.labels):
        return recipe
    return replace(recipe, values=tuple(map(float, range(len(recipe.labels)))))
