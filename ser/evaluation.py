"""Measuring a recipe, or a model file, under a protocol."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from typing import Any

import numpy as np

from ser.corpora import Utterance
from ser.dataset import Dataset, spoilt_features
from ser.metrics import Scores, score, speaker_interval, uar
from ser.predictor import Predictor
from ser.protocols import Protocol, Split
from ser.recipes import Recipe
from ser.training import recipe_features, train

_FIGURES = ("uar", "accuracy", "macro_f1", "ece")
_GROUPS = ("sex", "intensity")


@dataclass(frozen=True)
class SplitResult:
    """What the model of one split and seed says of the split's test rows.

    Attributes:
        tested: the utterances, with the emotions the protocol counts them as.
        probabilities: calibrated on the validation rows; shape (tested, labels).
        history: of each quantity, its value after each epoch.
        spoilt: of each recording condition, the probabilities of the test rows under it.
    """

    split: str
    seed: int
    tested: tuple[Utterance, ...]
    truth: np.ndarray
    probabilities: np.ndarray
    best_epoch: int
    temperature: float
    uncertain_below: float
    history: dict[str, list[float]]
    spoilt: dict[str, np.ndarray]


@dataclass(frozen=True)
class Evaluation:
    """A recipe under a protocol, with one or more seeds."""

    recipe: Recipe
    protocol: Protocol
    results: tuple[SplitResult, ...]

    @property
    def seeds(self) -> list[int]:
        """The seeds, in order."""
        return sorted({result.seed for result in self.results})

    def scores(self, *, seed: int | None = None, split: str | None = None) -> Scores:
        """Score the test rows of a seed, of a split, of both, or of all together."""
        _, truth, probabilities = self._pooled(
            [r for r in self.results if seed in (None, r.seed) and split in (None, r.split)]
        )
        return score(truth, probabilities, self.recipe.labels)

    def summary(self) -> dict[str, Any]:
        """Return the figures as plain data; what a model file carries as its scores.

        A figure is the mean over seeds; ``sd`` is its standard deviation over them, and
        ``interval`` the 95 % interval by bootstrap over speakers, where those are known.
        """
        by_seed = [self.scores(seed=seed) for seed in self.seeds]
        figures = {name: [getattr(scores, name) for scores in by_seed] for name in _FIGURES}
        everything = self.scores()
        splits = dict.fromkeys(result.split for result in self.results)
        return {
            "recipe": self.recipe.name,
            "protocol": self.protocol.name,
            "leaks": self.protocol.leaks,
            "seeds": self.seeds,
            "n": by_seed[0].n,
            **{name: _rounded(np.mean(values)) for name, values in figures.items()},
            "sd": {
                name: _rounded(np.std(values, ddof=1)) if len(values) > 1 else None
                for name, values in figures.items()
            },
            "interval": self._intervals(),
            "recall": {label: _rounded(r) for label, r in everything.recall.items()},
            "precision": {label: _rounded(p) for label, p in everything.precision.items()},
            "uar_by_split": {name: _rounded(self.scores(split=name).uar) for name in splits},
            **{f"uar_by_{group}": self._by_group(group) for group in _GROUPS},
            "uar_by_condition": self._by_condition(),
            "temperature": _rounded(np.median([r.temperature for r in self.results])),
            "uncertain_below": _rounded(np.median([r.uncertain_below for r in self.results])),
            "by_certainty": self._by_certainty(),
            "confusion": everything.confusion.tolist(),
            "selection": self.recipe.selection,
            "published": asdict(self.recipe.published) if self.recipe.published else None,
        }

    @staticmethod
    def _pooled(
        results: Iterable[SplitResult],
    ) -> tuple[list[Utterance], np.ndarray, np.ndarray]:
        results = list(results)
        return (
            [utterance for r in results for utterance in r.tested],
            np.concatenate([r.truth for r in results]),
            np.concatenate([r.probabilities for r in results]),
        )

    def _intervals(self) -> dict[str, list[float]] | None:
        tested, truth, probabilities = self._pooled(self.results)
        speakers = [utterance.speaker for utterance in tested]
        if not all(speakers) or len(set(speakers)) < 2:
            return None
        predicted = probabilities.argmax(axis=1)
        statistics: dict[str, Callable[[np.ndarray], float]] = {
            "uar": lambda rows: uar(truth[rows], predicted[rows]),
            "accuracy": lambda rows: float((truth[rows] == predicted[rows]).mean()),
        }
        return {
            name: [round(bound, 4) for bound in speaker_interval(statistic, speakers)]
            for name, statistic in statistics.items()
        }

    def _by_group(self, group: str) -> dict[str, float | None]:
        tested, truth, probabilities = self._pooled(self.results)
        kinds = np.array([getattr(utterance, group) for utterance in tested])
        predicted = probabilities.argmax(axis=1)
        return {
            str(kind): _rounded(uar(truth[kinds == kind], predicted[kinds == kind]))
            for kind in sorted(set(kinds) - {""})
        }

    def _by_certainty(self) -> dict[str, dict[str, float | None]]:
        """Return how often answers on either side of the threshold of their split are right."""
        sure = np.concatenate(
            [r.probabilities.max(axis=1) >= r.uncertain_below for r in self.results]
        )
        _, truth, probabilities = self._pooled(self.results)
        right = probabilities.argmax(axis=1) == truth
        return {
            name: {
                "share": _rounded(rows.mean()),
                "accuracy": _rounded(right[rows].mean()) if rows.any() else None,
            }
            for name, rows in (("certain", sure), ("uncertain", ~sure))
        }

    def _by_condition(self) -> dict[str, float | None]:
        truth = np.concatenate([r.truth for r in self.results])
        return {
            name: _rounded(
                uar(truth, np.concatenate([r.spoilt[name] for r in self.results]).argmax(axis=1))
            )
            for name in self.results[0].spoilt
        }


def evaluate(
    recipe: Recipe,
    dataset: Dataset,
    protocol: Protocol,
    *,
    seeds: Sequence[int] = (0,),
    epochs: int | None = None,
    jobs: int = 1,
    spoilt: Sequence[str] = (),
    callbacks: Callable[[Split], list[Any]] = lambda _: [],
    done: Callable[[SplitResult], None] = lambda _: None,
) -> Evaluation:
    """Train a recipe on each split of a protocol, and test it on what was held out.

    Args:
        seeds: of weights, batches and validation; each trains every split anew.
        jobs: number of trainings side by side, each in a process of its own;
            `callbacks` are for one job only.
        spoilt: names of recording conditions under which the test rows are tested again.
        callbacks: Keras callbacks for the training of a split, such as a progress bar.
        done: called with the result of each training as it ends.
    """
    tasks = [
        (recipe, dataset.merged(split.merged), split, seed, epochs, spoilt)
        for seed in seeds
        for split in protocol.splits(dataset.utterances, seed)
    ]
    results = []
    if jobs == 1 or len(tasks) == 1:
        for task in tasks:
            results.append(_run_split(*task, callbacks(task[2])))
            done(results[-1])
    else:
        # Spawned, not forked: TensorFlow does not survive a fork.
        with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
            futures = [pool.submit(_run_split, *task) for task in tasks]
            for future in as_completed(futures):
                done(future.result())
            results = [future.result() for future in futures]
    return Evaluation(recipe, protocol, tuple(results))


def evaluate_model(predictor: Predictor, dataset: Dataset) -> Scores:
    """Score a finished model on a dataset it was not trained on.

    The caller vouches for that: a model file does not say which clips it has seen.
    """
    labels = predictor.bundle.metadata.labels
    probabilities = predictor.probabilities(dataset.features)
    return score(dataset.label_indices(labels), probabilities, labels)


def _run_split(
    recipe: Recipe,
    dataset: Dataset,
    split: Split,
    seed: int,
    epochs: int | None,
    spoilt: Sequence[str],
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
        seed=seed,
        tested=tuple(dataset.utterances[i] for i in split.test),
        truth=dataset.label_indices(recipe.labels)[split.test],
        probabilities=trained.probabilities(dataset.features[split.test]),
        best_epoch=trained.best_epoch,
        temperature=trained.temperature,
        uncertain_below=trained.uncertain_below,
        history=trained.history,
        spoilt={
            name: trained.probabilities(
                spoilt_features(dataset, split.test, recipe_features(recipe), name)
            )
            for name in spoilt
        },
    )


def _rounded(value: float) -> float | None:
    """Return four decimals; None, which JSON has, for NaN, which it has not."""
    return None if np.isnan(value) else round(float(value), 4)
