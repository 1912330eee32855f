"""Training the Keras networks of a recipe."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from ser.augmentation import SpectrogramSet, batches
from ser.data.augmented_rows import load_spectrograms, training_rows
from ser.data.dataset import Dataset
from ser.data.hold_out import partition_speakers
from ser.models.recipes import KerasRecipe, recipe_features
from ser.training import checkpoints

TRAINING_BACKEND = "tensorflow"
_BATCH = 256
_AHEAD = 8  # batches made before they are needed


@dataclass(frozen=True)
class Network:
    """A trained network.

    Attributes:
        model: the mean of its members, if it has more than one.
        history: of its first member, of each quantity the value after each epoch.
        best_epoch: the epoch whose weights the first member has, counted from 1.
        held_out: the validation rows in parts, each with the mean of those members that were
            not trained on it.
    """

    model: Any
    history: dict[str, list[float]]
    best_epoch: int
    held_out: tuple[tuple[np.ndarray, Any], ...]


def train_network(
    recipe: KerasRecipe,
    dataset: Dataset,
    train_rows: np.ndarray,
    validation_rows: np.ndarray,
    *,
    seed: int,
    epochs: int | None,
    callbacks: Sequence[Any],
    checkpoint_folder: Path | None,
) -> Network:
    """Train the networks of a recipe.

    Args:
        train_rows: row numbers of the dataset, for every member.
        validation_rows: likewise, of other speakers. They are dealt to the members: each
            leaves its own part out, and is trained on those of the others.
        epochs: instead of the recipe's number.
        callbacks: further Keras callbacks.
        checkpoint_folder: as `ser.training.train.train` takes it.
    """
    os.environ.setdefault("KERAS_BACKEND", TRAINING_BACKEND)
    # Batches this small are twice as slow on two threads; use processes for more cores.
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")

    clips = None
    if recipe.augmentation:  # read once for all members: they are hundreds of megabytes
        features = recipe_features(recipe)
        clips = load_spectrograms(dataset, features, recipe.augmentation, recipe.labels)
    parts = partition_speakers(dataset.utterances, validation_rows, recipe.members)
    fitted = []
    for n in range(recipe.members):
        left_out = n % len(parts)
        others = [part for i, part in enumerate(parts) if i != left_out]
        if recipe.balance:
            others = [dataset.balanced(part, seed=seed) for part in others]
        member, history, best_epoch = _fit(
            recipe,
            dataset,
            np.concatenate([train_rows, *others]),
            parts[left_out],
            clips,
            seed * recipe.members + n,
            epochs,
            callbacks,
            checkpoint_folder,
        )
        member.name = f"member_{n + 1}"
        fitted.append((member, history, best_epoch))
    _, history, best_epoch = fitted[0]
    members = [member for member, _, _ in fitted]
    held_out = [(part, _mean_of(members[i :: len(parts)])) for i, part in enumerate(parts)]
    return Network(_mean_of(members), history, best_epoch, tuple(held_out))


def _fit(
    recipe: KerasRecipe,
    dataset: Dataset,
    train_rows: np.ndarray,
    validation_rows: np.ndarray,
    clips: SpectrogramSet | None,
    seed: int,
    epochs: int | None,
    callbacks: Sequence[Any],
    folder: Path | None,
) -> tuple[Any, dict[str, list[float]], int]:
    """Train one network; return it, its history, and the epoch whose weights it has."""
    import keras

    keras.utils.set_random_seed(seed)
    x, y = dataset.features, dataset.label_indices(recipe.labels)
    model = recipe.build(recipe_features(recipe).shape, len(recipe.labels))
    if recipe.scaling:
        model = scaled(model, x[train_rows], recipe.scaling)
    compile_network(recipe, model, len(train_rows), _loss(recipe))
    if clips is not None:
        clips = clips.only(train_rows)
    n_epochs = epochs or recipe.epochs
    keep_best = keras.callbacks.EarlyStopping(
        monitor=recipe.monitor or "loss",
        mode="max" if "accuracy" in (recipe.monitor or "") else "min",
        patience=n_epochs,
        restore_best_weights=recipe.monitor is not None,
    )
    held_out = None
    if len(validation_rows):
        held_out = (x[validation_rows], _targets(recipe, y[validation_rows]))
    plateau = [keras.callbacks.ReduceLROnPlateau(**recipe.plateau)] if recipe.plateau else []
    history = checkpoints.fit(
        model,
        lambda leg_seed: {
            **_training_data(recipe, dataset, train_rows, clips, leg_seed),
            "validation_data": held_out,
            "validation_batch_size": 64,
        },
        epochs=n_epochs,
        seed=seed,
        callbacks=[keep_best, *plateau, *callbacks],
        folder=folder,
        # A digest of all features: only for checkpoints.
        identity=folder and [repr(recipe), dataset.digest(), train_rows.tolist()],
    )
    return model, history, keep_best.best_epoch + 1 if recipe.monitor else n_epochs


def compile_network(recipe: KerasRecipe, model: Any, n_rows: int, loss: Any) -> None:
    """Give a network its optimizer and loss, for an epoch of `n_rows` rows."""
    import keras

    optimizer = keras.optimizers.get(recipe.optimizer)
    if optimizer.weight_decay:
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    model.compile(
        optimizer=optimizer,
        loss=loss,
        metrics=["accuracy"],
        jit_compile=False,  # XLA on a CPU: minutes to compile, and no faster for it
        # Small models: going back to Python after every batch would take most of the time.
        steps_per_execution=recipe.steps_per_epoch or max(1, n_rows // recipe.batch_size),
    )


def scaled(model: Any, x: np.ndarray, scaling: str) -> Any:
    """Return a model that first scales each number of its input as those of `x` are spread."""
    import keras

    low, spread = {
        "minmax": lambda: (x.min(axis=0), np.ptp(x, axis=0)),
        "standard": lambda: (x.mean(axis=0), x.std(axis=0)),
    }[scaling]()
    scale = 1 / np.where(spread > 0, spread, 1)
    inputs = keras.Input(model.input_shape[1:])
    rescaled = keras.layers.Rescaling(scale.tolist(), (-low * scale).tolist())(inputs)
    return keras.Model(inputs, model(rescaled))


def _mean_of(members: Sequence[Any]) -> Any:
    """Return one model that gives the mean of the members' probabilities."""
    import keras

    if len(members) == 1:
        return members[0]
    inputs = keras.Input(members[0].input_shape[1:])
    return keras.Model(inputs, keras.layers.Average()([member(inputs) for member in members]))


