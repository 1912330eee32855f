"""Every recipe as a scikit-learn estimator, for scikit-learn's pipelines and searches."""

from typing import Any

from ser.models.recipes import KerasRecipe, Recipe
from ser.models.sklearn_models import make_estimator


def as_estimator(recipe: Recipe, *, seed: int = 0, epochs: int | None = None) -> Any:
    """Return an unfitted scikit-learn estimator of a recipe.

    It takes features of shape (n, features), as `flat` returns them, and label indices of shape
    (n,); a regressor takes the values of the labels instead.

    A network is a single member and trains for all its epochs without augmentation: a search has
    neither validation clips to choose an epoch on, nor waveforms to augment. The caller balances
    the rows.

    Args:
        epochs: of a network, instead of the number of the recipe.
    """
    if not isinstance(recipe, KerasRecipe):
        return make_estimator(recipe.estimator, recipe.params, scaling=recipe.scaling, seed=seed)
    from ser.training.network_classifier import NetworkClassifier, build_network  # takes seconds

    return NetworkClassifier(
        build_network,
        model_kwargs={"recipe": recipe, "seed": seed},
        fit_kwargs={
            "epochs": epochs or recipe.epochs,
            "batch_size": recipe.batch_size,
            "verbose": 0,
        },
    )
