"""Statistics of several seeds, and which of them have a spread over speakers."""

import warnings
from collections.abc import Callable, Sequence

import numpy as np


def mean_over_seeds(
    statistics: Callable[[np.ndarray], Sequence[float]], seeds: np.ndarray
) -> Callable[[np.ndarray], Sequence[float]]:
    """Return a function of row numbers: statistics of each seed's rows, then their means.

    A calibration error of the answers of several models together is not that of a model.

    Args:
        statistics: of row numbers.
        seeds: of each row, shape (rows,).
    """
    names = np.unique(seeds)
    if len(names) == 1:
        return statistics

    def means(rows: np.ndarray) -> Sequence[float]:
        by_seed = [statistics(rows[seeds[rows] == name]) for name in names]
        return nanmean(np.array(by_seed)).tolist()

    return means


def of_two_speakers(kinds: np.ndarray, speakers: np.ndarray) -> np.ndarray:
    """Return the kinds of which there are two speakers, else "": one has no spread."""
    n_speakers = {kind: len(set(speakers[kinds == kind])) for kind in set(kinds.tolist())}
    return np.array([kind if n_speakers[kind] > 1 else "" for kind in kinds.tolist()])


def nanmean(values: np.ndarray) -> np.ndarray:
    """Return the means over the first axis of the values that are not NaN; NaN where all are."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return np.nanmean(values, axis=0)
