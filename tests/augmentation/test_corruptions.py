"""Corruptions do what their names say, and no more."""

import numpy as np
import pytest

from ser.audio.decode import SAMPLE_RATE
from ser.augmentation.corruptions import corruptions, mix
from tests import synth

VOICE = synth.voice(2.0)
BABBLE = sum(synth.voice(5.0, pitch=100 + 20 * k, seed=k) for k in range(6))
ALL = corruptions(BABBLE)


def spectrum(samples):
    power = np.abs(np.fft.rfft(samples)) ** 2
    return np.fft.rfftfreq(len(samples), 1 / SAMPLE_RATE), power


def corrupted(name, seed=0):
    return ALL[name](VOICE, np.random.default_rng(seed))


@pytest.mark.parametrize("name", ALL)
def test_every_corruption_returns_a_clip(name):
    before = VOICE.copy()
    samples = corrupted(name)
    assert samples.dtype == np.float32
    assert samples.ndim == 1
    assert np.isfinite(samples).all()
    assert np.abs(samples).max() > 0.01
    np.testing.assert_array_equal(VOICE, before)
    np.testing.assert_array_equal(samples, corrupted(name))  # seeded


def test_level():
    np.testing.assert_allclose(corrupted("level -20 dB"), VOICE / 10, atol=1e-7)
    assert np.abs(corrupted("level +10 dB")).max() <= 1


def test_the_telephone_limits_the_band():
    frequency, power = spectrum(corrupted("telephone"))
    inside = power[(frequency > 300) & (frequency < 3400)].sum()
    assert power[frequency > 4000].sum() < 1e-3 * inside
    assert power[frequency < 100].sum() < 1e-2 * inside


@pytest.mark.parametrize(("name", "snr"), [("white noise 20 dB", 20), ("babble 10 dB", 10)])
def test_noise_has_its_signal_to_noise_ratio(name, snr):
    added = corrupted(name).astype(np.float64) - VOICE
    assert 10 * np.log10(np.mean(VOICE**2) / np.mean(added**2)) == pytest.approx(snr, abs=0.1)
    assert np.mean(mix(VOICE, VOICE, 0) ** 2) == pytest.approx(4 * np.mean(VOICE**2), rel=1e-3)


@pytest.mark.parametrize("name", ["mp3 64 kb/s", "opus 16 kb/s"])
def test_codecs_keep_the_length_and_lose_detail(name):
    samples = corrupted(name)
    assert abs(len(samples) - len(VOICE)) < 0.1 * SAMPLE_RATE
    assert not np.array_equal(samples[: len(VOICE)], VOICE[: len(samples)])


def test_the_room_reverberates():
    click = np.zeros(SAMPLE_RATE, np.float32)
    click[1000] = 0.5
    wet = ALL["small room"](click, np.random.default_rng(0))
    early, late = (np.abs(wet[1000 + a : 1000 + b]).mean() for a, b in ((1, 2000), (6000, 8000)))
    assert early > 5 * late > 0
    assert np.abs(wet[:1000]).max() < 1e-4


def test_pauses_and_the_middle():
    padded = corrupted("1 s of silence around")
    np.testing.assert_array_equal(padded[SAMPLE_RATE:-SAMPLE_RATE], VOICE)
    cut = corrupted("middle 1.5 s")
    assert len(cut) == round(1.5 * SAMPLE_RATE)
    start = (len(VOICE) - len(cut)) // 2
    np.testing.assert_array_equal(cut, VOICE[start : start + len(cut)])
