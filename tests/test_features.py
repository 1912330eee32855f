"""Feature sets, and windows over long audio."""

from itertools import pairwise

import librosa
import numpy as np
import pytest

from ser.audio import SAMPLE_RATE, Audio
from ser.errors import InvalidSamples, ModelFileError, UsageError
from ser.features import FEATURE_SETS
from ser.registry import collect, lookup
from tests import synth

MEAN = FEATURE_SETS["mfcc40-mean"]


@pytest.mark.parametrize("name", FEATURE_SETS)
def test_declared_shape(name):
    features = FEATURE_SETS[name].extract(synth.voice(3.0))
    assert features.shape == FEATURE_SETS[name].shape
    assert features.dtype == np.float32


def test_mfcc40_mean_is_librosas_default():
    samples = synth.voice(3.7)
    expected = librosa.feature.mfcc(y=samples, sr=SAMPLE_RATE, n_mfcc=40).mean(axis=1)
    np.testing.assert_allclose(MEAN.extract(samples)[:, 0], expected, atol=1e-4)


@pytest.mark.parametrize("name", FEATURE_SETS)
def test_samples_too_large(name):
    with pytest.raises(InvalidSamples, match="overflow"):
        FEATURE_SETS[name].extract(synth.voice(1.0) * np.float32(1e30))


@pytest.mark.parametrize("name", FEATURE_SETS)
@pytest.mark.parametrize("seconds", [0.3, 6.0])
def test_the_shortest_and_the_longest_window(name, seconds):
    samples = synth.voice(seconds)
    assert FEATURE_SETS[name].extract(samples).shape == FEATURE_SETS[name].shape
    click = np.zeros_like(samples)
    click[len(click) // 2] = 0.5
    assert np.isfinite(FEATURE_SETS[name].extract(click)).all()


@pytest.mark.parametrize("seconds", [0.3, 1, 4, 5.9, 6.1, 7.9, 8, 30, 121.3, 600])
def test_windows_cover_the_clip_without_a_hole(seconds):
    n = round(seconds * SAMPLE_RATE)
    windows = MEAN.windows(n)
    assert windows[0][0] == 0
    assert windows[-1][1] == n
    for (_, stop), (start, _) in pairwise(windows):
        assert start < stop
    lengths = [(stop - start) / SAMPLE_RATE for start, stop in windows]
    assert all(abs(length - 3) < 1e-3 for length in lengths[:-1])
    assert lengths[-1] < 6.001
    assert len(windows) == (1 if seconds <= 6 else int((seconds - 3) // 1.5) + 1)


def test_windows_are_of_the_clip():
    audio = Audio(synth.voice(9.0))
    features, windows = MEAN.extract_windows(audio)
    assert features.shape == (len(windows), *MEAN.shape)
    start, stop = windows[1]
    np.testing.assert_array_equal(features[1], MEAN.extract(audio.samples[start:stop]))


def test_metadata_round_trip():
    data = MEAN.to_metadata()
    assert MEAN.with_metadata(data) == MEAN
    changed = MEAN.with_metadata({**data, "params": {**data["params"], "n_mels": 64}})
    samples = synth.voice(1.0)
    assert not np.array_equal(changed.extract(samples), MEAN.extract(samples))


@pytest.mark.parametrize(
    "change", [{"params": {"n_mfcc": 40}}, {"sample_rate": 16_000}, {"colour": "blue"}]
)
def test_metadata_that_does_not_fit(change):
    with pytest.raises(ModelFileError):
        MEAN.with_metadata({**MEAN.to_metadata(), **change})


def test_registry_names_what_it_knows():
    with pytest.raises(UsageError, match=r"unknown feature set 'mfcc'; known: .*mfcc40-mean"):
        lookup(FEATURE_SETS, "mfcc", "feature set")
    assert collect("ser.features", "FEATURES") == FEATURE_SETS
