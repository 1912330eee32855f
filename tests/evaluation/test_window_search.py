"""The search for windows and joins of long recordings."""

from pathlib import Path

import numpy as np
import pytest

from ser.audio.decode import load_audio
from ser.corpora import Utterance
from ser.data.dataset import Dataset
from ser.evaluation.window_search import JOINS, SILENCES, WINDOWS, score_long_audio
from ser.features import FEATURE_SETS
from ser.inference.predictor import Predictor
from ser.models.model_file import Metadata, ModelFile
from tests import synth

FEATURES = FEATURE_SETS["mfcc40-mean"]
LABELS = ("sad", "happy")


@pytest.fixture(scope="module")
def dataset(tmp_path_factory) -> Dataset:
    """Return clips of two speakers, with a low pitch for sad and a high one for happy."""
    folder = tmp_path_factory.mktemp("clips")
    utterances = []
    for number in range(16):
        emotion, speaker = LABELS[number % 2], f"speaker-{number // 8}"
        path = folder / f"{number}.wav"
        pitch = {"sad": 110.0, "happy": 320.0}[emotion]
        path.write_bytes(synth.wav(synth.voice(3.0, pitch=pitch, seed=number)))
        utterances.append(Utterance(path=path, emotion=emotion, speaker=speaker, corpus="tones"))
    features = np.stack([FEATURES.extract(load_audio(u.path).samples) for u in utterances])
    return Dataset(features, tuple(utterances))


@pytest.fixture(scope="module")
def scores(dataset):
    truth = dataset.label_indices(LABELS)
    centres = np.stack([dataset.features[truth == label].mean(axis=0) for label in (0, 1)])

    def nearest(x: np.ndarray) -> np.ndarray:
        near = np.exp(-np.linalg.norm(x[:, np.newaxis] - centres, axis=(2, 3)) / 10)
        return near / near.sum(axis=1, keepdims=True)

    metadata = Metadata(name="nearest", labels=LABELS, features=FEATURES.to_metadata())
    predictor = Predictor(ModelFile(Path(), metadata, "", {}, FEATURES), nearest)
    return score_long_audio([(np.arange(len(dataset.utterances)), predictor)], dataset)


def test_every_window_join_and_level_is_scored(scores):
    assert len(scores["over_time"]) == len(WINDOWS)
    assert set(scores["whole"]) == set(JOINS)
    assert len(scores["voice_lost"]) == len(scores["pause_found"]) == len(SILENCES)


def test_a_window_longer_than_an_emotion_scores_lower(scores):
    over_time = scores["over_time"]
    assert over_time["2 s every 1 s"] > 0.85
    assert over_time["2 s every 1 s"] > over_time["6 s every 3 s"] > 0.5


def test_recordings_of_one_emotion_are_predicted_as_it(scores):
    assert set(scores["whole"].values()) == {1.0}


def test_a_pause_is_silent_if_its_noise_is_below_the_level(scores):
    found, lost = list(scores["pause_found"].values()), list(scores["voice_lost"].values())
    assert found == sorted(found, reverse=True)
    assert found[0] == 1
    assert found[-1] == 0
    assert set(lost) == {0.0}
