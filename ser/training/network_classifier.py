"""A Keras network as a scikit-learn classifier; importing this module loads TensorFlow."""

import os
from typing import Any

import numpy as np

from ser.models.recipes import KerasRecipe, recipe_features
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


def build_network(X: np.ndarray, y: np.ndarray, recipe: KerasRecipe, seed: int) -> Any:
    """Return a compiled network of a recipe.

    Args:
        X: features, shape (n, features); a scaling is fitted to them.
        y: one-hot labels, shape (n, labels).
    """
    keras.utils.set_random_seed(seed)
    shape = recipe_features(recipe).shape
    network = recipe.build(shape, y.shape[1])
    if recipe.scaling:
        network = scaled(network, X.reshape(-1, *shape), recipe.scaling)
    model = keras.Sequential([keras.Input(X.shape[1:]), keras.layers.Reshape(shape), network])
    loss = keras.losses.CategoricalCrossentropy(label_smoothing=recipe.label_smoothing)
    compile_network(recipe, model, len(X), loss)
    return model
