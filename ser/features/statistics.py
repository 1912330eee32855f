"""Means over frames of the descriptors that published mixed feature vectors consist of."""

import warnings
from collections.abc import Callable, Sequence

import numpy as np

from ser.features.base import check_finite
from ser.features.mel import mel_power, mfcc, to_db


class _Clip:
    """A clip and its spectra, which several blocks share."""

    def __init__(
        self, samples: np.ndarray, sample_rate: int, n_mfcc: int, n_mels: int, frame: dict[str, int]
    ) -> None:
        import librosa

        self.samples, self.rate, self.frame, self.n_mfcc = samples, sample_rate, frame, n_mfcc
        self.mel = mel_power(samples, sample_rate=sample_rate, n_mels=n_mels, **frame)
        check_finite(self.mel)
        self.magnitude = np.abs(librosa.stft(samples, **frame))
        self.spectrum_arguments = {"S": self.magnitude, "sr": sample_rate, **frame}


def _mfcc(clip: _Clip) -> np.ndarray:
    return mfcc(to_db(clip.mel), n_mfcc=clip.n_mfcc).T


def _mel(clip: _Clip) -> np.ndarray:
    return clip.mel.T


def _tonnetz(clip: _Clip) -> np.ndarray:
    from librosa.effects import harmonic
    from librosa.feature import tonnetz

    return tonnetz(y=harmonic(clip.samples), sr=clip.rate)


def _from_spectrum(name: str) -> Callable[[_Clip], np.ndarray]:
    """Return the block that librosa's feature `name` computes from the magnitude spectrum."""

    def block(clip: _Clip) -> np.ndarray:
        import librosa

        return getattr(librosa.feature, name)(**clip.spectrum_arguments)

    return block


def _from_samples(name: str) -> Callable[[_Clip], np.ndarray]:
    """Return the block that librosa's feature `name` computes from frames of samples."""

    def block(clip: _Clip) -> np.ndarray:
        import librosa

        return getattr(librosa.feature, name)(
            y=clip.samples, frame_length=clip.frame["n_fft"], hop_length=clip.frame["hop_length"]
        )

    return block


# Each returns an array of shape (values, frames).
_BLOCKS: dict[str, Callable[[_Clip], np.ndarray]] = {
    "bandwidth": _from_spectrum("spectral_bandwidth"),
    "centroid": _from_spectrum("spectral_centroid"),
    "chroma": _from_spectrum("chroma_stft"),
    "contrast": _from_spectrum("spectral_contrast"),
    "mel": _mel,
    "mfcc": _mfcc,
    "rms": _from_samples("rms"),
    "rolloff": _from_spectrum("spectral_rolloff"),
    "tonnetz": _tonnetz,
    "zcr": _from_samples("zero_crossing_rate"),
}

#: Parameters of frames: librosa's defaults, which the published systems kept.
FRAME = {"n_fft": 2048, "hop_length": 512, "n_mels": 128}


def mean_blocks(
    samples: np.ndarray,
    *,
    sample_rate: int,
    blocks: Sequence[str],
    n_mfcc: int,
    n_mels: int,
    n_fft: int,
    hop_length: int,
    offset_seconds: float = 0.0,
    seconds: float | None = None,
) -> np.ndarray:
    """Return the mean over the frames of each block, joined into one vector.

    Args:
        samples: shape (n,), float32.
        blocks: their names, in order: mfcc, chroma, mel, contrast, tonnetz, zcr, rms, rolloff,
            centroid, bandwidth.
        offset_seconds, seconds: the part of the clip that is used, see `crop`; with `seconds`
            None the whole clip.

    Returns:
        shape (values, 1), float32: the published networks convolve over the values.

    Raises:
        InvalidSamples: the samples are so large that the spectrum overflows.
    """
    if seconds is not None:
        samples = crop(samples, sample_rate, offset_seconds, seconds)
    frame = {"n_fft": n_fft, "hop_length": hop_length}
    with warnings.catch_warnings():
        # librosa warns if a clip is shorter than its longest filter, or has no pitch.
        warnings.simplefilter("ignore", UserWarning)
        clip = _Clip(samples, sample_rate, n_mfcc, n_mels, frame)
        means = [_BLOCKS[name](clip).mean(axis=1) for name in blocks]
    return np.concatenate(means)[:, np.newaxis]


def crop(
    samples: np.ndarray, sample_rate: int, offset_seconds: float, seconds: float
) -> np.ndarray:
    """Return `seconds` of a clip from `offset_seconds` on: shape (n,).

    If the clip ends before that, the crop begins earlier. A clip shorter than `seconds` is
    returned whole.
    """
    n = round(seconds * sample_rate)
    start = max(0, min(round(offset_seconds * sample_rate), len(samples) - n))
    return samples[start : start + n]
