"""More training rows: the same clips with their waveform changed; after the split only.

audiomentations has such changes too, but its 0.43 takes soxr below 1.0 alone, and would hold
back the one that training and serving resample with. librosa, which is there, does what is
needed.
"""

import zlib
from collections.abc import Callable, Sequence

import numpy as np

from ser.audio import load_audio
from ser.cache import cached
from ser.dataset import Dataset
from ser.errors import UsageError
from ser.features import FeatureSet
from ser.recipes import Recipe, recipe_features
from ser.registry import lookup

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


CHANGES: dict[str, Change] = {
    "noise": _noise,
    "shift": _shift,
    "stretch": _stretch,
    "pitch": _pitch,
    "dynamics": _dynamics,
}


def find_change(name: str) -> Change:
    """Return the change of a name; ``"noise+shift"`` is the one after the other.

    Raises:
        UsageError: there is none; the message lists the known ones.
    """
    parts = name.split("+")
    if len(set(parts)) < len(parts):
        raise UsageError(f"{name!r} names a change twice")
    steps = [lookup(CHANGES, part, "change of waveform") for part in parts]

    def apply(samples: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
        for step in steps:
            samples = step(samples, rate, rng)
        return samples.astype(np.float32, copy=False)

    return apply


def changed_features(
    dataset: Dataset, rows: np.ndarray, features: FeatureSet, names: Sequence[str], *, seed: int
) -> np.ndarray:
    """Return the features of some rows after each of some changes.

    Args:
        rows: of training clips, so that no copy of a clip is on two sides of a split.
        names: of changes, as `find_change` takes them.
        seed: a clip, a change and a seed give one answer, whatever the other rows.

    Returns:
        shape (names, rows, *feature shape), float32.

    Raises:
        UsageError: a change is not known, or the rows are of a feature matrix, not of clips.
    """
    changes = {name: find_change(name) for name in names}
    clips = [dataset.utterances[i] for i in rows]
    if missing := next((clip.path for clip in clips if not clip.path.is_file()), None):
        raise UsageError(f"changing a waveform needs the clip itself; there is no {missing}")
    if not changes or not clips:
        return np.empty((len(changes), len(clips), *features.shape), np.float32)

    def compute() -> dict[str, np.ndarray]:
        made = np.empty((len(changes), len(clips), *features.shape), np.float32)
        for column, clip in enumerate(clips):
            samples = load_audio(clip.path, rate=features.sample_rate).samples
            for row, (name, change) in enumerate(changes.items()):
                key = f"{name} {clip.corpus} {clip.take or clip.path.name}"
                rng = np.random.default_rng([seed, zlib.crc32(key.encode())])
                made[row, column] = features.extract(change(samples, features.sample_rate, rng))
        return {"features": made}

    paths = [clip.path for clip in clips]
    return cached("changed", paths, [features.to_metadata(), list(names), seed], compute)[
        "features"
    ]


def training_rows(
    recipe: Recipe, dataset: Dataset, rows: np.ndarray, *, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return what a recipe is trained on: its rows, and again after each of its changes.

    Returns:
        features of shape (n, *feature shape), and label indices of shape (n,).
    """
    x, y = dataset.features[rows], dataset.label_indices(recipe.labels)[rows]
    if not recipe.changes:
        return x, y
    features = recipe_features(recipe)
    changed = changed_features(dataset, rows, features, recipe.changes, seed=seed)
    return np.concatenate([x, *changed]), np.tile(y, 1 + len(recipe.changes))
