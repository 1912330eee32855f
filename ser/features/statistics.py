"""The blocks that the mixed vectors of the field are made of, each a mean over the frames."""

import warnings
from collections.abc import Callable, Sequence

import numpy as np

from ser.features.base import check_finite
from ser.features.mel import mel_power, mfcc, to_db


class _Clip:
    """A clip and its spectrum, which several blocks share."""

    def __init__(
        self, samples: np.ndarray, sample_rate: int, n_mfcc: int, n_mels: int, frame: dict[str, int]
    ) -> None:
        import librosa

        self.samples, self.rate, self.frame, self.n_mfcc = samples, sample_rate, frame, n_mfcc
        self.mel = mel_power(samples, sample_rate=sample_rate, n_mels=n_mels, **frame)
        check_finite(self.mel)
        self.magnitude = np.abs(librosa.stft(samples, **frame))
        self.of_spectrum = {"S": self.magnitude, "sr": sample_rate, **frame}


def _mfcc(clip: _Clip) -> np.ndarray:
    return mfcc(to_db(clip.mel), n_mfcc=clip.n_mfcc).T


def _mel(clip: _Clip) -> np.ndarray:
    return clip.mel.T


def _tonnetz(clip: _Clip) -> np.ndarray:
    from librosa.effects import harmonic
    from librosa.feature import tonnetz

    return tonnetz(y=harmonic(clip.samples), sr=clip.rate)


def _of_spectrum(name: str) -> Callable[[_Clip], np.ndarray]:
    def block(clip: _Clip) -> np.ndarray:
        import librosa

        return getattr(librosa.feature, name)(**clip.of_spectrum)

    return block


def _of_frames(name: str) -> Callable[[_Clip], np.ndarray]:
    def block(clip: _Clip) -> np.ndarray:
        import librosa

        return getattr(librosa.feature, name)(
            y=clip.samples, frame_length=clip.frame["n_fft"], hop_length=clip.frame["hop_length"]
        )

    return block


_BLOCKS: dict[str, Callable[[_Clip], np.ndarray]] = {
    "bandwidth": _of_spectrum("spectral_bandwidth"),
    "centroid": _of_spectrum("spectral_centroid"),
    "chroma": _of_spectrum("chroma_stft"),
    "contrast": _of_spectrum("spectral_contrast"),
    "mel": _mel,
    "mfcc": _mfcc,
    "rms": _of_frames("rms"),
    "rolloff": _of_spectrum("spectral_rolloff"),
    "tonnetz": _tonnetz,
    "zcr": _of_frames("zero_crossing_rate"),
}

#: Parameters of librosa's defaults, which the published systems kept.
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
    """Return the means over the frames of some blocks, one after the other.

    Args:
        samples: shape (n,), float32.
        blocks: names of blocks: mfcc, chroma, mel, contrast, tonnetz, zcr, rms, rolloff,
            centroid, bandwidth.
        offset_seconds, seconds: the crop that is looked at; see `crop`.

    Returns:
        shape (values, 1), float32: the published networks convolve over the values.

    Raises:
        InvalidSamples: the samples are so large that the spectrum overflows.
    """
    if seconds is not None:
        samples = crop(samples, sample_rate, offset_seconds, seconds)
    frame = {"n_fft": n_fft, "hop_length": hop_length}
    with warnings.catch_warnings():
        # Of a clip that is short for librosa's longest filters, or has no pitch to tune to.
        warnings.simplefilter("ignore", UserWarning)
        clip = _Clip(samples, sample_rate, n_mfcc, n_mels, frame)
        means = [_BLOCKS[name](clip).mean(axis=1) for name in blocks]
    return np.concatenate(means)[:, np.newaxis]


def crop(
    samples: np.ndarray, sample_rate: int, offset_seconds: float, seconds: float
) -> np.ndarray:
    """Return `seconds` of a clip from `offset_seconds` on.

    A clip that ends before begins earlier, so that as much as there is is looked at.
    """
    n = round(seconds * sample_rate)
    start = max(0, min(round(offset_seconds * sample_rate), len(samples) - n))
    return samples[start : start + n]
