"""Mel spectrograms and mfcc, as librosa 0.11 computes them by default, without its imports.

librosa brings numba and scikit-learn: 180 MB of memory and seconds of start for what is here
a Fourier transform and two products of matrices.
"""

import functools
import math
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

_AMIN = 1e-10  # power below this counts as this much
RANGE_DB = 80.0  # what is further below the loudest counts as this much below

# Slaney's mel scale (Auditory Toolbox, 1998): linear up to 1 kHz, logarithmic above.
_HZ_PER_MEL = 200 / 3
_BREAK_HZ = 1000.0
_BREAK_MEL = _BREAK_HZ / _HZ_PER_MEL
_LOG_STEP = math.log(6.4) / 27

_BLOCK = 64  # frames transformed together: they stay in the processor's cache
_BANDS = 16  # of the filter bank in one product: a group of neighbours has few bins


class _Filters(NamedTuple):
    """Some neighbouring bands of the filter bank; `weights` has shape (bins, bands)."""

    bands: slice
    bins: slice
    weights: np.ndarray


def mel_power(
    samples: np.ndarray, *, sample_rate: int, n_fft: int, hop_length: int, n_mels: int
) -> np.ndarray:
    """Return the power in each mel band of each frame.

    Frames are centred at every `hop_length` samples, with zeros before and after the clip,
    under a Hann window. Memory beside the answer is the same for every length.

    Args:
        samples: shape (n,), float32; 1.0 is full scale.
        sample_rate: in Hz; the bands go from 0 to half of it.
        n_fft: length of a frame, in samples; even.

    Returns:
        shape (1 + n // hop_length, n_mels), float32, at least 0.
    """
    n_frames = 1 + len(samples) // hop_length
    window, filters = _hann(n_fft), _filter_bank(sample_rate, n_fft, n_mels)
    mel = np.empty((n_frames, n_mels), np.float32)
    frames = np.empty((_BLOCK, n_fft), np.float32)
    spectrum = np.empty((_BLOCK, n_fft // 2 + 1), np.complex64)
    power, square = (np.empty(spectrum.shape, np.float32) for _ in range(2))
    for start in range(0, n_frames, _BLOCK):
        n = min(_BLOCK, n_frames - start)
        first = start * hop_length - n_fft // 2
        part = _cut(samples, first, first + (n - 1) * hop_length + n_fft)
        np.multiply(sliding_window_view(part, n_fft)[::hop_length], window, out=frames[:n])
        np.fft.rfft(frames[:n], out=spectrum[:n])  # type: ignore[arg-type]  # stubs: complex128
        np.square(spectrum.real[:n], out=power[:n])
        power[:n] += np.square(spectrum.imag[:n], out=square[:n])
        for bands, bins, weights in filters:
            mel[start : start + n, bands] = power[:n, bins] @ weights
    return mel


def to_db(power: np.ndarray) -> np.ndarray:
    """Return power in decibels: of any shape, at least -100 dB."""
    db = np.maximum(power, _AMIN)
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
    # In float64: of a sum of hundreds, float32 would keep three decimals.
    return (np.maximum(mel_db, floor) @ _cosines(mel_db.shape[-1], n_mfcc)).astype(np.float32)


def mel_frequencies(n_mels: int, sample_rate: int) -> np.ndarray:
    """Return the centre of each mel band, in Hz: shape (n_mels,), float64."""
    return _edges(n_mels, sample_rate)[1:-1]


def _cut(samples: np.ndarray, start: int, stop: int) -> np.ndarray:
    """Return `samples[start:stop]`, with zeros for what is outside the clip."""
    if start >= 0 and stop <= len(samples):
        return samples[start:stop]
    cut = np.zeros(stop - start, np.float32)
    inside = samples[max(start, 0) : stop]
    offset = max(-start, 0)
    cut[offset : offset + len(inside)] = inside
    return cut


@functools.cache
def _hann(n: int) -> np.ndarray:
    """Return the periodic Hann window."""
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n) / n)).astype(np.float32)


def _edges(n_mels: int, sample_rate: int) -> np.ndarray:
    """Return where bands begin, peak and end, in Hz: each overlaps its neighbours by half."""
    top = _BREAK_MEL + math.log(sample_rate / 2 / _BREAK_HZ) / _LOG_STEP
    mel = np.linspace(0, top, n_mels + 2)
    above = _BREAK_HZ * np.exp(_LOG_STEP * (mel - _BREAK_MEL))
    return np.where(mel < _BREAK_MEL, mel * _HZ_PER_MEL, above)


@functools.cache
def _filter_bank(sample_rate: int, n_fft: int, n_mels: int) -> tuple[_Filters, ...]:
    """Return triangles of equal area (Slaney's norm), in groups of neighbours."""
    edges = _edges(n_mels, sample_rate)[:, np.newaxis]
    bins = np.fft.rfftfreq(n_fft, 1 / sample_rate)
    low, centre, high = edges[:-2], edges[1:-1], edges[2:]
    rising, falling = (bins - low) / (centre - low), (high - bins) / (high - centre)
    bank = np.maximum(0, np.minimum(rising, falling)) * 2 / (high - low)
    groups = []
    for start in range(0, n_mels, _BANDS):
        bands = slice(start, start + _BANDS)
        within = np.flatnonzero(bank[bands].any(axis=0))
        used = slice(within.min(initial=len(bins)), within.max(initial=-1) + 1)
        weights = np.ascontiguousarray(bank[bands, used].T, np.float32)
        groups.append(_Filters(bands, used, weights))
    return tuple(groups)


@functools.cache
def _cosines(n_mels: int, n_mfcc: int) -> np.ndarray:
    """Return the orthonormal DCT-II as a matrix: shape (n_mels, n_mfcc), float64."""
    angles = np.outer(2 * np.arange(n_mels) + 1, np.arange(n_mfcc)) * np.pi / (2 * n_mels)
    matrix = np.sqrt(2 / n_mels) * np.cos(angles)
    matrix[:, 0] /= np.sqrt(2)
    return matrix
