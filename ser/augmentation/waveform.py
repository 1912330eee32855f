"""Augmentation of waveforms: noise, time shift, time stretch, pitch shift and gain.

Only training clips are augmented, after the split.

Why not audiomentations: its version 0.43 requires soxr below 1.0, and training and serving
resample with a newer one. librosa, which training needs anyway, does the hard parts.
"""

from collections.abc import Callable

import numpy as np

from ser.errors import UsageError
from ser.plugins import lookup

#: Takes samples, shape (n,), float32, their rate in Hz and a seeded generator; returns samples
#: of any length.
WaveformAugmentation = Callable[[np.ndarray, int, np.random.Generator], np.ndarray]

# The published Conv1D networks over `mfcc216` were trained with these ranges, except that
# their time stretch was always 0.8.
_MAX_NOISE = 0.005  # of the peak
_MAX_SHIFT_S = 0.057  # to either side: 2,500 samples at 44.1 kHz
_SEMITONES = (0.0, 4.0)
_TEMPO = (0.8, 1.2)
_GAIN = (1.5, 3.0)


def _noise(samples: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:  # noqa: ARG001
    """Add white noise."""
    amplitude = rng.uniform(0, _MAX_NOISE) * np.abs(samples).max()
    return samples + amplitude * rng.standard_normal(len(samples))


def _shift(samples: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
    """Shift the clip in time; what leaves at one end comes back at the other."""
    return np.roll(samples, round(rng.uniform(-_MAX_SHIFT_S, _MAX_SHIFT_S) * rate))


def _stretch(samples: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:  # noqa: ARG001
    from librosa.effects import time_stretch

    return time_stretch(samples, rate=rng.uniform(*_TEMPO))


def _pitch(samples: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
    from librosa.effects import pitch_shift

    return pitch_shift(samples, sr=rate, n_steps=rng.uniform(*_SEMITONES))


def _dynamics(samples: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:  # noqa: ARG001
    return samples * rng.uniform(*_GAIN)


#: Each augmentation by name.
AUGMENTATIONS: dict[str, WaveformAugmentation] = {
    "noise": _noise,
    "shift": _shift,
    "stretch": _stretch,
    "pitch": _pitch,
    "dynamics": _dynamics,
}


def find_augmentation(name: str) -> WaveformAugmentation:
    """Return the augmentation of a name; ``"noise+shift"`` applies both, in this order.

    Raises:
        UsageError: a name is unknown, and the message lists the known ones; or it comes twice.
    """
    parts = name.split("+")
    if len(set(parts)) < len(parts):
        raise UsageError(f"{name!r} names an augmentation twice")
    steps = [lookup(AUGMENTATIONS, part, "waveform augmentation") for part in parts]

    def apply(samples: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
        for step in steps:
            samples = step(samples, rate, rng)
        return samples.astype(np.float32, copy=False)

    return apply
