"""Temperature scaling: confidences that mean how often the model is right.

Guo et al. 2017, "On calibration of modern neural networks", arXiv 1706.04599.
"""

import numpy as np

_TINY = 1e-30


def soften(probabilities: np.ndarray, temperature: float) -> np.ndarray:
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
        likely = soften(probabilities, np.exp(log_temperature))[rows, truth]
        return float(-np.log(np.maximum(likely, _TINY)).mean())

    found = minimize_scalar(loss, bounds=(np.log(0.2), np.log(20)), method="bounded")
    return round(float(np.exp(found.x)), 4)
