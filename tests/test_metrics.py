"""Metrics: against values computed by hand, and against scikit-learn."""

import numpy as np
import pytest
from sklearn import metrics as reference

from ser.metrics import calibration_error, score, speaker_intervals, uar


def one_hot(predicted, n=3):
    return np.eye(n)[predicted]


def test_score_by_hand():
    scores = score(np.array([0, 0, 0, 1]), one_hot([0, 0, 1, 1]), ("a", "b", "c"))
    assert scores.confusion.tolist() == [[2, 1, 0], [0, 1, 0], [0, 0, 0]]
    assert scores.accuracy == 0.75
    assert scores.uar == pytest.approx((2 / 3 + 1) / 2)
    assert scores.macro_f1 == pytest.approx((4 / 5 + 2 / 3) / 2)
    assert scores.precision["b"] == 0.5
    assert np.isnan(scores.recall["c"])
    assert np.isnan(scores.precision["c"])
    assert scores.ece == pytest.approx(0.25)  # confidence 1, correct three times of four
    assert scores.n == 4


def test_score_against_scikit_learn():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 5, 300)
    probabilities = rng.dirichlet(np.ones(5), 300) + 0.3 * np.eye(5)[truth]
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    predicted = probabilities.argmax(axis=1)
    scores = score(truth, probabilities, tuple("abcde"))
    expected = reference.balanced_accuracy_score(truth, predicted)
    assert scores.uar == pytest.approx(expected)
    assert uar(truth, predicted) == pytest.approx(expected)
    assert scores.macro_f1 == pytest.approx(reference.f1_score(truth, predicted, average="macro"))
    np.testing.assert_array_equal(scores.confusion, reference.confusion_matrix(truth, predicted))


def test_calibration_error_by_hand():
    # Bins of 1/15: two predictions of 0.70, one correct; one of 0.95, wrong.
    error = calibration_error(np.array([0.7, 0.7, 0.95]), np.array([True, False, False]))
    assert error == pytest.approx((2 * 0.2 + 0.95) / 3)
    assert calibration_error(np.array([1.0]), np.array([True])) == 0


def test_calibrated_confidences_have_a_small_error():
    rng = np.random.default_rng(0)
    confidence = rng.uniform(0.2, 1, 50_000)
    assert calibration_error(confidence, rng.random(50_000) < confidence) < 0.01


def test_the_interval_is_over_speakers_not_clips():
    """Four speakers, each always correct or always wrong: more clips do not narrow the interval."""
    correct = np.array([1.0, 1.0, 1.0, 0.0])
    few = speaker_intervals(lambda rows: [correct[rows].mean()], list("abcd"))
    many = np.repeat(correct, 100)
    speakers = list(np.repeat(list("abcd"), 100))
    np.testing.assert_array_equal(
        speaker_intervals(lambda rows: [many[rows].mean()], speakers), few
    )
    ((low, high),) = few
    assert low <= 0.5
    assert high == 1.0
