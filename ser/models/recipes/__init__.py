"""Recipes: what can be trained, as data. A name comes in, a `Recipe` goes out.

A new recipe is one file here with a `RECIPE`, or with several `RECIPES`.
"""

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
    """Return the feature set of a recipe."""
    return lookup(FEATURE_SETS, recipe.features, "feature set")


def as_recipe(model: Any, **changes: Any) -> Recipe:
    """Return a recipe, with some fields changed.

    Args:
        model: a recipe, its name, or any scikit-learn classifier or regressor. An estimator takes
            `DEFAULT_FEATURES`; for a regressor, the values of the labels are 0, 1, 2 …

    Raises:
        UsageError: no recipe has the name.
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
    return _with_values(recipe) if isinstance(recipe, EstimatorRecipe) else recipe


def with_own_names(recipes: Sequence[Recipe]) -> list[Recipe]:
    """Return the recipes, with a number after each name that an earlier one has."""
    named: list[Recipe] = []
    for recipe in recipes:
        earlier = sum(other.name == recipe.name for other in recipes[: len(named)])
        named.append(replace(recipe, name=f"{recipe.name} {earlier + 1}") if earlier else recipe)
    return named


def _with_values(recipe: EstimatorRecipe) -> EstimatorRecipe:
    """Return the recipe of a regressor with a value for each label: 0, 1, 2 … if it has none."""
    from sklearn.base import is_regressor

    named = isinstance(recipe.estimator, str)  # a regressor by name has values already
    if not (bool(recipe.values) if named else is_regressor(recipe.estimator)):
        return recipe
    if len(recipe.values) == len(recipe.labels):
        return recipe
    return replace(recipe, values=tuple(map(float, range(len(recipe.labels)))))
