"""Measuring a recipe, or a model file, under a protocol."""

from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from typing import Any

import numpy as np

from ser.dataset import Dataset
from ser.metrics import Scores, score
from ser.predictor import Predictor
from ser.protocols import Protocol, Split
from ser.recipes import Recipe
from ser.training import train


@dataclass(frozen=True)
class SplitResult:
    """The test rows of one split, and what the model of this split said of them."""

    split: str
    truth: np.ndarray
    predicted: np.ndarray
    best_epoch: int
    history: dict[str, list[float]]


@dataclass(frozen=True)
class Evaluation:
    """A recipe under a protocol.

    Attributes:
        overall: of all test rows together.
        by_split: of each split.
    """

    recipe: Recipe
    protocol: Protocol
    seed: int
    overall: Scores
    by_split: dict[str, Scores]
    results: tuple[SplitResult, ...]

    def summary(self) -> dict[str, Any]:
        """Return the figures as plain data; what a model file carries as its scores."""
        return {
            "recipe": self.recipe.name,
            "protocol": self.protocol.name,
            "leaks": self.protocol.leaks,
            "uar": round(self.overall.uar, 4),
            "accuracy": round(self.overall.accuracy, 4),
            "n": self.overall.n,
            "seed": self.seed,
            "recall": {label: round(r, 4) for label, r in self.overall.recall.items()},
            "uar_by_split": {name: round(s.uar, 4) for name, s in self.by_split.items()},
            "published": asdict(self.recipe.published) if self.recipe.published else None,
        }


def evaluate(
    recipe: Recipe,
    dataset: Dataset,
    protocol: Protocol,
    *,
    seed: int,
    epochs: int | None = None,
    jobs: int = 1,
    callbacks: Callable[[Split], list[Any]] = lambda _: [],
    done: Callable[[SplitResult], None] = lambda _: None,
) -> Evaluation:
    """Train a recipe on each split of a protocol, and test it on what was held out.

    Args:
        jobs: number of splits trained side by side, each in a process of its own;
            `callbacks` are for one job only.
        callbacks: Keras callbacks for the training of a split, such as a progress bar.
        done: called with the result of each split as it ends.
    """
    splits = protocol.splits(dataset.utterances, seed)
    results = []
    if jobs == 1 or len(splits) == 1:
        for split in splits:
            results.append(_run_split(recipe, dataset, split, seed, epochs, callbacks(split)))
            done(results[-1])
    else:
        # Spawned, not forked: TensorFlow does not survive a fork.
        with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
            futures = [
                pool.submit(_run_split, recipe, dataset, split, seed, epochs) for split in splits
            ]
            for future in as_completed(futures):
                done(future.result())
            results = [future.result() for future in futures]
    return Evaluation(
        recipe=recipe,
        protocol=protocol,
        seed=seed,
        overall=_score(results, recipe.labels),
        by_split={r.split: _score([r], recipe.labels) for r in results},
        results=tuple(results),
    )


def evaluate_model(predictor: Predictor, dataset: Dataset) -> Scores:
    """Score a finished model on a dataset it was not trained on.

    The caller vouches for that: a model file does not say which clips it has seen.
    """
    labels = predictor.bundle.metadata.labels
    predicted = predictor.probabilities(dataset.features).argmax(axis=1)
    return score(dataset.label_indices(labels), predicted, labels)


def _run_split(
    recipe: Recipe,
    dataset: Dataset,
    split: Split,
    seed: int,
    epochs: int | None,
    callbacks: Iterable[Any] = (),
) -> SplitResult:
    trained = train(
        recipe,
        dataset,
        split.train,
        split.validation,
        seed=seed,
        epochs=epochs,
        callbacks=list(callbacks),
    )
    return SplitResult(
        split=split.name,
        truth=dataset.label_indices(recipe.labels)[split.test],
        predicted=trained.probabilities(dataset.features[split.test]).argmax(axis=1),
        best_epoch=trained.best_epoch,
        history=trained.history,
    )


def _score(results: Iterable[SplitResult], labels: tuple[str, ...]) -> Scores:
    results = list(results)
    return score(
        np.concatenate([r.truth for r in results]),
        np.concatenate([r.predicted for r in results]),
        labels,
    )
