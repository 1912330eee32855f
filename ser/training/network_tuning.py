"""Tuning of one trained network on other clips, and perhaps for other labels.

First the last layer learns, then all layers at a tenth of the rate: Howard & Ruder 2018, "Universal
language model fine-tuning for text classification", arXiv 1801.06146, calls it gradual unfreezing.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from ser.augmentation import SpectrogramSet
from ser.data.dataset import Dataset
from ser.errors import UsageError
from ser.models.recipes import KerasRecipe
from ser.training.keras_training import loss_of, mean_of
from ser.training.training_data import training_data

# Tuned on half of the speakers of ASED: 200 small steps gained 4 points less, no small steps 12.
HEAD_STEPS, HEAD_RATE = 100, 2e-3
STEPS, RATE = 600, 2e-4


def tune_model(
    recipe: KerasRecipe,
    start: Any,
    labels: Sequence[str],
    dataset: Dataset,
    rows: np.ndarray,
    clips: SpectrogramSet | None,
    seed: int,
) -> Any:
    """Return a fine-tuned copy of a network or of an ensemble.

    Args:
        start: a Keras model, whose outputs are `labels`.
        rows: row numbers of the dataset to learn from.
        clips: the spectrograms of the dataset, for a recipe with augmentation.
    """
    import keras

    own = clips.only(rows) if clips is not None else None
    tuned = []
    for n, member in enumerate(_members_of(start)):
        keras.utils.set_random_seed(seed + n)
        model = with_labels(member, labels, recipe.labels)
        _tune(model, loss_of(recipe), partial(_batches, recipe, dataset, rows, own, seed + n))
        tuned.append(model)
    return mean_of(tuned)


def _members_of(model: Any) -> list[Any]:
    """Return the networks of an ensemble, or the one network."""
    import keras

    if isinstance(model.layers[-1], keras.layers.Average):
        return [layer for layer in model.layers if isinstance(layer, keras.Model)]
    return [model]


def _tune(model: Any, loss: Any, batches: Callable[[int], dict[str, Any]]) -> None:
    """Tune one network.

    Args:
        batches: returns the data arguments of `fit` for a number of steps.
    """
    import keras

    head = _layers(model)[-1]
    for steps, rate, layers in ((HEAD_STEPS, HEAD_RATE, [head]), (STEPS, RATE, _layers(model))):
        _train_only(model, layers)
        model.compile(
            keras.optimizers.AdamW(rate),
            loss,
            jit_compile=False,  # XLA takes minutes to compile, and is no faster on a CPU
            steps_per_execution=steps,
        )
        model.fit(**batches(steps), verbose=0)
    model.trainable = True  # the file says nothing of what was frozen


def _batches(
    recipe: KerasRecipe,
    dataset: Dataset,
    rows: np.ndarray,
    clips: SpectrogramSet | None,
    seed: int,
    steps: int,
) -> dict[str, Any]:
    """Return the data arguments of `fit` for one epoch of so many batches."""
    data = training_data(recipe, dataset, rows, clips, seed)
    if "steps_per_epoch" in data:
        return data | {"steps_per_epoch": steps}
    n, rng = len(data["x"]), np.random.default_rng(seed)
    passes = -(-steps * recipe.batch_size // n)
    drawn = np.concatenate([rng.permutation(n) for _ in range(passes)])[: steps * recipe.batch_size]
    return data | {"x": data["x"][drawn], "y": data["y"][drawn], "shuffle": False}


def _train_only(model: Any, layers: Sequence[Any]) -> None:
    """Freeze all layers but some; batch normalisation keeps the statistics of the first training.

    A few clips have other statistics, and none that are worth more.
    """
    import keras

    chosen = {id(layer) for layer in layers}
    for layer in _layers(model):
        is_normalisation = isinstance(layer, keras.layers.BatchNormalization)
        layer.trainable = id(layer) in chosen and not is_normalisation


def _layers(model: Any) -> list[Any]:
    """Return all layers of a model, those of the models in it instead of these models."""
    import keras

    return [
        layer
        for outer in model.layers
        for layer in (_layers(outer) if isinstance(outer, keras.Model) else [outer])
    ]


def with_labels(model: Any, old: Sequence[str], new: Sequence[str]) -> Any:
    """Return a copy of a network with outputs for other labels; it keeps what it knows of old ones.

    Raises:
        UsageError: its last layer is no dense layer.
    """
    import keras

    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    if tuple(old) == tuple(new):
        return copy
    last = copy.layers[-1]
    if isinstance(last, keras.Model):  # a network behind the layer that scales its features
        inputs, rescaling = keras.Input(copy.input_shape[1:]), copy.layers[-2]
        return keras.Model(inputs, with_labels(last, old, new)(rescaling(inputs)))
    if not isinstance(last, keras.layers.Dense):
        raise UsageError(f"the last layer is a {type(last).__name__}: other labels need a Dense")
    dense = keras.layers.Dense(len(new), activation="softmax", name=last.name)
    changed = keras.Model(copy.inputs[0], dense(last.input))
    old_weights, weights = last.get_weights(), dense.get_weights()
    for i, label in enumerate(new):
        if label in old:
            for of_new, of_old in zip(weights, old_weights, strict=True):
                of_new[..., i] = of_old[..., list(old).index(label)]
    dense.set_weights(weights)
    return changed
