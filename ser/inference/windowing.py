"""From windows to one answer: join their probabilities, find silence, give each its time."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

# A window this far below the loudest one, in dB, holds no voice. At this level
# `evaluate --long-audio` finds one voiced window in a hundred called silent.
SILENT_DB = 45.0
_MIN_PROBABILITY = 1e-12  # one window must not rule out what another one is sure of


def geometric_mean(probabilities: np.ndarray, seconds: np.ndarray) -> np.ndarray:
    """Join the answers of several windows: the geometric mean, weighted by length.

    Args:
        probabilities: shape (windows, labels).
        seconds: the length of each window, 0 for one that does not count; shape (windows,).

    Returns:
        shape (labels,); sums to 1.
    """
    if len(probabilities) == 1:
        return probabilities[0]
    logs = np.log(np.maximum(probabilities, _MIN_PROBABILITY))
    mean = np.exp(np.average(logs, axis=0, weights=seconds))
    return mean / mean.sum()


def silent_windows(
    samples: np.ndarray, windows: Sequence[tuple[int, int]], *, below_db: float = SILENT_DB
) -> list[bool]:
    """Return for each window whether it is silent, compared with the loudest one.

    Args:
        samples: shape (n,), float32.
        windows: start and stop of each, in samples.
        below_db: how far below the loudest window silence begins, in dB.
    """
    powers = np.array([power_of(samples[a:b]) for a, b in windows])
    return silent_by_power(powers, below_db=below_db)


def power_of(samples: np.ndarray) -> float:
    """Return the mean square of samples, shape (n,), float32."""
    return float(np.vdot(samples, samples)) / len(samples)


def silent_by_power(powers: np.ndarray, *, below_db: float = SILENT_DB) -> list[bool]:
    """Return for each window whether it is silent, compared with the loudest one.

    Args:
        powers: mean square of the samples of each window, shape (windows,).
        below_db: how far below the loudest window silence begins, in dB.
    """
    return (powers < silence_below(powers.max(), below_db=below_db)).tolist()


def silence_below(loudest: float, *, below_db: float = SILENT_DB) -> float:
    """Return the power below which there is silence beside a window of the power `loudest`."""
    return loudest * 10 ** (-below_db / 10)


def audible_seconds(times: Sequence[tuple[float, float]], silent: Sequence[bool]) -> np.ndarray:
    """Return how much each window counts: the seconds of its segment, 0 if it is silent.

    Args:
        times: start and end of the segment of each, in seconds.
        silent: whether it is silent, for each.
    """
    return np.array([0.0 if s else b - a for (a, b), s in zip(times, silent, strict=True)])


def segment_times(
    windows: Sequence[tuple[int, int]], rate: int, duration: float
) -> list[tuple[float, float]]:
    """Return start and end of each window's segment, in seconds.

    Windows overlap; segments do not: each instant goes to the window whose middle is nearest.
    """
    middles = [(start + stop) / 2 / rate for start, stop in windows]
    borders = [0.0, *((a + b) / 2 for a, b in pairwise(middles)), duration]
    return list(pairwise(borders))
