"""Features with their utterances: what protocols split and recipes train on."""

import hashlib
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import soxr

from ser.audio import SAMPLE_RATE, load_audio
from ser.augmentation import Augmentation, SpectrogramSet
from ser.augmentation.corruptions import corruptions, telephone
from ser.corpora import CORPORA, Utterance, scan
from ser.data.cache import cached
from ser.data.extraction import extract_file
from ser.data.feature_matrix import load_matrix
from ser.errors import UsageError
from ser.features import FeatureSet
from ser.features.mfcc40_frames import log_mel
from ser.models.label_sets import LabelSet, balanced
from ser.models.recipes.base import Recipe

_BABBLE_VOICES, _BABBLE_CLIPS = 8, 5


@dataclass(frozen=True)
class Dataset:
    """Rows of features, one per utterance.

    Attributes:
        features: shape (rows, *feature shape), float32.
        utterances: what is known of each row.
        notes: what was left out on the way, a line each.
    """

    features: np.ndarray
    utterances: tuple[Utterance, ...]
    notes: tuple[str, ...] = ()

    def label_indices(self, labels: Sequence[str]) -> np.ndarray:
        """Return the index in `labels` of each row's emotion: shape (rows,), int64."""
        index = {label: i for i, label in enumerate(labels)}
        unknown = {u.emotion for u in self.utterances} - index.keys()
        if unknown:
            raise UsageError(f"the data holds {sorted(unknown)}; the labels are {list(labels)}")
        return np.array([index[u.emotion] for u in self.utterances])

    def digest(self) -> str:
        """Return a digest of the features and the emotions."""
        digest = hashlib.sha256(np.ascontiguousarray(self.features).data)
        digest.update("\n".join(u.emotion for u in self.utterances).encode())
        return digest.hexdigest()

    def merged(self, labels: Mapping[str, str]) -> "Dataset":
        """Return the same rows with the emotions in `labels` called by another name."""
        if not labels:
            return self
        renamed = (replace(u, emotion=labels.get(u.emotion, u.emotion)) for u in self.utterances)
        return replace(self, utterances=tuple(renamed))

    def only(self, rows: Sequence[int] | np.ndarray) -> "Dataset":
        """Return some of the rows."""
        chosen = np.asarray(rows, dtype=int)
        return replace(
            self,
            features=self.features[chosen],
            utterances=tuple(self.utterances[i] for i in chosen),
        )

    def grouped(self, label_set: LabelSet) -> "Dataset":
        """Return the rows that a label set has a class for, with their classes as emotions.

        Raises:
            UsageError: there are none.
        """
        classes = {i: c for i, u in enumerate(self.utterances) if (c := label_set.classify(u))}
        if not classes:
            known = ", ".join(sorted({u.emotion for u in self.utterances}))
            raise UsageError(f"label set {label_set.name} has no class for any of {known}")
        kept = self.only(list(classes))
        named = zip(kept.utterances, classes.values(), strict=True)
        left_out = len(self.utterances) - len(classes)
        note = (f"{left_out} clips of no class of label set {label_set.name} left out",)
        return replace(
            kept,
            utterances=tuple(replace(u, emotion=c) for u, c in named),
            notes=self.notes + (note if left_out else ()),
        )

    def for_recipe(self, recipe: Recipe) -> "Dataset":
        """Return the rows that a recipe uses, its classes as their emotions.

        Raises:
            UsageError: there are none.
        """
        rows = [i for i, u in enumerate(self.utterances) if recipe.sex in ("", u.sex)]
        return self.only(rows).grouped(recipe.label_set)

    def balanced(self, rows: np.ndarray, *, seed: int) -> np.ndarray:
        """Return as many of these rows of each emotion as the rarest has; see `balanced`."""
        return rows[balanced([self.utterances[i].emotion for i in rows], seed=seed)]

    def corpus_counts(self) -> dict[str, int]:
        """Return the number of utterances of each corpus."""
        return dict(sorted(Counter(u.corpus for u in self.utterances).items()))


