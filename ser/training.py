"""Training a recipe on a split of a dataset."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from ser import checkpoints
from ser.augment import TrainingClips, batches
from ser.bundle import Bundle, Metadata, make_probe, write_metadata
from ser.calibration import fit_temperature, fit_threshold, soften
from ser.corpora import CORPORA
from ser.dataset import Dataset, training_clips
from ser.features import FEATURE_SETS, FeatureSet
from ser.predictor import Predictor
from ser.recipes import Recipe
from ser.registry import lookup

TRAINING_BACKEND = "tensorflow"
_BATCH = 256
_VERSIONED = ("keras", "tensorflow", "librosa", "numpy", "soxr")


@dataclass(frozen=True)
class Trained:
    """A trained model.

    Attributes:
        model: Keras, with the weights of `best_epoch`.
        history: of each quantity, its value after each epoch; of the first member.
        best_epoch: counted from 1; the best by the recipe's `monitor` on validation rows.
        temperature: fitted on the validation rows; 1 where there are none.
        uncertain_below: likewise; 0 where there are none.
    """

    recipe: Recipe
    model: Any
    history: dict[str, list[float]]
    best_epoch: int
    temperature: float = 1.0
    uncertain_below: float = 0.0

    def probabilities(self, x: np.ndarray) -> np.ndarray:
        """Return the calibrated probabilities of features: (batch, *shape) to (batch, labels)."""
        return soften(self.raw_probabilities(x), self.temperature)

    def predictor(self) -> Predictor:
        """Return what answers whole clips with this model, without a file of it."""
        features = recipe_features(self.recipe)
        metadata = Metadata(
            name=self.recipe.name,
            labels=self.recipe.labels,
            features=features.to_metadata(),
            temperature=self.temperature,
            uncertain_below=self.uncertain_below,
        )
        return Predictor(Bundle(Path(), metadata, "", {}, features), self.raw_probabilities)

    def raw_probabilities(self, x: np.ndarray) -> np.ndarray:
        """Return what the network itself says, before the temperature."""
        import keras

        batches = np.array_split(x, range(_BATCH, len(x), _BATCH))
        return np.concatenate(
            [keras.ops.convert_to_numpy(self.model(batch, training=False)) for batch in batches]
        )


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
    checkpoint_folder: Path | None = None,
) -> Trained:
    """Train a recipe; keep the epoch that is best on the validation rows.

    Args:
        train_rows, validation_rows: row numbers of the dataset, without one in common.
        epochs: instead of the recipe's number.
        callbacks: further Keras callbacks, such as a progress bar.
        checkpoint_folder: keeps checkpoints, so that the same call goes on after a kill; the
            result is the same as without the kill, not as without checkpoints.
    """
    os.environ.setdefault("KERAS_BACKEND", TRAINING_BACKEND)
    # Batches this small are twice as slow on two threads; use processes for more cores.
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")

    clips = None
    if recipe.augmentation:  # read once for all members: they are hundreds of megabytes
        features = recipe_features(recipe)
        everything = training_clips(dataset, features, recipe.augmentation, recipe.labels)
        clips = everything.only(train_rows)
    members = [
        _fit(
            recipe,
            dataset,
            train_rows,
            validation_rows,
            clips,
            seed * recipe.members + n,
            epochs,
            callbacks,
            checkpoint_folder,
        )
        for n in range(recipe.members)
    ]
    model, history, best_epoch = members[0]
    if len(members) > 1:
        model = _mean_of([member for member, _, _ in members])
    trained = Trained(recipe, model, history, best_epoch)
    if not len(validation_rows):
        return trained
    raw = trained.raw_probabilities(dataset.features[validation_rows])
    truth = dataset.label_indices(recipe.labels)[validation_rows]
    temperature = fit_temperature(raw, truth)
    probabilities = soften(raw, temperature)
    right = probabilities.argmax(axis=1) == truth
    return replace(
        trained,
        temperature=temperature,
        uncertain_below=fit_threshold(probabilities.max(axis=1), right),
    )


def _fit(
    recipe: Recipe,
    dataset: Dataset,
    train_rows: np.ndarray,
    validation_rows: np.ndarray,
    clips: TrainingClips | None,
    seed: int,
    epochs: int | None,
    callbacks: Sequence[Any],
    folder: Path | None,
) -> tuple[Any, dict[str, list[float]], int]:
    """Train one network; return it, its history, and the epoch whose weights it has."""
    import keras

    keras.utils.set_random_seed(seed)
    model = recipe.build(recipe_features(recipe).shape, len(recipe.labels))
    optimizer = keras.optimizers.get(recipe.optimizer)
    if optimizer.weight_decay:
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    model.compile(
        optimizer=optimizer,
        loss=_loss(recipe),
        metrics=["accuracy"],
        jit_compile=False,  # XLA on a CPU: minutes to compile, and no faster for it
        # Small models: going back to Python after every batch would take most of the time.
        steps_per_execution=recipe.steps_per_epoch or max(1, len(train_rows) // recipe.batch_size),
    )
    n_epochs = epochs or recipe.epochs
    keep_best = keras.callbacks.EarlyStopping(
        monitor=recipe.monitor or "loss",
        mode="max" if "accuracy" in (recipe.monitor or "") else "min",
        patience=n_epochs,
        restore_best_weights=recipe.monitor is not None,
    )
    x, y = dataset.features, dataset.label_indices(recipe.labels)
    held_out = None
    if len(validation_rows):
        held_out = (x[validation_rows], _targets(recipe, y[validation_rows]))
    history = checkpoints.fit(
        model,
        lambda leg_seed: {
            **_training_data(recipe, dataset, train_rows, clips, leg_seed),
            "validation_data": held_out,
            "validation_batch_size": 64,
        },
        epochs=n_epochs,
        seed=seed,
        callbacks=[keep_best, *callbacks],
        folder=folder,
        identity=[repr(recipe), dataset.digest(), train_rows.tolist()],
    )
    return model, history, keep_best.best_epoch + 1 if recipe.monitor else n_epochs


def _mean_of(members: Sequence[Any]) -> Any:
    """Return one model that gives the mean of the members' probabilities."""
    import keras

    inputs = keras.Input(members[0].input_shape[1:])
    for number, member in enumerate(members, start=1):
        member.name = f"member_{number}"
    return keras.Model(inputs, keras.layers.Average()([member(inputs) for member in members]))


