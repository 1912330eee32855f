"""Metrics of predictions, and their confidence intervals.

Not scikit-learn's: those take ten times as long, and a bootstrap computes them thousands of times.
It also has no calibration error and no bootstrap over speakers. Tests compare the two.
"""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas

ECE_BINS = 15
BOOTSTRAP_SAMPLES = 1000


@dataclass(frozen=True)
class Scores:
    """The metrics of a set of predictions.

    Attributes:
        uar: unweighted average recall, the mean recall of the classes that occur; 0 to 1.
        accuracy: fraction of correct predictions, 0 to 1.
        macro_f1: mean F1 of the classes that occur, 0 to 1.
        ece: expected calibration error of the confidences, in `ECE_BINS` bins, 0 to 1.
        recall: by label; NaN for a class that does not occur.
        precision: by label; NaN for a class that is never predicted.
        confusion: shape (labels, labels), int; rows are the true classes.
        n: number of predictions.
    """

    labels: tuple[str, ...]
    uar: float
    accuracy: float
    macro_f1: float
    ece: float
    recall: dict[str, float]
    precision: dict[str, float]
    confusion: np.ndarray
    n: int

    def confusion_percent(self) -> np.ndarray:
        """Return the confusion matrix in percent of each row; 0 where no clip is of the class."""
        return 100 * self.confusion / np.maximum(self.confusion.sum(axis=1, keepdims=True), 1)

    def named_confusion(self, matrix: np.ndarray) -> "pandas.DataFrame":
        """Return a matrix of the shape of `confusion` as a table with the names of the labels."""
        import pandas

        return pandas.DataFrame(
            matrix,
            index=[f"true_{label}" for label in self.labels],
            columns=[f"predicted_{label}" for label in self.labels],
        )


def score(truth: np.ndarray, probabilities: np.ndarray, labels: Sequence[str]) -> Scores:
    """Return the metrics of predictions.

    Args:
        truth: label indices, shape (n,), int.
        probabilities: shape (n, labels); rows sum to 1.
    """
    predicted = probabilities.argmax(axis=1)
    confusion = np.zeros((len(labels), len(labels)), dtype=int)
    np.add.at(confusion, (truth, predicted), 1)
    n_correct = confusion.diagonal()
    n_true, n_predicted = confusion.sum(axis=1), confusion.sum(axis=0)
    with np.errstate(invalid="ignore"):
        recall, precision = n_correct / n_true, n_correct / n_predicted
        f1 = 2 * n_correct / (n_true + n_predicted)
    return Scores(
        labels=tuple(labels),
        uar=uar(truth, predicted),
        accuracy=float(n_correct.sum() / len(truth)),
        macro_f1=float(f1[n_true > 0].mean()),
        ece=calibration_error(probabilities.max(axis=1), predicted == truth),
        recall=dict(zip(labels, recall.tolist(), strict=True)),
        precision=dict(zip(labels, precision.tolist(), strict=True)),
        confusion=confusion,
        n=len(truth),
    )


def uar(truth: np.ndarray, predicted: np.ndarray) -> float:
    """Return the unweighted average recall of label indices, both of shape (n,)."""
    return mean_recall(truth, predicted == truth)


def mean_recall(classes: np.ndarray, correct: np.ndarray) -> float:
    """Return the mean over classes of the mean of `correct`; NaN if there are no rows.

    Args:
        classes: indices, shape (n,), int.
        correct: of each row: a bool, or a fraction of 0 to 1.
    """
    counts, totals = np.bincount(classes), np.bincount(classes, weights=correct)
    occurs = counts > 0
    return float((totals[occurs] / counts[occurs]).mean()) if occurs.any() else float("nan")


def calibration_error(confidence: np.ndarray, correct: np.ndarray) -> float:
    """Return the expected calibration error (Guo et al. 2017, arXiv 1706.04599).

    Args:
        confidence: of each prediction, shape (n,), 0 to 1.
        correct: whether each is correct, shape (n,), bool.
    """
    bins = np.minimum((confidence * ECE_BINS).astype(int), ECE_BINS - 1)
    counts = np.bincount(bins, minlength=ECE_BINS)
    gap = np.abs(
        np.bincount(bins, weights=confidence, minlength=ECE_BINS)
        - np.bincount(bins, weights=correct.astype(float), minlength=ECE_BINS)
    )
    return float(gap.sum() / counts.sum())


def speaker_intervals(
    statistics: Callable[[np.ndarray], Sequence[float]], speakers: Sequence[str], *, seed: int = 0
) -> np.ndarray:
    """Return the 95 % confidence intervals of statistics, by bootstrap over speakers.

    Args:
        statistics, speakers, seed: as `speaker_samples` takes them.

    Returns:
        shape (statistics, 2): lower and upper limit.
    """
    return percentile_intervals(speaker_samples(statistics, speakers, seed=seed))


def speaker_samples(
    statistics: Callable[[np.ndarray], Sequence[float]], speakers: Sequence[str], *, seed: int = 0
) -> np.ndarray:
    """Return statistics of bootstrap samples over speakers.

    The clips of a speaker are similar, so speakers are drawn, each with all clips.

    Args:
        statistics: takes row numbers, some of them several times; returns each statistic of these
            rows, NaN for one that they do not have.
        speakers: of each row.

    Returns:
        shape (BOOTSTRAP_SAMPLES, statistics).
    """
    names = np.asarray(speakers)
    rows_of = [np.flatnonzero(names == name) for name in sorted(set(speakers))]
    rng = np.random.default_rng(seed)
    return np.array(
        [
            statistics(
                np.concatenate([rows_of[i] for i in rng.integers(len(rows_of), size=len(rows_of))])
            )
            for _ in range(BOOTSTRAP_SAMPLES)
        ]
    )


def percentile_intervals(samples: np.ndarray) -> np.ndarray:
    """Return the 95 % intervals of bootstrap samples, (samples, statistics) to (statistics, 2)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a statistic that is NaN in every draw
        return np.nanpercentile(samples, [2.5, 97.5], axis=0).T


def rounded(value: float | np.floating[Any]) -> float | None:
    """Round to four decimals; NaN becomes None, because JSON has no NaN."""
    return None if np.isnan(value) else round(float(value), 4)
