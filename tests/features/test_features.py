"""Feature sets, and windows over long audio."""

from itertools import pairwise

import librosa
import numpy as np
import pytest

from ser.audio.decode import SAMPLE_RATE
from ser.errors import InvalidSamples, ModelFileError, UsageError
from ser.features import FEATURE_SETS
from ser.features.statistics import crop
from ser.plugins import collect, lookup
from tests import synth

MEAN = FEATURE_SETS["mfcc40-mean"]


@pytest.mark.parametrize("name", FEATURE_SETS)
def test_declared_shape(name):
    chosen = FEATURE_SETS[name]
    features = chosen.extract(synth.voice(3.0, chosen.sample_rate))
    assert features.shape == chosen.shape
    assert features.dtype == np.float32


@pytest.mark.parametrize(
    ("name", "length"),
    [("mfcc40-mean", 40), ("mix180", 180), ("mix193", 193), ("mix178", 178), ("mfcc216", 216)],
)
def test_lengths_are_the_published_ones(name, length):
    assert FEATURE_SETS[name].shape == (length, 1)


def test_mfcc40_mean_equals_librosas_default():
    samples = synth.voice(3.7)
    expected = librosa.feature.mfcc(y=samples, sr=SAMPLE_RATE, n_mfcc=40).mean(axis=1)
    np.testing.assert_allclose(MEAN.extract(samples)[:, 0], expected, atol=1e-4)


def test_mix193_joins_librosas_features_in_order():
    y = synth.voice(2.0)
    magnitude = np.abs(librosa.stft(y))
    harmonic = librosa.effects.harmonic(y)
    blocks = [
        librosa.feature.mfcc(y=y, sr=SAMPLE_RATE, n_mfcc=40),
        librosa.feature.chroma_stft(S=magnitude, sr=SAMPLE_RATE),
        librosa.feature.melspectrogram(y=y, sr=SAMPLE_RATE),
        librosa.feature.spectral_contrast(S=magnitude, sr=SAMPLE_RATE),
        librosa.feature.tonnetz(y=harmonic, sr=SAMPLE_RATE),
    ]
    expected = np.concatenate([block.mean(axis=1) for block in blocks])
    values = FEATURE_SETS["mix193"].extract(y)[:, 0]
    np.testing.assert_allclose(values, expected, rtol=1e-3, atol=1e-4)
    np.testing.assert_array_equal(FEATURE_SETS["mix180"].extract(y)[:, 0], values[:180])


def test_mix178_joins_features_of_its_crop_in_order():
    y = synth.voice(4.0)
    part = y[round(0.6 * SAMPLE_RATE) : round(3.1 * SAMPLE_RATE)]
    magnitude = np.abs(librosa.stft(part))
    sizes = [1, 12, 20, 1, 128, 1, 1, 7, 1, 6]
    values = np.split(FEATURE_SETS["mix178"].extract(y)[:, 0], np.cumsum(sizes)[:-1])
    for index, block in {
        0: librosa.feature.zero_crossing_rate(part),
        2: librosa.feature.mfcc(y=part, sr=SAMPLE_RATE),
        3: librosa.feature.rms(y=part),
        5: librosa.feature.spectral_rolloff(S=magnitude, sr=SAMPLE_RATE),
        6: librosa.feature.spectral_centroid(S=magnitude, sr=SAMPLE_RATE),
        8: librosa.feature.spectral_bandwidth(S=magnitude, sr=SAMPLE_RATE),
    }.items():
        np.testing.assert_allclose(values[index], block.mean(axis=1), rtol=1e-3)


def test_mfcc216_is_computed_from_its_crop_at_its_rate():
    rate = 44_100
    y = synth.voice(3.6, rate)
    part = y[rate // 2 : 3 * rate]
    expected = librosa.feature.mfcc(y=part, sr=rate, n_mfcc=13).mean(axis=0)
    features = FEATURE_SETS["mfcc216"]
    assert features.sample_rate == rate
    np.testing.assert_allclose(features.extract(y)[:, 0], expected, rtol=1e-3, atol=1e-3)


def test_a_crop_of_a_short_clip_begins_earlier():
    short = np.arange(2200)
    assert crop(short, 1000, 0.5, 2.5).tolist() == short.tolist()
    assert crop(np.arange(2700), 1000, 0.5, 2.5)[0] == 200
    assert crop(np.arange(4000), 1000, 0.5, 2.5).tolist() == list(range(500, 3000))


@pytest.mark.parametrize("name", FEATURE_SETS)
def test_too_large_samples_are_invalid(name):
    with pytest.raises(InvalidSamples, match="overflow"):
        FEATURE_SETS[name].extract(synth.voice(1.0) * np.float32(1e30))


@pytest.mark.parametrize("name", FEATURE_SETS)
@pytest.mark.parametrize("seconds", [0.3, 6.0])
def test_shortest_and_longest_window(name, seconds):
    samples = synth.voice(seconds, FEATURE_SETS[name].sample_rate)
    assert FEATURE_SETS[name].extract(samples).shape == FEATURE_SETS[name].shape
    click = np.zeros_like(samples)
    click[len(click) // 2] = 0.5
    assert np.isfinite(FEATURE_SETS[name].extract(click)).all()


@pytest.mark.parametrize("seconds", [0.3, 1, 4, 5.9, 6.1, 7.9, 8, 30, 121.3, 600])
def test_windows_cover_the_clip_without_a_gap(seconds):
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


def test_metadata_round_trip():
    data = MEAN.to_metadata()
    assert MEAN.with_metadata(data) == MEAN
    changed = MEAN.with_metadata({**data, "params": {**data["params"], "n_mels": 64}})
    samples = synth.voice(1.0)
    assert not np.array_equal(changed.extract(samples), MEAN.extract(samples))


@pytest.mark.parametrize(
    "change", [{"params": {"n_mfcc": 40}}, {"sample_rate": 16_000}, {"colour": "blue"}]
)
def test_metadata_that_does_not_fit_is_refused(change):
    with pytest.raises(ModelFileError):
        MEAN.with_metadata({**MEAN.to_metadata(), **change})


def test_an_unknown_feature_set_lists_the_known_ones():
    with pytest.raises(UsageError, match=r"unknown feature set 'mfcc'; known: .*mfcc40-mean"):
        lookup(FEATURE_SETS, "mfcc", "feature set")
    assert collect("ser.features", "FEATURES") == FEATURE_SETS
