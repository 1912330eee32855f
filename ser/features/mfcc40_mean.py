"""`mfcc40-mean`: the mean over frames of 40 MFCCs, the features of the published models."""

import numpy as np

from ser.features.base import FeatureSet


def _compute(
    samples: np.ndarray, *, sample_rate: int, n_mfcc: int, n_fft: int, hop_length: int, n_mels: int
) -> np.ndarray:
    """Return shape (n_mfcc, 1): the published networks convolve over the coefficients."""
    import librosa

    mfcc = librosa.feature.mfcc(
        y=samples, sr=sample_rate, n_mfcc=n_mfcc, n_fft=n_fft, hop_length=hop_length, n_mels=n_mels
    )
    return mfcc.mean(axis=1)[:, np.newaxis]


FEATURES = FeatureSet(
    name="mfcc40-mean",
    shape=(40, 1),
    compute=_compute,
    params={"n_mfcc": 40, "n_fft": 2048, "hop_length": 512, "n_mels": 128},  # librosa's defaults
    # A mean wants as much as a corpus's clip to go by; half overlap draws a finer timeline.
    window_seconds=4.0,
    hop_seconds=2.0,
)
