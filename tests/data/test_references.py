"""References of a dataset: neutral clips of the same speaker, never the clip itself."""

from pathlib import Path

import numpy as np

from ser.corpora import Utterance
from ser.data.dataset import load_dataset
from ser.data.references import draw_references, neutral_voice
from ser.features import FEATURE_SETS

ROWS = [
    ("a", "neutral"), ("a", "neutral"), ("a", "neutral"), ("a", "calm"), ("a", "angry"),
    ("b", "calm"), ("b", "calm"), ("b", "sad"), ("c", "neutral"), ("d", "happy"), ("", "neutral"),
]  # fmt: skip
UTTERANCES = [
    Utterance(path=Path(str(i)), emotion=emotion, speaker=speaker, corpus="x")
    for i, (speaker, emotion) in enumerate(ROWS)
]


def test_calm_is_the_neutral_voice_of_a_speaker_without_neutral_clips():
    assert np.flatnonzero(neutral_voice(UTTERANCES)).tolist() == [0, 1, 2, 5, 6, 8, 10]


def test_a_reference_is_the_mean_of_others():
    means = 2.0 ** np.arange(len(ROWS), dtype=np.float32)[:, np.newaxis]
    rows = np.arange(len(ROWS))
    made = draw_references(UTTERANCES, means, rows)[:, 0]
    assert made[:3].tolist() == [3, 2.5, 1.5]  # two of three, without itself
    assert set(made[3:5].tolist()) <= {1.5, 2.5, 3}
    assert made[5:8].tolist() == [2**6, 2**5, (2**5 + 2**6) / 2]
    assert np.isnan(made[8:]).all()  # no other neutral clip, or no speaker
    again = draw_references(UTTERANCES, means, rows)
    np.testing.assert_array_equal(again[:, 0], made)


def test_a_dataset_of_relative_features_keeps_the_means(tiny_corpus):
    frames = load_dataset([tiny_corpus], FEATURE_SETS["mfcc40-frames"])
    relative = load_dataset([tiny_corpus], FEATURE_SETS["mfcc40-relative"])
    some = relative.select([3, 1])
    absolute = some.features + some.means[:, np.newaxis]
    np.testing.assert_allclose(absolute, frames.features[[3, 1]], atol=1e-3)
    assert frames.means is None
