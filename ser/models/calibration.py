"""Confidences that mean how often the model is right, and when it had better say so.

Temperature scaling: Guo et al. 2017, "On calibration of modern neural networks", arXiv
1706.04599. A threshold to answer from: Chow 1970, "On optimum recognition error and reject
tradeoff", IEEE Transactions on Information Theory 16(1).
"""

import numpy as np

_TINY = 1e-30


def apply_temperature(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Divide the logits by `temperature`.

    Args:
        probabilities: shape (n, labels).

    Returns:
        the same shape, float64; rows sum to 1.
    """
    logits = np.log(np.maximum(probabilities.astype(np.float64), _TINY)) / temperature
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def fit_temperature(probabilities: np.ndarray, truth: np.ndarray) -> float:
    """Return the temperature under which `truth` is most likely.

    Args:
        probabilities: shape (n, labels), of clips that the model was not trained on.
        truth: label indices, shape (n,).
    """
    from scipy.optimize import minimize_scalar

    rows = np.arange(len(truth))

    def loss(log_temperature: float) -> float:
        likely = apply_temperature(probabilities, np.exp(log_temperature))[rows, truth]
        return float(-np.log(np.maximum(likely, _TINY)).mean())

    found = minimize_scalar(loss, bounds=(np.log(0.2), np.log(20)), method="bounded")
    return round(float(np.exp(found.x)), 4)


def fit_threshold(confidence: np.ndarray, right: np.ndarray) -> float:
    """Return the confidence below which answers are wrong more often than right.

    A right answer counts for as much as a wrong one counts against: the threshold is where
    the answers from there on have the best balance, so that those below it bring a loss.

    Args:
        confidence: of each answer, shape (n,), 0 to 1; of clips that were not trained on.
        right: whether it was right, shape (n,), bool.

    Returns:
        0 where even the least confident answers do not bring a loss.
    """
    order = np.argsort(-confidence, kind="stable")
    balance = np.cumsum(np.where(right[order], 1, -1))
    # Of equal balances the one that keeps the most answers.
    best = len(balance) - 1 - int(balance[::-1].argmax())
    return 0.0 if best == len(balance) - 1 else round(float(confidence[order][best]), 4)
