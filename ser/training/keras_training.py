"""Training of Keras networks: one network, or an ensemble of them."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from absl import logging

from ser.augmentation import SpectrogramSet
from ser.data.augmented_rows import spectrograms_of
from ser.data.dataset import Dataset
from ser.data.hold_out import partition_speakers
from ser.models.recipes import KerasRecipe, recipe_features
from ser.training import checkpoints
from ser.training.training_data import targets, training_data

TRAINING_BACKEND = "tensorflow"
_PREDICT_BATCH = 256  # rows


@dataclass(frozen=True)
class Network:
    """A trained network or ensemble.

    Attributes:
        model: a Keras model; for an ensemble, it gives the mean of the members.
        history: of the first member: for each metric its value after each epoch.
        best_epoch: the epoch whose weights the first member has, counted from 1.
        held_out: the parts of the validation rows, each with a model of the members that were
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
    """Train the network or the ensemble of a recipe.

    Args:
        train_rows: row numbers of the dataset; every member trains on them.
        validation_rows: row numbers of other speakers. They are partitioned: each member
            validates on one part and also trains on the other parts.
        epochs: instead of the number of the recipe.
        callbacks: further Keras callbacks.
        checkpoint_folder: as `ser.training.train.train` takes it.
    """
    use_training_backend()
    clips = spectrograms_of(recipe, dataset)  # once for all members: hundreds of megabytes
    parts = partition_speakers(dataset.utterances, validation_rows, recipe.members)
    trained = []
    for n in range(recipe.members):
        own = n % len(parts)
        others = [part for i, part in enumerate(parts) if i != own]
        if recipe.balance:
            others = [dataset.balanced(part, seed=seed) for part in others]
        member, history, best_epoch = _train_member(
            recipe,
            dataset,
            np.concatenate([train_rows, *others]),
            parts[own],
            clips,
            seed * recipe.members + n,
            epochs,
            callbacks,
            checkpoint_folder,
        )
        member.name = f"member_{n + 1}"
        trained.append((member, history, best_epoch))
    _, history, best_epoch = trained[0]
    members = [member for member, _, _ in trained]
    held_out = [(part, mean_of(members[i :: len(parts)])) for i, part in enumerate(parts)]
    return Network(mean_of(members), history, best_epoch, tuple(held_out))


def use_training_backend() -> None:
    """Let Keras, which is not imported yet, train with TensorFlow, on one thread."""
    os.environ.setdefault("KERAS_BACKEND", TRAINING_BACKEND)
    # Batches this small take twice as long on two threads; more cores serve more processes.
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
    # Keras would advise its own format, which serving does not read.
    logging.set_verbosity(logging.ERROR)


def _train_member(
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
    compile_network(recipe, model, len(train_rows), loss_of(recipe))
    if clips is not None:
        clips = clips.only(train_rows)
    n_epochs = epochs or recipe.epochs
    keep_best = keras.callbacks.EarlyStopping(
        monitor=recipe.monitor or "loss",
        mode="max" if "accuracy" in (recipe.monitor or "") else "min",
        patience=n_epochs,
        restore_best_weights=recipe.monitor is not None,
    )
    validation_data = None
    if len(validation_rows):
        validation_data = (x[validation_rows], targets(recipe, y[validation_rows]))
    plateau = [keras.callbacks.ReduceLROnPlateau(**recipe.plateau)] if recipe.plateau else []
    history = checkpoints.fit(
        model,
        lambda leg_seed: {
            **training_data(recipe, dataset, train_rows, clips, leg_seed),
            "validation_data": validation_data,
            "validation_batch_size": 64,
        },
        epochs=n_epochs,
        seed=seed,
        callbacks=[keep_best, *plateau, *callbacks],
        folder=folder,
        # Only checkpoints need it, and it takes a digest of all features.
        identity=folder and [repr(recipe), dataset.digest(), train_rows.tolist()],
    )
    return model, history, keep_best.best_epoch + 1 if recipe.monitor else n_epochs


def compile_network(recipe: KerasRecipe, model: Any, n_rows: int, loss: Any) -> None:
    """Compile a network with the optimizer of a recipe.

    Args:
        n_rows: training rows of an epoch.
        loss: a Keras loss.
    """
    import keras

    optimizer = keras.optimizers.get(recipe.optimizer)
    if optimizer.weight_decay:
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    model.compile(
        optimizer=optimizer,
        loss=loss,
        metrics=["accuracy"],
        jit_compile=False,  # XLA takes minutes to compile, and is no faster on a CPU
        # Returning to Python after every batch would take most of the time of a small model.
        steps_per_execution=recipe.steps_per_epoch or max(1, n_rows // recipe.batch_size),
    )


def scaled(model: Any, x: np.ndarray, scaling: str) -> Any:
    """Return the model with a first layer that scales each feature.

    Args:
        x: the training features, shape (n, *feature shape); the scaling is fitted to them.
        scaling: ``minmax`` scales them to 0 … 1, ``standard`` to mean 0 and deviation 1.
    """
    import keras

    low, spread = {
        "minmax": lambda: (x.min(axis=0), np.ptp(x, axis=0)),
        "standard": lambda: (x.mean(axis=0), x.std(axis=0)),
    }[scaling]()
    scale = 1 / np.where(spread > 0, spread, 1)
    inputs = keras.Input(model.input_shape[1:])
    rescaled = keras.layers.Rescaling(scale.tolist(), (-low * scale).tolist())(inputs)
    return keras.Model(inputs, model(rescaled))


def mean_of(members: Sequence[Any]) -> Any:
    """Return a model that gives the mean of the members' probabilities."""
    import keras

    if len(members) == 1:
        return members[0]
    inputs = keras.Input(members[0].input_shape[1:])
    return keras.Model(inputs, keras.layers.Average()([member(inputs) for member in members]))


def loss_of(recipe: KerasRecipe) -> Any:
    """Return the Keras loss of a recipe."""
    import keras

    if recipe.label_smoothing:
        return keras.losses.CategoricalCrossentropy(label_smoothing=recipe.label_smoothing)
    return keras.losses.SparseCategoricalCrossentropy()


def network_probabilities(model: Any, x: np.ndarray) -> np.ndarray:
    """Return the probabilities of a network: (batch, *shape) to (batch, labels), float32."""
    import keras

    batches = np.array_split(x, range(_PREDICT_BATCH, len(x), _PREDICT_BATCH))
    return np.concatenate(
        [keras.ops.convert_to_numpy(model(batch, training=False)) for batch in batches]
    )
