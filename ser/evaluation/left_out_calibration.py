"""Calibration for strangers: on the answers for corpora that were left out of the training.

The speakers of a corpus are recorded alike, so that validation speakers of the training corpora
make a model look surer than it may be of anybody else. Each left-out corpus is calibrated on the
answers for the *other* left-out corpora; the model that is shipped, on those for all of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ser.evaluation.split_result import SplitResult
from ser.models.calibration import apply_temperature, fit_group_threshold, fit_temperature


@dataclass(frozen=True)
class Calibrated:
    """Results by corpus, calibrated on other corpora.

    Attributes:
        results: as they were given, with other temperatures and thresholds.
        temperature, uncertain_below: fitted on all corpora, for a model of all of them.
    """

    results: tuple[SplitResult, ...]
    temperature: float
    uncertain_below: float


def calibrate_on_others(results: Sequence[SplitResult]) -> Calibrated:
    """Calibrate the results for each corpus on those for the others.

    Args:
        results: the split is named after its test corpus; of two corpora or more.
    """
    corpora = list(dict.fromkeys(result.split for result in results))
    fitted = {
        corpus: _fit([result for result in results if result.split != corpus]) for corpus in corpora
    }
    temperature, uncertain_below = _fit(results)
    return Calibrated(
        tuple(_calibrated(result, *fitted[result.split]) for result in results),
        temperature,
        uncertain_below,
    )


def _fit(results: Sequence[SplitResult]) -> tuple[float, float]:
    """Return the temperature and the threshold; each corpus counts the same."""
    raw = np.concatenate([_raw(r.probabilities, r) for r in results])
    truth = np.concatenate([r.truth for r in results])
    names = np.array([r.split for r in results for _ in r.truth])
    counts = dict(zip(*np.unique(names, return_counts=True), strict=True))
    weights = np.array([1 / counts[name] for name in names])
    temperature = fit_temperature(raw, truth, weights=weights)
    probabilities = apply_temperature(raw, temperature)
    correct = probabilities.argmax(axis=1) == truth
    return temperature, fit_group_threshold(probabilities.max(axis=1), correct, names)


def _raw(probabilities: np.ndarray, result: SplitResult) -> np.ndarray:
    """Return probabilities before the calibration on the validation speakers."""
    return apply_temperature(probabilities, 1 / result.temperature)


def _calibrated(result: SplitResult, temperature: float, uncertain_below: float) -> SplitResult:
    def again(probabilities: np.ndarray) -> np.ndarray:
        return apply_temperature(_raw(probabilities, result), temperature)

    return replace(
        result,
        probabilities=again(result.probabilities),
        referenced=None if result.referenced is None else again(result.referenced),
        corrupted={name: again(array) for name, array in result.corrupted.items()},
        corrupted_referenced={
            name: again(array) for name, array in result.corrupted_referenced.items()
        },
        temperature=temperature,
        uncertain_below=uncertain_below,
    )
