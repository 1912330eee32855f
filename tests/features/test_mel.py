"""Mel spectrograms and MFCCs equal those of librosa."""

import subprocess
import sys
import tracemalloc

import librosa
import numpy as np
import pytest

from ser.audio.decode import SAMPLE_RATE, load_audio
from ser.features.mel import RANGE_DB, mel_frequencies, mel_power, mfcc, to_db
from tests import synth
from tests.conftest import ROOT

PARAMS = {"n_fft": 2048, "hop_length": 512, "n_mels": 128}
RNG = np.random.default_rng(0)
SECOND = np.arange(SAMPLE_RATE) / SAMPLE_RATE
SILENCE = np.zeros(SAMPLE_RATE // 2)
SOUNDS = {
    "noise": RNG.standard_normal(3 * SAMPLE_RATE),
    "faint noise": 1e-4 * RNG.standard_normal(SAMPLE_RATE),
    "loud noise": 1e3 * RNG.standard_normal(SAMPLE_RATE),
    "tone": 0.5 * np.sin(2 * np.pi * 440 * SECOND),
    "high tone": 0.5 * np.sin(2 * np.pi * 9_000 * SECOND),
    "voice": synth.voice(3.7),
    "voice between silences": np.concatenate([SILENCE, synth.voice(1.0), SILENCE]),
    "click": np.eye(1, SAMPLE_RATE, 1)[0],
    "silence": np.zeros(SAMPLE_RATE),
    "shorter than a frame": synth.voice(0.05),
    "one sample": np.ones(1),
    "a whole number of blocks": synth.voice(2.0)[: 63 * 512],
    "a block and a frame": synth.voice(2.0)[: 64 * 512],
}


def assert_same(samples, *, params=PARAMS, n_mfcc=40):
    """Compare power, decibels within librosa's range, and MFCCs with librosa's."""
    samples = samples.astype(np.float32)
    power = mel_power(samples, sample_rate=SAMPLE_RATE, **params)
    expected = librosa.feature.melspectrogram(y=samples, sr=SAMPLE_RATE, **params).T
    assert power.dtype == expected.dtype == np.float32
    assert power.shape == expected.shape
    np.testing.assert_allclose(power, expected, rtol=1e-5, atol=1e-6 * expected.max())
    ours, db = to_db(power), librosa.power_to_db(expected, top_db=None)
    audible = db >= db.max() - RANGE_DB
    np.testing.assert_allclose(ours[audible], db[audible], atol=2e-4)  # librosa's own error
    theirs = librosa.feature.mfcc(y=samples, sr=SAMPLE_RATE, n_mfcc=n_mfcc, **params).T
    found = mfcc(ours, n_mfcc=n_mfcc)
    assert found.dtype == np.float32
    np.testing.assert_allclose(
        found.mean(axis=0, dtype=float), theirs.mean(axis=0, dtype=float), atol=1e-4
    )
    np.testing.assert_allclose(found, theirs, rtol=np.finfo(np.float32).eps, atol=1e-4)


@pytest.mark.parametrize("name", SOUNDS)
@pytest.mark.filterwarnings("ignore:n_fft=")  # librosa's, for a clip shorter than a frame
def test_equals_librosa(name):
    assert_same(SOUNDS[name])


@pytest.mark.parametrize(
    "params",
    [
        {"n_fft": 512, "hop_length": 160, "n_mels": 40},
        {"n_fft": 1024, "hop_length": 1024, "n_mels": 23},
        {"n_fft": 4096, "hop_length": 300, "n_mels": 200},
    ],
)
def test_other_parameters(params):
    assert_same(synth.voice(1.3), params=params, n_mfcc=20)


@pytest.mark.parametrize(
    "clip",
    [
        "ravdess/Actor_01/03-01-05-02-01-01-01.flac",
        "ravdess/Actor_05/03-01-02-02-01-02-05.flac",
        "ravdess/Actor_24/03-01-04-01-02-01-24.flac",
        "tess/OAF_angry/OAF_back_angry.flac",
    ],
)
def test_equals_librosa_on_real_speech(real_data, clip):
    assert_same(load_audio(real_data / clip).samples)


def test_band_centres_equal_librosas():
    expected = librosa.mel_frequencies(n_mels=130, fmax=SAMPLE_RATE / 2)[1:-1]
    np.testing.assert_allclose(mel_frequencies(128, SAMPLE_RATE), expected, rtol=1e-12)


def test_mfccs_of_several_windows_at_once():
    windows = [to_db(mel_power(synth.voice(1.0, seed=i), sample_rate=SAMPLE_RATE, **PARAMS))
               for i in range(3)]  # fmt: skip
    together = mfcc(np.stack(windows), n_mfcc=13)
    for window, one in zip(windows, together, strict=True):
        np.testing.assert_allclose(one, mfcc(window, n_mfcc=13), atol=1e-4)


def test_memory_besides_the_result_does_not_grow_with_the_clip():
    def extra_memory(seconds):
        samples = np.zeros(seconds * SAMPLE_RATE, np.float32)
        tracemalloc.start()
        result = mel_power(samples, sample_rate=SAMPLE_RATE, **PARAMS)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak - result.nbytes

    extra_memory(1)  # fills the caches of the window and the filter bank
    assert extra_memory(600) < 1.1 * extra_memory(2) < 5e6


def test_the_served_feature_sets_import_no_library_but_numpy():
    code = (
        "import sys, numpy as np; from ser.features import FEATURE_SETS\n"
        "for name in ('mfcc40-mean', 'mfcc40-frames'):\n"
        "    FEATURE_SETS[name].extract(np.random.default_rng(0).random(22050, np.float32))\n"
        "print(*{'librosa', 'numba', 'sklearn', 'scipy'} & sys.modules.keys())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []
