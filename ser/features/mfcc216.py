"""`mfcc216`: the mean of the 13 MFCCs of each frame, 216 frames of 2.5 s from 0.5 s on."""

import numpy as np

from ser.features.base import FeatureSet, check_finite
from ser.features.mel import mel_power, mfcc, to_db
from ser.features.statistics import FRAME, crop


def _compute(
    samples: np.ndarray,
    *,
    sample_rate: int,
    n_mfcc: int,
    n_fft: int,
    hop_length: int,
    n_mels: int,
    offset_seconds: float,
    seconds: float,
) -> np.ndarray:
    """Return shape (frames, 1); a clip shorter than `seconds` is padded with silence."""
    cropped = crop(samples, sample_rate, offset_seconds, seconds)
    padded = np.pad(cropped, (0, round(seconds * sample_rate) - len(cropped)))
    power = mel_power(
        padded, sample_rate=sample_rate, n_fft=n_fft, hop_length=hop_length, n_mels=n_mels
    )
    check_finite(power)
    return mfcc(to_db(power), n_mfcc=n_mfcc).mean(axis=1, keepdims=True)


FEATURES = FeatureSet(
    name="mfcc216",
    shape=(216, 1),
    compute=_compute,
    params={**FRAME, "n_mfcc": 13, "offset_seconds": 0.5, "seconds": 2.5},
    window_seconds=4.0,
    hop_seconds=2.0,
    sample_rate=44_100,
)
