"""Changes of a spectrogram as other rooms, noise, microphones and lines make them.

Each is drawn from a seeded generator; `spectrogram` says how often.
"""

import math

import numpy as np

_LN_PER_DB = np.float32(np.log(10) / 10)  # power is exp(dB * _LN_PER_DB)
_NOISE_FRAMES = 5000  # drawn once, because that is slow; a window gets random excerpts
_DECAY_DB = (1.5, 7)  # per frame of 23 ms: a reverberation time of 0.2 to 0.9 s
_WET_DB = (-10, 8)  # power of the echoes, relative to the direct sound


def to_power(mel_db: np.ndarray) -> np.ndarray:
    """Return decibels as power."""
    return np.exp(mel_db * _LN_PER_DB)


def white_noise_power(n_mels: int, rng: np.random.Generator) -> np.ndarray:
    """Return the power of white noise in mel bands: shape (_NOISE_FRAMES, n_mels), mean 1."""
    # A higher mel band sums more bins of the spectrum, so that it fluctuates less.
    degrees = np.linspace(1, 4, n_mels, dtype=np.float32)
    return rng.standard_gamma(degrees, (_NOISE_FRAMES, n_mels), np.float32) / degrees


def shifted(mel_db: np.ndarray, bands: float) -> np.ndarray:
    """Move the spectrum by a number of mel bands, which need not be whole."""
    n_mels, whole = mel_db.shape[1], math.floor(bands)
    weight = np.float32(bands - whole)
    moved = mel_db.take(np.clip(np.arange(n_mels + 1) + whole, 0, n_mels - 1), axis=1)
    return moved[:, :-1] * (1 - weight) + moved[:, 1:] * weight


def in_room(mel_db: np.ndarray, white_noise: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Add reverberation: after each frame a tail of noise that decays."""
    from scipy.signal import lfilter

    n_frames = len(mel_db)
    decay = 10 ** (-rng.uniform(*_DECAY_DB) / 10)  # in a frame
    tail_sum = (decay ** np.arange(1, n_frames)).sum()
    wet = 10 ** (rng.uniform(*_WET_DB) / 10) / tail_sum if n_frames > 1 else 0
    power = to_power(mel_db)
    # Each frame gets the sound of the frame before it and of that one's own tail.
    filtered = np.array([0, wet * decay, 1, -decay], np.float32)
    tail = lfilter(filtered[:2], filtered[2:], power, axis=0)
    return _to_db(power + tail * excerpt(white_noise, n_frames, rng))


def coloured(
    white_noise: np.ndarray, shape: tuple[int, ...], rng: np.random.Generator
) -> np.ndarray:
    """Return an excerpt of the noise with a random spectral tilt, as power in mel bands."""
    n_frames, n_mels = shape
    colour = 10 ** (rng.uniform(-40, 5) * np.arange(n_mels) / n_mels / 10)
    return excerpt(white_noise, n_frames, rng) * colour.astype(np.float32)


def excerpt(sound: np.ndarray, n_frames: int, rng: np.random.Generator) -> np.ndarray:
    """Return `n_frames` of a sound from a random start."""
    start = int(rng.integers(len(sound) - n_frames + 1))
    return sound[start : start + n_frames]


def mixed(mel_db: np.ndarray, noise: np.ndarray, snr_db: float) -> np.ndarray:
    """Add noise, given as power in mel bands, at a signal-to-noise ratio."""
    power = to_power(mel_db)
    return _to_db(power + noise * (power.mean() / noise.mean() / np.float32(10 ** (snr_db / 10))))


def _to_db(power: np.ndarray) -> np.ndarray:
    return np.log(power + np.float32(1e-10)) / _LN_PER_DB


def band_limited(mel_db: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Attenuate the mel bands outside a random range, more with the distance from it."""
    bands = np.arange(mel_db.shape[1])
    low, high = rng.integers(len(bands) // 6), rng.integers(len(bands) // 2, len(bands))
    above = rng.uniform(3, 30) * np.maximum(0, bands - high + 1)
    below = rng.uniform(1, 15) * np.maximum(0, low - bands)
    return (mel_db - np.minimum(90, above + below)).astype(np.float32)
