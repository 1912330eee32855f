"""Arousal and valence of predictions: from the probabilities, by the table of `ser.labels`."""

from dataclasses import replace

import numpy as np
import pytest

from ser.audio import Audio
from ser.inference import Predictor
from ser.labels import AROUSAL_VALENCE
from tests import synth

SURE = {"fear": (0.60, -0.64), "calm": (-0.30, 0.55), "neutral": (0.0, 0.0)}


def with_labels(predictor, labels, backend) -> Predictor:
    metadata = replace(predictor.model_file.metadata, labels=labels, temperature=1.0)
    return Predictor(replace(predictor.model_file, metadata=metadata), backend)


@pytest.mark.parametrize("seconds", [2.0, 33.3])
def test_they_are_the_mean_over_the_probabilities(predictor, seconds):
    answer = predictor.predict_audio(Audio(synth.voice(seconds)))
    assert len(answer.segments) == (1 if seconds < 6 else 21)
    for part in (answer, *answer.segments):
        points = np.array([AROUSAL_VALENCE[label] for label in part.probabilities])
        expected = np.average(points, axis=0, weights=list(part.probabilities.values()))
        np.testing.assert_allclose([part.arousal, part.valence], expected, atol=1e-9)
        assert isinstance(part.arousal, float)


@pytest.mark.parametrize("label", SURE)
def test_an_answer_that_is_sure_lies_where_its_emotion_lies(predictor, label):
    labels = predictor.model_file.metadata.labels
    sure = np.eye(len(labels))[labels.index(label)]
    answer = with_labels(predictor, labels, lambda x: np.tile(sure, (len(x), 1))).predict_audio(
        Audio(synth.voice(2.0))
    )
    assert (answer.arousal, answer.valence) == pytest.approx(SURE[label], abs=1e-6)


def test_a_label_that_is_no_emotion_leaves_them_unknown(predictor):
    other = with_labels(predictor, ("positive", "negative"), lambda x: np.full((len(x), 2), 0.5))
    answer = other.predict_audio(Audio(synth.voice(9.0))).to_dict()
    parts = (answer, *answer["segments"])
    assert len(parts) > 3
    assert {(part["arousal"], part["valence"]) for part in parts} == {(None, None)}
