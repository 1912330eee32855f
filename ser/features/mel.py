"""Mel spectrograms and MFCCs, equal to the defaults of librosa 0.11 without importing it.

librosa imports numba and scikit-learn, which take 180 MB of memory and seconds of start-up. Only
a Fourier transform and two matrix products are needed here.
"""

import functools
import math
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

_MIN_POWER = 1e-10  # lower power is raised to this
RANGE_DB = 80.0  # values further below the maximum are raised to this far below it

# Slaney's mel scale (Auditory Toolbox, 1998): linear up to 1 kHz, logarithmic above.
_HZ_PER_MEL = 200 / 3
_BREAK_HZ = 1000.0
_BREAK_MEL = _BREAK_HZ / _HZ_PER_MEL
_LOG_STEP = math.log(6.4) / 27

_BLOCK_FRAMES = 64  # transformed together; they stay in the processor's cache
_GROUP_BANDS = 16  # neighbouring mel bands share a product, because they have few bins


class _FilterGroup(NamedTuple):
    """Neighbouring bands of the filter bank; `weights` has shape (bins, bands), float32."""

    bands: slice
    bins: slice
    weights: np.ndarray


def mel_power(
    samples: np.ndarray, *, sample_rate: int, n_fft: int, hop_length: int, n_mels: int
) -> np.ndarray:
    """Return the power in each mel band of each frame.

    Frames are centred at every `hop_length` samples and have a Hann window; zeros stand before
    and after the clip. Apart from the result, the memory does not grow with the clip.

    Args:
        samples: shape (n,), float32; 1.0 is full scale.
        sample_rate: in Hz; the mel bands go from 0 to half of it.
        n_fft: length of a frame, in samples; even.

    Returns:
        shape (1 + n // hop_length, n_mels), float32, at least 0.
    """
    n_frames = 1 + len(samples) // hop_length
    window, filters = _hann_window(n_fft), _filter_bank(sample_rate, n_fft, n_mels)
    mel = np.empty((n_frames, n_mels), np.float32)
    frames = np.empty((_BLOCK_FRAMES, n_fft), np.float32)
    spectrum = np.empty((_BLOCK_FRAMES, n_fft // 2 + 1), np.complex64)
    power, square = (np.empty(spectrum.shape, np.float32) for _ in range(2))
    for start in range(0, n_frames, _BLOCK_FRAMES):
        n = min(_BLOCK_FRAMES, n_frames - start)
        first = start * hop_length - n_fft // 2
        part = _padded_slice(samples, first, first + (n - 1) * hop_length + n_fft)
        np.multiply(sliding_window_view(part, n_fft)[::hop_length], window, out=frames[:n])
        np.fft.rfft(frames[:n], out=spectrum[:n])  # type: ignore[arg-type]  # stubs: complex128
        np.square(spectrum.real[:n], out=power[:n])
        power[:n] += np.square(spectrum.imag[:n], out=square[:n])
        for bands, bins, weights in filters:
            mel[start : start + n, bands] = power[:n, bins] @ weights
    return mel


def to_db(power: np.ndarray) -> np.ndarray:
    """Return power of any shape in decibels, at least -100 dB."""
    db = np.maximum(power, _MIN_POWER)
    np.log10(db, out=db)
    db *= 10
    return db


def mfcc(mel_db: np.ndarray, *, n_mfcc: int) -> np.ndarray:
    """Return the MFCCs of mel spectrograms.

    Args:
        mel_db: shape (…, frames, n_mels), float32, in dB.

    Returns:
        shape (…, frames, n_mfcc), float32.
    """
    floor = mel_db.max(axis=(-2, -1), keepdims=True) - np.float32(RANGE_DB)
    # In float64: the values are in the hundreds, and float32 would leave three decimals.
    return (np.maximum(mel_db, floor) @ _dct_matrix(mel_db.shape[-1], n_mfcc)).astype(np.float32)


def mel_frequencies(n_mels: int, sample_rate: int) -> np.ndarray:
    """Return the centre of each mel band, in Hz: shape (n_mels,), float64."""
    return _band_edges(n_mels, sample_rate)[1:-1]


def _padded_slice(samples: np.ndarray, start: int, stop: int) -> np.ndarray:
    """Return `samples[start:stop]`, with zeros outside the clip."""
    if start >= 0 and stop <= len(samples):
        return samples[start:stop]
    padded = np.zeros(stop - start, np.float32)
    inside = samples[max(start, 0) : stop]
    offset = max(-start, 0)
    padded[offset : offset + len(inside)] = inside
    return padded


@functools.cache
def _hann_window(n: int) -> np.ndarray:
    """Return the periodic Hann window: shape (n,), float32."""
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n) / n)).astype(np.float32)


def _band_edges(n_mels: int, sample_rate: int) -> np.ndarray:
    """Return the edges of the mel bands, in Hz: shape (n_mels + 2,).

    Band i begins at edge i, peaks at edge i + 1 and ends at edge i + 2.
    """
    top = _BREAK_MEL + math.log(sample_rate / 2 / _BREAK_HZ) / _LOG_STEP
    mel = np.linspace(0, top, n_mels + 2)
    above = _BREAK_HZ * np.exp(_LOG_STEP * (mel - _BREAK_MEL))
    return np.where(mel < _BREAK_MEL, mel * _HZ_PER_MEL, above)


@functools.cache
def _filter_bank(sample_rate: int, n_fft: int, n_mels: int) -> tuple[_FilterGroup, ...]:
    """Return triangular filters of equal area (Slaney's norm), in groups of neighbours."""
    edges = _band_edges(n_mels, sample_rate)[:, np.newaxis]
    bins = np.fft.rfftfreq(n_fft, 1 / sample_rate)
    low, centre, high = edges[:-2], edges[1:-1], edges[2:]
    rising, falling = (bins - low) / (centre - low), (high - bins) / (high - centre)
    bank = np.maximum(0, np.minimum(rising, falling)) * 2 / (high - low)
    groups = []
    for start in range(0, n_mels, _GROUP_BANDS):
        bands = slice(start, start + _GROUP_BANDS)
        nonzero = np.flatnonzero(bank[bands].any(axis=0))
        used = slice(nonzero.min(initial=len(bins)), nonzero.max(initial=-1) + 1)
        weights = np.ascontiguousarray(bank[bands, used].T, np.float32)
        groups.append(_FilterGroup(bands, used, weights))
    return tuple(groups)


@functools.cache
def _dct_matrix(n_mels: int, n_mfcc: int) -> np.ndarray:
    """Return the orthonormal DCT-II: shape (n_mels, n_mfcc), float64."""
    angles = np.outer(2 * np.arange(n_mels) + 1, np.arange(n_mfcc)) * np.pi / (2 * n_mels)
    matrix = np.sqrt(2 / n_mels) * np.cos(angles)
    matrix[:, 0] /= np.sqrt(2)
    return matrix
