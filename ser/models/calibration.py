"""Calibration: confidences that say how often the model is correct, and an uncertainty threshold.

Temperature scaling: Guo et al. 2017, "On calibration of modern neural networks", arXiv
1706.04599. Threshold: Chow 1970, "On optimum recognition error and reject tradeoff", IEEE
Transactions on Information Theory 16(1).
"""

import numpy as np

_MIN_PROBABILITY = 1e-30  # the logarithm of 0 is infinite
_SURE_ACCURACY = 0.6  # of the answers from the threshold upwards, in every group
_SURE_ANSWERS = 20  # fewer of a group say little about their accuracy


def apply_temperature(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Return the probabilities after a division of the logits by `temperature`.

    Args:
        probabilities: shape (n, labels).

    Returns:
        shape (n, labels), float64; rows sum to 1.
    """
    logits = np.log(np.maximum(probabilities.astype(np.float64), _MIN_PROBABILITY)) / temperature
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def fit_temperature(
    probabilities: np.ndarray, truth: np.ndarray, *, weights: np.ndarray | None = None
) -> float:
    """Return the temperature that makes the true labels most likely.

    Args:
        probabilities: of held-out clips, shape (n, labels).
        truth: label indices, shape (n,), int.
        weights: of the clips, shape (n,); None weighs all the same.
    """
    from scipy.optimize import minimize_scalar

    rows = np.arange(len(truth))

    def loss(log_temperature: float) -> float:
        likely = apply_temperature(probabilities, np.exp(log_temperature))[rows, truth]
        return float(-np.average(np.log(np.maximum(likely, _MIN_PROBABILITY)), weights=weights))

    fit = minimize_scalar(loss, bounds=(np.log(0.2), np.log(20)), method="bounded")
    return round(float(np.exp(fit.x)), 4)


def fit_threshold(confidence: np.ndarray, correct: np.ndarray) -> float:
    """Return the confidence below which predictions are wrong more often than correct.

    The balance of a threshold is the number of correct predictions from it upwards, minus the
    number of wrong ones. The threshold with the highest balance is returned.

    Args:
        confidence: of predictions for held-out clips, shape (n,), 0 to 1.
        correct: whether each is correct, shape (n,), bool.

    Returns:
        0 where no threshold has a higher balance than keeping all predictions.
    """
    order = np.argsort(-confidence, kind="stable")
    balance = np.cumsum(np.where(correct[order], 1, -1))
    # Of equal balances, the one that keeps the most predictions.
    best = len(balance) - 1 - int(balance[::-1].argmax())
    return 0.0 if best == len(balance) - 1 else round(float(confidence[order][best]), 4)


def fit_group_threshold(confidence: np.ndarray, correct: np.ndarray, groups: np.ndarray) -> float:
    """Return the lowest confidence from which on the predictions of every group can be trusted.

    Of the predictions with this or any higher confidence, at least `_SURE_ACCURACY` are correct in
    each group that has `_SURE_ANSWERS` of them or more, and in all groups together.

    Args:
        confidence: of predictions for held-out clips, shape (n,), 0 to 1.
        correct: whether each is correct, shape (n,), bool.
        groups: of each, such as its corpus, shape (n,).

    Returns:
        1 where there is no such confidence, in steps of a hundredth.
    """
    masks = [np.full(len(groups), True), *(groups == name for name in np.unique(groups))]
    for percent in range(100, -1, -1):
        sure = confidence >= percent / 100
        of_groups = [correct[mask & sure] for mask in masks]
        if any(len(own) >= _SURE_ANSWERS and own.mean() < _SURE_ACCURACY for own in of_groups):
            return min(1.0, (percent + 1) / 100)
    return 0.0
