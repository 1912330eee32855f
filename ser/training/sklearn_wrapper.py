"""Every recipe as a scikit-learn estimator, for scikit-learn's pipelines and searches.

Keras's own wrapper wraps a network. A wrapped network is a single member and trains for all its
epochs without augmentation: a search has neither validation clips to choose an epoch on, nor
waveforms to augment. The caller balances the rows.
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
    """Keras's wrapper with `predict_proba`; its clones keep the arguments of `fit`."""

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Return probabilities in the order of `classes_`: (n, features) to (n, classes)."""
        return self.decision_function(X)

    def __sklearn_clone__(self) -> "NetworkClassifier":
        return type(self)(
            self.model, self.warm_start, self.model_kwargs, dict(self.fit_kwargs or {})
        )


def as_estimator(recipe: Recipe, *, seed: int = 0, epochs: int | None = None) -> Any:
    """Return an unfitted scikit-learn estimator of a recipe.

    It takes features of shape (n, features), as `flat` returns them, and label indices of shape
    (n,); a regressor takes the values of the labels instead.

    Args:
        epochs: of a network, instead of the number of the recipe.
    """
    if not isinstance(recipe, KerasRecipe):
        return make_estimator(recipe.estimator, recipe.params, scaling=recipe.scaling, seed=seed)
    return NetworkClassifier(
        _build_network,
        model_kwargs={"recipe": recipe, "seed": seed},
        fit_kwargs={
            "epochs": epochs or recipe.epochs,
            "batch_size": recipe.batch_size,
            "verbose": 0,
        },
    )


def _build_network(X: np.ndarray, y: np.ndarray, recipe: KerasRecipe, seed: int) -> Any:
    """Return a compiled network; `y` is one-hot, of shape (n, labels)."""
    keras.utils.set_random_seed(seed)
    shape = recipe_features(recipe).shape
    network = recipe.build(shape, y.shape[1])
    if recipe.scaling:
        network = scaled(network, X.reshape(-1, *shape), recipe.scaling)
    model = keras.Sequential([keras.Input(X.shape[1:]), keras.layers.Reshape(shape), network])
    loss = keras.losses.CategoricalCrossentropy(label_smoothing=recipe.label_smoothing)
    compile_network(recipe, model, len(X), loss)
    return model
