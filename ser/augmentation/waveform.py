"""More training rows: the same clips with their waveform changed; after the split only.

audiomentations has such changes too, but its 0.43 takes soxr below 1.0 alone, and would hold
back the one that training and serving resample with. librosa, which is there, does what is
needed.
"""

from collections.abc import Callable

import numpy as np

from ser.errors import UsageError
from ser.plugins import lookup

#: samples of shape (n,), float32, their rate in Hz, and a seeded generator, to samples of
#: any length, float32.
Change = Callable[[np.ndarray, int, np.random.Generator], np.ndarray]

# The ranges that the published Conv1D networks over `mfcc216` were trained with; their
# stretch was always 0.8.
_NOISE = 0.005  # of the peak, at the most
_SHIFT_S = 0.057  # to either side, in a circle: 2,500 samples at 44.1 kHz
_SEMITONES = (0.0, 4.0)
_TEMPO = (0.8, 1.2)
_GAIN = (1.5, 3.0)


def _noise(samples: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:  # noqa: ARG001
    amplitude = rng.uniform(0, _NOISE) * np.abs(samples).max()
    return samples + amplitude * rng.standard_normal(len(samples))


def _shift(samples: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
    return np.roll(samples, round(rng.uniform(-_SHIFT_S, _SHIFT_S) * rate))


def _stretch(samples: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:  # noqa: ARG001
    from librosa.effects import time_stretch

    return time_stretch(samples, rate=rng.uniform(*_TEMPO))


def _pitch(samples: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
    from librosa.effects import pitch_shift

    return pitch_shift(samples, sr=rate, n_steps=rng.uniform(*_SEMITONES))


def _dynamics(samples: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:  # noqa: ARG001
    return samples * rng.uniform(*_GAIN)


AUGMENTATIONS: dict[str, Change] = {
    "noise": _noise,
    "shift": _shift,
    "stretch": _stretch,
    "pitch": _pitch,
    "dynamics": _dynamics,
}


def find_augmentation(name: str) -> Change:
    """Return the change of a name; ``"noise+shift"`` is the one after the other.

    Raises:
        UsageError: there is none; the message lists the known ones.
    """
    parts = name.split("+")
    if len(set(parts)) < len(parts):
        raise UsageError(f"{name!r} names a change twice")
    steps = [lookup(AUGMENTATIONS, part, "change of waveform") for part in parts]

    def apply(samples: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
        for step in steps:
            samples = step(samples, rate, rng)
        return samples.astype(np.float32, copy=False)

    return apply
