"""Training a recipe on a split of a dataset, and writing its model file."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from ser.corpora import CORPORA
from ser.data.augmented_rows import training_rows
from ser.data.dataset import Dataset
from ser.errors import UsageError
from ser.inference.predictor import Predictor
from ser.models import sklearn_models
from ser.models.calibration import apply_temperature, fit_temperature, fit_threshold
from ser.models.model_file import Metadata, ModelFile, make_probe, write_metadata
from ser.models.recipes import EstimatorRecipe, KerasRecipe, Recipe, recipe_features
from ser.training.keras_training import network_probabilities, train_network

_VERSIONED = ("librosa", "numpy", "soxr")
_ENGINES = {".h5": ("keras", "tensorflow"), ".skops": ("scikit-learn", "skops")}


@dataclass(frozen=True)
class Trained:
    """A trained model.

    Attributes:
        model: a Keras model with the weights of `best_epoch`, or a scikit-learn model.
        history: for each metric its value after each epoch, of the first member; empty for
            scikit-learn.
        best_epoch: counted from 1; the best on the validation rows by the recipe's `monitor`.
            0 for scikit-learn.
        temperature: fitted on the validation rows; 1 if there are none.
        uncertain_below: confidence below which a prediction is called uncertain, fitted on the
            validation rows; 0 if there are none.
        held_out: the parts of the validation rows, each with a model that was not trained on it.
    """

    recipe: Recipe
    model: Any
    history: dict[str, list[float]] = field(default_factory=dict)
    best_epoch: int = 0
    temperature: float = 1.0
    uncertain_below: float = 0.0
    held_out: tuple[tuple[np.ndarray, Any], ...] = field(default=(), repr=False)

    def held_out_models(self) -> Iterator[tuple[np.ndarray, "Trained"]]:
        """Yield the parts of the validation rows, each with a model not trained on it."""
        for rows, model in self.held_out:
            yield rows, replace(self, model=model)

    def validate(self, dataset: Dataset) -> tuple[np.ndarray, np.ndarray]:
        """Return the labels and the predictions of the validation rows.

        Args:
            dataset: the one that the model was trained on.

        Returns:
            label indices of shape (n,), and probabilities of shape (n, labels).
        """
        parts = [
            (rows, t.probabilities(dataset.features[rows])) for rows, t in self.held_out_models()
        ]
        truth = dataset.label_indices(self.recipe.labels)
        return (
            np.concatenate([truth[rows] for rows, _ in parts]),
            np.concatenate([probabilities for _, probabilities in parts]),
        )

    def probabilities(self, x: np.ndarray) -> np.ndarray:
        """Return the calibrated probabilities of features: (batch, *shape) to (batch, labels)."""
        return apply_temperature(self.raw_probabilities(x), self.temperature)

    def predictor(self) -> Predictor:
        """Return a predictor of this model for whole clips, without a model file."""
        recipe, features = self.recipe, recipe_features(self.recipe)
        metadata = Metadata(
            name=recipe.name,
            labels=recipe.labels,
            values=recipe.values if isinstance(recipe, EstimatorRecipe) else (),
            features=features.to_metadata(),
            temperature=self.temperature,
            uncertain_below=self.uncertain_below,
            recipe=recipe.name,
            summary=recipe.summary,
        )
        return Predictor(ModelFile(Path(), metadata, "", None, features), self.raw_probabilities)

    def raw_probabilities(self, x: np.ndarray) -> np.ndarray:
        """Return the probabilities before calibration: (batch, *shape) to (batch, labels)."""
        if isinstance(self.recipe, EstimatorRecipe):
            return sklearn_models.class_probabilities(
                self.model, x, n_labels=len(self.recipe.labels), values=self.recipe.values
            )
        return network_probabilities(self.model, x)


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
    """Train a recipe, and calibrate it on the validation rows.

    A network keeps the weights of the epoch that is best on the validation rows.

    Args:
        dataset: its emotions are the classes of the recipe (`Dataset.for_recipe`).
        train_rows, validation_rows: row numbers of the dataset, without a number in common.
        epochs: of a network, instead of the number of the recipe.
        callbacks: further Keras callbacks, such as a progress bar.
        checkpoint_folder: of a network, where checkpoints are kept. After a kill the same call
            resumes and has the same result as a run without the kill. A run without checkpoints
            has another result.

    Raises:
        UsageError: `epochs` is given, and the recipe is not of a network.
    """
    if recipe.balance:
        train_rows = dataset.balanced(train_rows, seed=seed)
    if isinstance(recipe, KerasRecipe):
        network = train_network(
            recipe,
            dataset,
            train_rows,
            validation_rows,
            seed=seed,
            epochs=epochs,
            callbacks=callbacks,
            checkpoint_folder=checkpoint_folder,
        )
        trained = Trained(
            recipe,
            network.model,
            network.history,
            network.best_epoch,
            held_out=network.held_out,
        )
    elif epochs is not None:
        raise UsageError(f"recipe {recipe.name!r} is no network: it has no epochs to set")
    else:
        model = _fit_estimator(recipe, dataset, train_rows, seed)
        trained = Trained(recipe, model, held_out=((validation_rows, model),))
    if not len(validation_rows):
        return trained
    return calibrated(trained, *trained.validate(dataset))  # the temperature is still 1


def calibrated(trained: Trained, truth: np.ndarray, raw: np.ndarray) -> Trained:
    """Return the model with temperature and threshold fitted on held-out rows.

    Args:
        truth: label indices, shape (n,).
        raw: probabilities before calibration, shape (n, labels).
    """
    temperature = fit_temperature(raw, truth)
    probabilities = apply_temperature(raw, temperature)
    correct = probabilities.argmax(axis=1) == truth
    threshold = fit_threshold(probabilities.max(axis=1), correct)
    return replace(trained, temperature=temperature, uncertain_below=threshold)


def refit(trained: Trained, dataset: Dataset, *, seed: int) -> Trained:
    """Fit a scikit-learn recipe on all rows; keep the calibration of an earlier fit.

    Args:
        trained: the earlier fit, which held validation rows out. Its temperature and threshold
            are kept, because no row is left to fit new ones on.
    """
    all_rows, no_rows = np.arange(len(dataset.utterances)), np.array([], dtype=int)
    return replace(
        train(trained.recipe, dataset, all_rows, no_rows, seed=seed),
        temperature=trained.temperature,
        uncertain_below=trained.uncertain_below,
    )


def _fit_estimator(recipe: EstimatorRecipe, dataset: Dataset, rows: np.ndarray, seed: int) -> Any:
    model = sklearn_models.make_estimator(
        recipe.estimator, recipe.params, scaling=recipe.scaling, seed=seed
    )
    x, y = training_rows(recipe, dataset, rows, seed=seed)
    targets = np.asarray(recipe.values)[y] if recipe.values else y
    return model.fit(sklearn_models.flat(x), targets)


def save(trained: Trained, path: Path, dataset: Dataset, *, split: str) -> None:
    """Write the model file of a trained recipe; it replaces `path` in one step.

    Args:
        dataset: the training data; the file stores how many clips it has of each corpus.
        split: what was held out, in words.
    """
    recipe, first = trained.recipe, dataset.features[:1]
    corpora = dataset.corpus_counts()
    licences = [f"{CORPORA[c].title}: {CORPORA[c].licence}" for c in corpora if c in CORPORA]
    metadata = replace(
        trained.predictor().model_file.metadata,
        corpora=corpora,
        split=split,
        versions={p: version(p) for p in (*_ENGINES[recipe.suffix], *_VERSIONED)},
        licence="; ".join(licences),
        probe=make_probe(first, trained.raw_probabilities(first)),
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.stem}.partial{recipe.suffix}")
    if isinstance(recipe, EstimatorRecipe):
        sklearn_models.dump(trained.model, partial)
    else:
        # The optimizer would triple the size of the file, and serving does not need it.
        trained.model.save(partial, include_optimizer=False)
    write_metadata(partial, metadata)
    partial.replace(path)
