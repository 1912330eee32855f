"""The data that Keras trains on: rows of a dataset, or endless batches of augmented clips."""

from collections.abc import Iterator
from itertools import chain
from typing import Any

import numpy as np

from ser.augmentation import SpectrogramSet, batches
from ser.data.augmented_rows import training_rows
from ser.data.dataset import Dataset
from ser.models.recipes import KerasRecipe, recipe_features

_PREFETCHED = 8  # batches that are ready before they are needed


def training_data(
    recipe: KerasRecipe, dataset: Dataset, rows: np.ndarray, clips: SpectrogramSet | None, seed: int
) -> dict[str, Any]:
    """Return the data arguments of `fit`: the rows, or endless batches of augmented clips."""
    if recipe.augmentation is None or clips is None:
        x, y = training_rows(recipe, dataset, rows, seed=seed)
        return {"x": x, "y": targets(recipe, y), "batch_size": recipe.batch_size}
    stream = batches(
        clips,
        recipe.augmentation,
        batch_size=recipe.batch_size,
        n_mfcc=recipe_features(recipe).params["n_mfcc"],
        seed=seed,
        relative=recipe_features(recipe).relative,
    )
    return {
        "x": prefetched((windows, targets(recipe, labels)) for windows, labels in stream),
        "shuffle": False,
        "steps_per_epoch": recipe.steps_per_epoch,
    }


def targets(recipe: KerasRecipe, labels: np.ndarray) -> np.ndarray:
    """Return label indices of shape (n,) as `loss_of` takes them: one-hot for label smoothing."""
    return np.eye(len(recipe.labels))[labels] if recipe.label_smoothing else labels


def prefetched(batches: Iterator[tuple[np.ndarray, np.ndarray]]) -> Any:
    """Return batches as a `tf.data.Dataset` that prepares some of them in advance.

    Args:
        batches: features and targets; only the number of rows may differ between batches.
    """
    import tensorflow as tf

    first = next(batches)
    dataset = tf.data.Dataset.from_generator(
        lambda: chain([first], batches),
        output_signature=tuple(tf.TensorSpec((None, *a.shape[1:]), a.dtype) for a in first),
    )
    # With autotuning, TensorFlow 2.21 waits at the end of a `fit` that leaves batches unused:
    # the tuner sleeps for up to a minute.
    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.prefetch(_PREFETCHED).with_options(options)
