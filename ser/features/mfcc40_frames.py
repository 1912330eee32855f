"""`mfcc40-frames`: the 40 MFCCs of each frame of speech, for networks that convolve over time."""

import functools
from typing import Any

import numpy as np

from ser.features.base import FeatureSet, check_finite
from ser.features.mel import mel_frequencies, mel_power, mfcc, to_db

_SPEECH_HZ = (300, 3400)  # the telephone band
_MARGIN_FRAMES = 2  # kept before and after the speech
_NOISE_PERCENTILE = 30  # of the frames' levels: in a clip with pauses, the level of the noise


def log_mel(
    samples: np.ndarray,
    *,
    sample_rate: int,
    n_fft: int,
    hop_length: int,
    n_mels: int,
    trim_db: float,
    noisy_trim_db: float,
    over_floor_db: float,
    **_: Any,
) -> np.ndarray:
    """Return the mel spectrogram in dB, without the silence before and after the speech.

    Speech goes from the first to the last frame whose level in the telephone band is high
    enough. The limit is `over_floor_db` above the noise, but at least `noisy_trim_db` and at
    most `trim_db` below the loudest frame.

    Args:
        samples: shape (n,), float32.

    Returns:
        shape (frames, n_mels), float32; frames is at least 1.

    Raises:
        InvalidSamples: the samples are so large that the spectrum overflows.
    """
    power = mel_power(
        samples, sample_rate=sample_rate, n_fft=n_fft, hop_length=hop_length, n_mels=n_mels
    )
    # In the telephone band and over three frames, so that neither hiss nor a click is speech.
    speech_power = power[:, _speech_bands(n_mels, sample_rate)].sum(axis=1)
    level = to_db(np.convolve(speech_power, np.ones(3) / 3, "same"))
    check_finite(level)
    over_floor = level.max() - np.percentile(level, _NOISE_PERCENTILE) - over_floor_db
    speech = np.flatnonzero(level >= level.max() - np.clip(over_floor, noisy_trim_db, trim_db))
    return to_db(power[max(0, speech[0] - _MARGIN_FRAMES) : speech[-1] + _MARGIN_FRAMES + 1])


@functools.cache
def _speech_bands(n_mels: int, sample_rate: int) -> np.ndarray:
    """Return which mel bands are centred in the telephone band: shape (n_mels,), bool."""
    centres = mel_frequencies(n_mels, sample_rate)
    return (centres >= _SPEECH_HZ[0]) & (centres <= _SPEECH_HZ[1])


def fit_length(frames: np.ndarray, length: int) -> np.ndarray:
    """Return `length` frames: fewer are repeated from the first on, more are subsampled evenly."""
    n = len(frames)
    return frames[np.arange(length) * max(n, length) // length % n]


def _compute(samples: np.ndarray, *, frames: int, n_mfcc: int, **params: Any) -> np.ndarray:
    return fit_length(mfcc(log_mel(samples, **params), n_mfcc=n_mfcc), frames)


FEATURES = FeatureSet(
    name="mfcc40-frames",
    # 4.6 s of speech, more than any clip of RAVDESS or TESS has. A clip of up to 6 s, 259
    # frames, is one window: it is subsampled by 1.3, which is less than training reaches
    # (1.24 × 1.1).
    shape=(200, 40),
    compute=_compute,
    params={
        "n_mfcc": 40,
        "n_fft": 2048,
        "hop_length": 512,
        "n_mels": 128,
        "trim_db": 30.0,
        "noisy_trim_db": 20.0,
        "over_floor_db": 15.0,
        "frames": 200,
    },
    # Chosen by `ser evaluate --long-audio`, on recordings joined from validation clips. A hop of
    # 1 s would be a point better over time, for half as much work again.
    window_seconds=3.0,
    hop_seconds=1.5,
)
