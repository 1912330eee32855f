"""`mfcc40-mean`: the means over the frames of 40 MFCCs, the features of the published models."""

import numpy as np

from ser.features.base import FeatureSet
from ser.features.mel import mel_power, mfcc, to_db


def _compute(
    samples: np.ndarray, *, sample_rate: int, n_mfcc: int, n_fft: int, hop_length: int, n_mels: int
) -> np.ndarray:
    """Return shape (n_mfcc, 1): the published networks convolve over the coefficients."""
    power = mel_power(
        samples, sample_rate=sample_rate, n_fft=n_fft, hop_length=hop_length, n_mels=n_mels
    )
    frames = mfcc(to_db(power), n_mfcc=n_mfcc)
    return frames.mean(axis=0, dtype=np.float64)[:, np.newaxis]


FEATURES = FeatureSet(
    name="mfcc40-mean",
    shape=(40, 1),
    compute=_compute,
    params={"n_mfcc": 40, "n_fft": 2048, "hop_length": 512, "n_mels": 128},  # librosa's defaults
    # As long as the corpora's clips, so that the means are alike; the overlap refines the timeline.
    window_seconds=3.0,
    hop_seconds=1.5,
)