def _loss(recipe: Recipe) -> Any:
    import keras

    if recipe.label_smoothing:
        return keras.losses.CategoricalCrossentropy(label_smoothing=recipe.label_smoothing)
    return keras.losses.SparseCategoricalCrossentropy()


def _targets(recipe: Recipe, labels: np.ndarray) -> np.ndarray:
    """Return label indices, shape (n,), as `_loss` takes them: smoothing needs one-hot rows."""
    return np.eye(len(recipe.labels))[labels] if recipe.label_smoothing else labels


def _training_data(
    recipe: Recipe, dataset: Dataset, rows: np.ndarray, clips: TrainingClips | None, seed: int
) -> dict[str, Any]:
    """Return what `fit` takes: the rows' features, or endless batches of augmented clips."""
    if recipe.augmentation is None or clips is None:
        y = _targets(recipe, dataset.label_indices(recipe.labels)[rows])
        return {"x": dataset.features[rows], "y": y, "batch_size": recipe.batch_size}
    stream = batches(
        clips,
        recipe.augmentation,
        batch_size=recipe.batch_size,
        n_mfcc=recipe_features(recipe).params["n_mfcc"],
        seed=seed,
    )
    return {
        "x": ((windows, _targets(recipe, labels)) for windows, labels in stream),
        "shuffle": False,
        "steps_per_epoch": recipe.steps_per_epoch,
    }


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
        temperature=trained.temperature,
        uncertain_below=trained.uncertain_below,
        recipe=trained.recipe.name,
        summary=trained.recipe.summary,
        corpora=corpora,
        split=split,
        versions={package: version(package) for package in _VERSIONED},
        licence="; ".join(licences),
        probe=make_probe(first, trained.raw_probabilities(first)),
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.stem}.partial.h5")
    # Without the optimizer: it would triple the file, and serving has no use for it.
    trained.model.save(partial, include_optimizer=False)
    write_metadata(partial, metadata)
    partial.replace(path)
