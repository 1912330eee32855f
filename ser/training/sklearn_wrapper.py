"""Every recipe as a scikit-learn estimator, so that pipelines and searches are scikit-learn's.

Keras networks are wrapped by Keras's own wrapper. Here one member trains on features as they
are, for all its epochs: choosing an epoch takes validation clips, which a search has not, and
changed or augmented clips take the clips themselves. Balancing is the caller's: it chooses rows.
"""

import os
from typing import Any

import numpy as np

from ser.models.recipes import KerasRecipe, Recipe, recipe_features
from ser.models.sklearn_models import make_estimator
from ser.training.keras_training import TRAINING_BACKEND, compile_network, scaled

os.environ.setdefault("KERAS_BACKEND", TRAINING_BACKEND)

import keras
from keras.wrappers import SKLearnClassifier


class NetworkClassifier(SKLearnClassifier):
    """Keras's wrapper, with probabilities, and copies that keep what `fit` is called with."""

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Return probabilities in the order of `classes_`: (n, numbers) to (n, classes)."""
        return self.decision_function(X)

    def __sklearn_clone__(self) -> "NetworkClassifier":
        return type(self)(
            self.model, self.warm_start, self.model_kwargs, dict(self.fit_kwargs or {})
        )


def as_estimator(recipe: Recipe, *, seed: int = 0, epochs: int | None = None) -> Any:
    """Return an unfitted scikit-learn estimator of a recipe.

    It takes rows of shape (n, numbers), as `flat` returns them, and label indices; a regressor
    takes the values of the labels.

    Args:
        epochs: of a network, instead of the recipe's number.
    """
    if not isinstance(recipe, KerasRecipe):
        return make_estimator(recipe.estimator, recipe.params, scaling=recipe.scaling, seed=seed)
    return NetworkClassifier(
        _network,
        model_kwargs={"recipe": recipe, "seed": seed},
        fit_kwargs={
            "epochs": epochs or recipe.epochs,
            "batch_size": recipe.batch_size,
            "verbose": 0,
        },
    )


def _network(X: np.ndarray, y: np.ndarray, recipe: KerasRecipe, seed: int) -> Any:
    """Return a compiled network; `y` has a row of zeros and a one for each row of `X`."""
    keras.utils.set_random_seed(seed)
    shape = recipe_features(recipe).shape
    inner = recipe.build(shape, y.shape[1])
    if recipe.scaling:
        inner = scaled(inner, X.reshape(-1, *shape), recipe.scaling)
    model = keras.Sequential([keras.Input(X.shape[1:]), keras.layers.Reshape(shape), inner])
    loss = keras.losses.CategoricalCrossentropy(label_smoothing=recipe.label_smoothing)
    compile_network(recipe, model, len(X), loss)
    return model