def _loss(recipe: KerasRecipe) -> Any:
    import keras

    if recipe.label_smoothing:
        return keras.losses.CategoricalCrossentropy(label_smoothing=recipe.label_smoothing)
    return keras.losses.SparseCategoricalCrossentropy()


def _targets(recipe: KerasRecipe, labels: np.ndarray) -> np.ndarray:
    """Return label indices, shape (n,), as `_loss` takes them: smoothing needs one-hot rows."""
    return np.eye(len(recipe.labels))[labels] if recipe.label_smoothing else labels


def _training_data(
    recipe: KerasRecipe, dataset: Dataset, rows: np.ndarray, clips: SpectrogramSet | None, seed: int
) -> dict[str, Any]:
    """Return what `fit` takes: the rows' features, or endless batches of augmented clips."""
    if recipe.augmentation is None or clips is None:
        x, y = training_rows(recipe, dataset, rows, seed=seed)
        return {"x": x, "y": _targets(recipe, y), "batch_size": recipe.batch_size}
    stream = batches(
        clips,
        recipe.augmentation,
        batch_size=recipe.batch_size,
        n_mfcc=recipe_features(recipe).params["n_mfcc"],
        seed=seed,
    )
    return {
        "x": prefetched((windows, _targets(recipe, labels)) for windows, labels in stream),
        "shuffle": False,
        "steps_per_epoch": recipe.steps_per_epoch,
    }


def prefetched(batches: Iterator[tuple[np.ndarray, np.ndarray]]) -> Any:
    """Return batches, alike but for their size, as `fit` takes them; made ahead."""
    import tensorflow as tf

    first = next(batches)
    dataset = tf.data.Dataset.from_generator(
        lambda: chain([first], batches),
        output_signature=tuple(tf.TensorSpec((None, *a.shape[1:]), a.dtype) for a in first),
    )
    # Keras would have it tuned while it runs. In TensorFlow 2.21 a `fit` that does not come to
    # the end of its batches then waits for the tuner, which sleeps for up to a minute.
    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.prefetch(_AHEAD).with_options(options)


def network_probabilities(model: Any, x: np.ndarray) -> np.ndarray:
    """Return what a network says of features: (batch, *shape) to (batch, labels)."""
    import keras

    batches = np.array_split(x, range(_BATCH, len(x), _BATCH))
    return np.concatenate(
        [keras.ops.convert_to_numpy(model(batch, training=False)) for batch in batches]
    )
