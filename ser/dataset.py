"""Features with their utterances: what protocols split and recipes train on."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ser.audio import load_audio
from ser.corpora import CORPORA, Utterance, scan
from ser.emotions import EMOTIONS
from ser.errors import SerError, UsageError
from ser.features import FeatureSet


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

    def merged(self, labels: Mapping[str, str]) -> "Dataset":
        """Return the same rows with the emotions in `labels` called by another name."""
        if not labels:
            return self
        renamed = (replace(u, emotion=labels.get(u.emotion, u.emotion)) for u in self.utterances)
        return replace(self, utterances=tuple(renamed))

    def corpus_counts(self) -> dict[str, int]:
        """Return the number of utterances of each corpus."""
        return dict(sorted(Counter(u.corpus for u in self.utterances).items()))


def load_dataset(
    data: Sequence[Path],
    features: FeatureSet,
    *,
    progress: Callable[[Iterable[Utterance]], Iterable[Utterance]] = iter,
) -> Dataset:
    """Return the features of the corpora below the folders of `data`, or of one .npz file.

    A clip that cannot be read is left out and noted.

    Args:
        data: folders, or a single ``.npz`` that holds ``X`` (rows, *shape) and ``y``.
        progress: wraps the utterances as they are worked through, such as `tqdm.tqdm`.

    Raises:
        UsageError: nothing usable is there.
    """
    if any(path.suffix == ".npz" for path in data):
        if len(data) > 1:
            raise UsageError("--data takes one .npz file, or folders")
        return _load_matrix(data[0], features)
    found = scan(data, CORPORA)
    notes, rows, kept = [found.summary()], [], []
    for utterance in progress(found.utterances):
        try:
            rows.append(features.extract(load_audio(utterance.path).samples))
            kept.append(utterance)
        except (SerError, OSError) as error:
            notes.append(f"left out {utterance.path}: {error}")
    if not kept:
        folders = ", ".join(map(str, data))
        raise UsageError(f"no utterance of {', '.join(CORPORA)} below {folders}")
    return Dataset(np.stack(rows), tuple(kept), tuple(notes))


def _load_matrix(path: Path, features: FeatureSet) -> Dataset:
    """Load a published feature matrix; its rows have neither a name nor a speaker."""
    try:
        with np.load(path, allow_pickle=False) as file:
            x, y = file["X"], file["y"]
    except (OSError, KeyError, ValueError) as error:
        raise UsageError(f"{path} is not an .npz file with X and y: {error}") from error
    if x.ndim < 2 or x[0].size != np.prod(features.shape):
        raise UsageError(
            f"{path}: rows of shape {x.shape[1:]}, but {features.name} has {features.shape}"
        )
    if len(x) != len(y) or y.min() < 0 or y.max() >= len(EMOTIONS):
        raise UsageError(f"{path}: y must hold one label from 0 to {len(EMOTIONS) - 1} a row")
    utterances = (
        Utterance(path=Path(f"{path}#{row}"), emotion=EMOTIONS[label], speaker="", corpus=path.stem)
        for row, label in enumerate(y)
    )
    return Dataset(
        x.reshape(len(x), *features.shape).astype(np.float32),
        tuple(utterances),
        (f"{len(x)} rows of {path.name}, without speakers",),
    )