def load_dataset(
    data: Sequence[Path],
    features: FeatureSet,
    *,
    progress: Callable[[Iterable[Utterance]], Iterable[Utterance]] = iter,
) -> Dataset:
    """Return the features of the clips that `data` names, or of one .npz file.

    A clip that cannot be read is left out and noted.

    Args:
        data: folders and manifests, as `scan` takes them, or a single ``.npz``, as
            `ser.data.feature_matrix.load_matrix` takes it.
        progress: wraps the utterances as they are worked through, such as `tqdm.tqdm`.

    Raises:
        UsageError: nothing usable is there.
    """
    if any(path.suffix == ".npz" for path in data):
        if len(data) > 1:
            raise UsageError("--data takes one .npz file, or folders")
        x, utterances, note = load_matrix(data[0], features)
        return Dataset(x, utterances, (note,))
    found = scan(data, CORPORA)

    def extract() -> dict[str, np.ndarray]:
        tried = [extract_file(utterance.path, features) for utterance in progress(found.utterances)]
        rows = [row for row, _ in tried if row is not None]
        return {
            "features": np.stack(rows) if rows else np.empty((0, *features.shape), np.float32),
            "faults": np.array([fault for _, fault in tried], str),
        }

    paths = [utterance.path for utterance in found.utterances]
    stored = cached("features", paths, features.to_metadata(), extract)
    kept = tuple(u for u, f in zip(found.utterances, stored["faults"], strict=True) if not f)
    if not kept:
        folders = ", ".join(map(str, data))
        raise UsageError(f"no utterance of {', '.join(CORPORA)} below {folders}")
    left_out = [
        f"left out {path}: {fault}"
        for path, fault in zip(paths, stored["faults"], strict=True)
        if fault
    ]
    return Dataset(stored["features"], kept, (found.summary(), *left_out))


def training_clips(
    dataset: Dataset, features: FeatureSet, augmentation: Augmentation, labels: Sequence[str]
) -> SpectrogramSet:
    """Return the spectrograms of every clip of a dataset, at each speed of an augmentation."""
    speeds = [
        (augmentation.speeds.get(u.corpus, (1.0,)), augmentation.telephone.get(u.corpus, ()))
        for u in dataset.utterances
    ]

    def versions(
        samples: np.ndarray, near: Sequence[float], phoned: Sequence[float]
    ) -> Iterator[np.ndarray]:
        rate = features.sample_rate
        for speed in near:
            yield soxr.resample(samples, rate * speed, rate)
        for speed in phoned:
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
        spectra=[[next(spectra) for _ in (*near, *phoned)] for near, phoned in speeds],
        labels=dataset.label_indices(labels),
        auxiliary=np.array([u.corpus == augmentation.auxiliary for u in dataset.utterances]),
        oversampled=frozenset(labels.index(e) for e in augmentation.oversampled if e in labels),
    )


def corrupted_features(
    dataset: Dataset, rows: np.ndarray, features: FeatureSet, condition: str
) -> np.ndarray:
    """Return the features of some rows as recorded under a condition: (rows, *shape).

    The babble is mixed from clips of the dataset that are not among `rows`.
    """
    clips = [dataset.utterances[i] for i in rows]
    others = np.setdiff1d(np.arange(len(dataset.utterances)), rows)
    chosen = np.random.default_rng(0).permutation(others)[: _BABBLE_VOICES * _BABBLE_CLIPS]
    babble = [dataset.utterances[i].path for i in chosen]

    def compute() -> dict[str, np.ndarray]:
        change = corruptions(_babble(babble))[condition]
        corrupted = []
        for utterance in clips:
            rng = np.random.default_rng(zlib.crc32(utterance.take.encode()))
            changed = change(load_audio(utterance.path).samples, rng)
            if features.sample_rate != SAMPLE_RATE:
                changed = soxr.resample(changed, SAMPLE_RATE, features.sample_rate)
            corrupted.append(features.extract(changed))
        return {"features": np.stack(corrupted)}

    paths = [u.path for u in clips] + babble
    return cached("corrupted", paths, [features.to_metadata(), condition], compute)["features"]


def _babble(paths: Sequence[Path]) -> np.ndarray:
    """Return many voices at once: `_BABBLE_VOICES` tracks of clips end to end, added."""
    if not paths:
        raise UsageError("babble is mixed from clips that are not tested; there are none")
    samples = [load_audio(path).samples for path in paths]
    tracks = [np.concatenate(samples[i::_BABBLE_VOICES] or samples) for i in range(_BABBLE_VOICES)]
    shortest = min(map(len, tracks))
    loudness = (np.sqrt(np.mean(track**2)) for track in tracks)
    return np.sum([t[:shortest] / level for t, level in zip(tracks, loudness, strict=True)], axis=0)
