"""Training rows and augmentation; applied after the split, to training clips only."""

import zlib
from collections.abc import Iterator, Sequence

import numpy as np
import soxr

from ser.audio import load_audio
from ser.augmentation import Augmentation, SpectrogramSet, find_augmentation
from ser.augmentation.corruptions import telephone
from ser.data.cache import cached
from ser.data.dataset import Dataset
from ser.data.references import neutral_voice
from ser.errors import UsageError
from ser.features import FeatureSet
from ser.features.mfcc40_frames import log_mel
from ser.models.recipes import KerasRecipe, Recipe, recipe_features


def augmented_features(
    dataset: Dataset, rows: np.ndarray, features: FeatureSet, names: Sequence[str], *, seed: int
) -> np.ndarray:
    """Return the features of rows, once for each augmentation of their waveforms.

    Args:
        rows: row numbers of training clips only, so that no copy of a clip is in two parts.
        names: of augmentations, as `find_augmentation` takes them.
        seed: the result for a clip depends on the clip, the augmentation and the seed, not on
            the other rows.

    Returns:
        shape (names, rows, *feature shape), float32.

    Raises:
        UsageError: an augmentation is not known, or a row has no audio file.
    """
    augmentations = {name: find_augmentation(name) for name in names}
    clips = [dataset.utterances[i] for i in rows]
    if missing := next((clip.path for clip in clips if not clip.path.is_file()), None):
        raise UsageError(f"augmenting a waveform needs the clip itself; there is no {missing}")
    if not augmentations or not clips:
        return np.empty((len(augmentations), len(clips), *features.shape), np.float32)

    def compute() -> dict[str, np.ndarray]:
        augmented = np.empty((len(augmentations), len(clips), *features.shape), np.float32)
        for column, clip in enumerate(clips):
            samples = load_audio(clip.path, rate=features.sample_rate).samples
            for row, (name, augment) in enumerate(augmentations.items()):
                key = f"{name} {clip.corpus} {clip.take or clip.path.name}"
                rng = np.random.default_rng([seed, zlib.crc32(key.encode())])
                waveform = augment(samples, features.sample_rate, rng)
                augmented[row, column] = features.extract(waveform)
        return {"features": augmented}

    paths = [clip.path for clip in clips]
    parameters = [features.to_metadata(), list(names), seed]
    return cached("augmented", paths, parameters, compute)["features"]


def training_rows(
    recipe: Recipe, dataset: Dataset, rows: np.ndarray, *, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return what a recipe trains on: the rows, and a copy of them for each augmentation.

    Returns:
        features of shape (n, *feature shape), float32, and label indices of shape (n,), int64.

    Raises:
        UsageError: the recipe has augmentations, and a row has no audio file.
    """
    x, y = dataset.features[rows], dataset.label_indices(recipe.labels)[rows]
    if not recipe.augmentations:
        return x, y
    features = recipe_features(recipe)
    augmented = augmented_features(dataset, rows, features, recipe.augmentations, seed=seed)
    return np.concatenate([x, *augmented]), np.tile(y, 1 + len(recipe.augmentations))


def spectrograms_of(recipe: KerasRecipe, dataset: Dataset) -> SpectrogramSet | None:
    """Return the spectrograms that a recipe augments; None if it augments none."""
    if not recipe.augmentation:
        return None
    return load_spectrograms(dataset, recipe_features(recipe), recipe.augmentation, recipe.labels)


def load_spectrograms(
    dataset: Dataset, features: FeatureSet, augmentation: Augmentation, labels: Sequence[str]
) -> SpectrogramSet:
    """Return the spectrograms of every clip, at each speed of the augmentation.

    Args:
        augmentation: names for each corpus the speeds of its clips, and the speeds of further
            copies that sound like a telephone.
        labels: the labels of the recipe, in order.
    """
    speeds = [
        (augmentation.speeds.get(u.corpus, (1.0,)), augmentation.telephone.get(u.corpus, ()))
        for u in dataset.utterances
    ]

    def versions(
        samples: np.ndarray, plain: Sequence[float], phone: Sequence[float]
    ) -> Iterator[np.ndarray]:
        rate = features.sample_rate
        for speed in plain:
            yield soxr.resample(samples, rate * speed, rate)
        for speed in phone:
            yield telephone(soxr.resample(samples, rate * speed, rate))

    def compute() -> dict[str, np.ndarray]:
        spectra = [
            log_mel(version, sample_rate=features.sample_rate, **features.params).astype(np.float16)
            for utterance, own in zip(dataset.utterances, speeds, strict=True)
            for version in versions(load_audio(utterance.path).samples, *own)
        ]
        ends = np.cumsum([len(spectrum) for spectrum in spectra])
        return {"frames": np.concatenate(spectra), "ends": ends}

    paths = [utterance.path for utterance in dataset.utterances]
    stored = cached("spectra", paths, [features.to_metadata(), speeds], compute)
    spectra = iter(np.split(stored["frames"], stored["ends"][:-1]))
    return SpectrogramSet(
        spectra=[[next(spectra) for _ in (*plain, *phone)] for plain, phone in speeds],
        labels=dataset.label_indices(labels),
        auxiliary=np.array([u.corpus == augmentation.auxiliary for u in dataset.utterances]),
        oversampled=frozenset(labels.index(e) for e in augmentation.oversampled if e in labels),
        corpora=np.array([u.corpus for u in dataset.utterances]),
        speakers=np.array([u.speaker for u in dataset.utterances]),
        neutral=neutral_voice(dataset.utterances),
    )
