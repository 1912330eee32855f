"""`mfcc40-frames`: the 40 MFCCs of each frame of the voice, for networks that hear time."""

import functools
from typing import Any

import numpy as np

from ser.features.base import FeatureSet, check_finite
from ser.features.mel import mel_frequencies, mel_power, mfcc, to_db

_VOICE_HZ = (300, 3400)  # a telephone's band
_MARGIN = 2  # frames kept around the voice
_FLOOR = 30  # per cent of the frames that are taken for noise where a clip has pauses


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
    """Return the mel spectrogram in dB, without the silence before and after the voice.

    Args:
        samples: shape (n,), float32.
        trim_db: the voice goes from the first to the last frame no further than this below
            the loudest, nor closer than `over_floor_db` to the noise around it;
        noisy_trim_db: but what is no further than this below the loudest is voice.

    Returns:
        shape (frames, n_mels), float32; frames is at least 1.

    Raises:
        InvalidSamples: the samples are so large that the spectrum overflows.
    """
    power = mel_power(
        samples, sample_rate=sample_rate, n_fft=n_fft, hop_length=hop_length, n_mels=n_mels
    )
    # Where voices are, and over three frames: neither hiss nor a click counts as voice.
    voice_band = power[:, _voice_bands(n_mels, sample_rate)].sum(axis=1)
    level = to_db(np.convolve(voice_band, np.ones(3) / 3, "same"))
    check_finite(level)
    over_floor = level.max() - np.percentile(level, _FLOOR) - over_floor_db
    voiced = np.flatnonzero(level >= level.max() - np.clip(over_floor, noisy_trim_db, trim_db))
    return to_db(power[max(0, voiced[0] - _MARGIN) : voiced[-1] + _MARGIN + 1])


@functools.cache
def _voice_bands(n_mels: int, sample_rate: int) -> np.ndarray:
    """Return which mel bands have their centre where voices are: shape (n_mels,), bool."""
    centres = mel_frequencies(n_mels, sample_rate)
    return (centres >= _VOICE_HZ[0]) & (centres <= _VOICE_HZ[1])


def fill(frames: np.ndarray, length: int) -> np.ndarray:
    """Return `length` frames: a shorter voice goes round, of a longer one some are left out."""
    n = len(frames)
    return frames[np.arange(length) * max(n, length) // length % n]


def _compute(samples: np.ndarray, *, frames: int, n_mfcc: int, **params: Any) -> np.ndarray:
    return fill(mfcc(log_mel(samples, **params), n_mfcc=n_mfcc), frames)


FEATURES = FeatureSet(
    name="mfcc40-frames",
    # 4.6 s of voice, longer than any in RAVDESS or TESS. A clip that is taken whole has up to
    # 6 s, 259 frames: heard 1.3 times as fast, which training goes beyond (1.24 × 1.1).
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
    # By evaluate.py --long-audio, on recordings joined of validation clips. One every second is a
    # point better over time, and half as much work again.
    window_seconds=3.0,
    hop_seconds=1.5,
)
