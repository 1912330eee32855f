"""Calibration: the temperature and the threshold."""

import numpy as np
import pytest

from ser.metrics import score
from ser.models.calibration import apply_temperature, fit_temperature, fit_threshold


def predictions(n=5000, scale=1.0):
    """Return probabilities that are `scale` times too sharp, and the true labels."""
    rng = np.random.default_rng(0)
    values = 2 * rng.standard_normal((n, 8))
    exact = np.exp(values) / np.exp(values).sum(axis=1, keepdims=True)
    truth = np.array([rng.choice(8, p=p) for p in exact])
    sharp = np.exp(scale * values)
    return sharp / sharp.sum(axis=1, keepdims=True), truth


@pytest.mark.parametrize("scale", [0.5, 1.0, 3.0])
def test_the_temperature_is_found(scale):
    probabilities, truth = predictions(scale=scale)
    temperature = fit_temperature(probabilities, truth)
    assert temperature == pytest.approx(scale, rel=0.08)
    calibrated = apply_temperature(probabilities, temperature)
    assert score(truth, calibrated, tuple("abcdefgh")).ece < 0.025
    np.testing.assert_array_equal(calibrated.argmax(axis=1), probabilities.argmax(axis=1))


def test_probabilities_of_0_and_1_are_calibrated_too():
    probabilities = np.array([[1.0, 0.0], [0.0, 1.0]])
    calibrated = apply_temperature(probabilities, 2.0)
    assert np.isfinite(calibrated).all()
    np.testing.assert_allclose(calibrated.sum(axis=1), 1)
    assert 0.2 <= fit_temperature(probabilities, np.array([0, 1])) <= 20


def test_below_the_threshold_predictions_are_more_often_wrong():
    rng = np.random.default_rng(0)
    confidence = rng.uniform(size=20000)
    correct = rng.uniform(size=20000) < confidence
    assert fit_threshold(confidence, correct) == pytest.approx(0.5, abs=0.05)


def test_the_threshold_if_all_predictions_are_correct_or_wrong():
    confidence = np.array([0.9, 0.4, 0.6])
    assert fit_threshold(confidence, np.array([True, True, True])) == 0
    assert fit_threshold(confidence, np.array([False, False, False])) == 0.9
    assert fit_threshold(confidence, np.array([True, False, True])) == 0.6
