"""Training rows with augmentation: the same clips, their waveform changed; after the split only."""

import zlib
from collections.abc import Sequence

import numpy as np

from ser.audio import load_audio
from ser.augmentation import find_augmentation
from ser.data.cache import cached
from ser.data.dataset import Dataset
from ser.errors import UsageError
from ser.features import FeatureSet
from ser.models.recipes import Recipe, recipe_features


def changed_features(
    dataset: Dataset, rows: np.ndarray, features: FeatureSet, names: Sequence[str], *, seed: int
) -> np.ndarray:
    """Return the features of some rows after each of some changes.

    Args:
        rows: of training clips, so that no copy of a clip is on two sides of a split.
        names: of changes, as `find_augmentation` takes them.
        seed: a clip, a change and a seed give one answer, whatever the other rows.

    Returns:
        shape (names, rows, *feature shape), float32.

    Raises:
        UsageError: a change is not known, or the rows are of a feature matrix, not of clips.
    """
    changes = {name: find_augmentation(name) for name in names}
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
    if not recipe.augmentations:
        return x, y
    features = recipe_features(recipe)
    changed = changed_features(dataset, rows, features, recipe.augmentations, seed=seed)
    return np.concatenate([x, *changed]), np.tile(y, 1 + len(recipe.augmentations))
