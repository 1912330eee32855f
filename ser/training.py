"""Training a recipe on a split of a dataset."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from ser.bundle import Metadata, make_probe, write_metadata
from ser.corpora import CORPORA
from ser.dataset import Dataset
from ser.features import FEATURE_SETS, FeatureSet
from ser.recipes import Recipe
from ser.registry import lookup

TRAINING_BACKEND = "tensorflow"
_VERSIONED = ("keras", "tensorflow", "librosa", "numpy", "soxr")


@dataclass(frozen=True)
class Trained:
    """A trained model.

    Attributes:
        model: Keras, with the weights of `best_epoch`.
        history: of each quantity, its value after each epoch.
        best_epoch: counted from 1; the best by the recipe's `monitor` on validation rows.
    """

    recipe: Recipe
    model: Any
    history: dict[str, list[float]]
    best_epoch: int

    def probabilities(self, x: np.ndarray) -> np.ndarray:
        """Return the probabilities of features `x`: (batch, *shape) to (batch, labels)."""
        import keras

        return keras.ops.convert_to_numpy(self.model(x, training=False))


def recipe_features(recipe: Recipe) -> FeatureSet:
    """Return the feature set that a recipe names."""
    return lookup(FEATURE_SETS, recipe.features, "feature set")


def train(
    recipe: Recipe,
    dataset: Dataset,
    train_rows: np.ndarray,
    validation_rows: np.ndarray,
    *,
    seed: int,
    epochs: int | None = None,
    callbacks: Sequence[Any] = (),
) -> Trained:
    """Train a recipe; keep the epoch that is best on the validation rows.

    Args:
        train_rows, validation_rows: row numbers of the dataset, without one in common.
        epochs: instead of the recipe's number.
        callbacks: further Keras callbacks, such as a progress bar.
    """
    os.environ.setdefault("KERAS_BACKEND", TRAINING_BACKEND)
    # Batches this small are twice as slow on two threads; use processes for more cores.
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
    import keras

    keras.utils.set_random_seed(seed)
    x, y = dataset.features, dataset.label_indices(recipe.labels)
    model = recipe.build(x.shape[1:], len(recipe.labels))
    model.compile(
        optimizer=keras.optimizers.get(recipe.optimizer),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
        jit_compile=False,  # XLA on a CPU: minutes to compile, and no faster for it
        # Small models: going back to Python after every batch would take most of the time.
        steps_per_execution=max(1, len(train_rows) // recipe.batch_size),
    )
    keep_best = keras.callbacks.EarlyStopping(
        monitor=recipe.monitor,
        patience=recipe.epochs,
        restore_best_weights=True,
    )
    fitted = model.fit(
        x[train_rows],
        y[train_rows],
        batch_size=recipe.batch_size,
        epochs=epochs or recipe.epochs,
        validation_data=(x[validation_rows], y[validation_rows]),
        validation_batch_size=len(validation_rows),
        verbose=0,
        callbacks=[keep_best, *callbacks],
    )
    history = {key: list(map(float, values)) for key, values in fitted.history.items()}
    return Trained(recipe, model, history, best_epoch=keep_best.best_epoch + 1)


def save(trained: Trained, path: Path, dataset: Dataset, *, split: str) -> None:
    """Write the model file of a trained recipe; replaces `path` in one step.

    Args:
        dataset: what it was trained on; the counts of its corpora are stored.
        split: in words, what was held out.
    """
    first = dataset.features[:1]
    corpora = dataset.corpus_counts()
    licences = [f"{CORPORA[c].title}: {CORPORA[c].licence}" for c in corpora if c in CORPORA]
    metadata = Metadata(
        name=trained.recipe.name,
        labels=trained.recipe.labels,
        features=recipe_features(trained.recipe).to_metadata(),
        recipe=trained.recipe.name,
        summary=trained.recipe.summary,
        corpora=corpora,
        split=split,
        versions={package: version(package) for package in _VERSIONED},
        licence="; ".join(licences),
        probe=make_probe(first, trained.probabilities(first)),
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.stem}.partial.h5")
    # Without the optimizer: it would triple the file, and serving has no use for it.
    trained.model.save(partial, include_optimizer=False)
    write_metadata(partial, metadata)
    partial.replace(path)
