"""How good predictions are."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Scores:
    """What a set of predictions is worth.

    Attributes:
        uar: unweighted average recall, the mean recall of the classes that occur; 0 to 1.
        accuracy: share of right answers, 0 to 1.
        recall: of each class, by label; NaN where a class does not occur.
        confusion: shape (labels, labels), int; rows are the truth.
        n: number of predictions.
    """

    labels: tuple[str, ...]
    uar: float
    accuracy: float
    recall: dict[str, float]
    confusion: np.ndarray
    n: int


def score(truth: np.ndarray, predicted: np.ndarray, labels: Sequence[str]) -> Scores:
    """Compare label indices: `truth` and `predicted` of shape (n,), int."""
    confusion = np.zeros((len(labels), len(labels)), dtype=int)
    np.add.at(confusion, (truth, predicted), 1)
    totals = confusion.sum(axis=1)
    with np.errstate(invalid="ignore"):
        recall = confusion.diagonal() / totals
    return Scores(
        labels=tuple(labels),
        uar=float(np.nanmean(recall)),
        accuracy=float(confusion.trace() / confusion.sum()),
        recall=dict(zip(labels, recall.tolist(), strict=True)),
        confusion=confusion,
        n=int(confusion.sum()),
    )
