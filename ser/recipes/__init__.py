"""The recipes. A new one is one file here with a `RECIPE`."""

from ser.recipes.base import Published, Recipe
from ser.registry import collect

RECIPES: dict[str, Recipe] = collect("ser.recipes", "RECIPE")

__all__ = ["RECIPES", "Published", "Recipe"]
