"""A dataset: features and their utterances, which protocols split and recipes train on."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ser.corpora import CORPORA, Scan, Utterance, scan
from ser.data.cache import cached
from ser.data.extraction import extract_file_with_mean, fault_line, no_clip_readable
from ser.data.feature_matrix import load_matrix
from ser.errors import UsageError
from ser.features import FeatureSet
from ser.filenames import show_path
from ser.models.label_sets import LabelSet, balanced
from ser.models.recipes.base import Recipe

_FILES_SHOWN = 3  # of those that say no emotion


@dataclass(frozen=True)
class Dataset:
    """Rows of features, one per utterance.

    Attributes:
        features: shape (rows, *feature shape), float32.
        utterances: one for each row.
        notes: what was loaded and what was left out, one line each.
        means: of relative features, the mean frame that was taken away from each row; shape
            (rows, n), float32. None if they are not known.
    """

    features: np.ndarray
    utterances: tuple[Utterance, ...]
    notes: tuple[str, ...] = ()
    means: np.ndarray | None = None

    def label_indices(self, labels: Sequence[str]) -> np.ndarray:
        """Return the index in `labels` of each row's emotion: shape (rows,), int64.

        Raises:
            UsageError: an emotion is not in `labels`.
        """
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

    def merge_labels(self, names: Mapping[str, str]) -> "Dataset":
        """Return the same rows with emotions renamed; `names` maps old names to new ones."""
        if not names:
            return self
        renamed = (replace(u, emotion=names.get(u.emotion, u.emotion)) for u in self.utterances)
        return replace(self, utterances=tuple(renamed))

    def select(self, rows: Sequence[int] | np.ndarray) -> "Dataset":
        """Return the rows of these numbers."""
        selected = np.asarray(rows, dtype=int)
        return replace(
            self,
            features=self.features[selected],
            means=None if self.means is None else self.means[selected],
            utterances=tuple(self.utterances[i] for i in selected),
        )

    def for_label_set(self, label_set: LabelSet) -> "Dataset":
        """Return the rows of a label set's classes; the class replaces the emotion.

        Raises:
            UsageError: no row has a class.
        """
        classes = {i: c for i, u in enumerate(self.utterances) if (c := label_set.classify(u))}
        without = [u for i, u in enumerate(self.utterances) if i not in classes]
        unknown = sum(u.emotion in label_set.classes and not u.sex for u in without)
        if not classes and unknown:
            apart = f"label set {label_set.name} has classes for women and men apart"
            raise UsageError(apart + self._unknown_sex(unknown))
        if not classes:
            known = ", ".join(sorted({u.emotion for u in self.utterances}))
            raise UsageError(f"label set {label_set.name} has no class for any of {known}")
        kept = self.select(list(classes))
        labelled = zip(kept.utterances, classes.values(), strict=True)
        left_out = len(without) - unknown
        note = f"left out {left_out} clips: label set {label_set.name} has no class for them"
        return replace(
            kept,
            utterances=tuple(replace(u, emotion=c) for u, c in labelled),
            notes=(*self.notes, *self._left_out(unknown), *([note] if left_out else [])),
        )

    def for_recipe(self, recipe: Recipe) -> "Dataset":
        """Return the rows that a recipe uses; its classes replace the emotions.

        Raises:
            UsageError: it uses none.
        """
        if not recipe.sex:
            return self.for_label_set(recipe.label_set)
        rows = [i for i, u in enumerate(self.utterances) if u.sex == recipe.sex]
        unknown = sum(not u.sex for u in self.utterances)
        if not rows:
            raise UsageError(f"no clip of a {recipe.sex} voice{self._unknown_sex(unknown)}")
        kept = replace(self.select(rows), notes=(*self.notes, *self._left_out(unknown)))
        return kept.for_label_set(recipe.label_set)

    def _unknown_sex(self, n: int) -> str:
        """Return the end of an error of which `n` clips of unknown sex are the cause."""
        clips = f"{n} of {len(self.utterances)} clips"
        way_out = "give a list of clips with the column sex"
        return f"; the sex of {clips} is not known: {way_out}" if n else ""

    def _left_out(self, n: int) -> list[str]:
        """Return the note that `n` clips of unknown sex are left out; none if there are none."""
        clips = f"{n} of {len(self.utterances)} clips"
        return [f"left out {clips}: the sex is not known"] if n else []

    def balanced(self, rows: np.ndarray, *, seed: int) -> np.ndarray:
        """Return part of the rows: of each emotion as many as the rarest one has.

        `ser.models.label_sets.balanced` draws them.
        """
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
    """Load the features of clips, or of one .npz file.

    A clip that cannot be read is left out and named in the notes.

    Args:
        data: folders and lists of clips, as `scan` takes them, or one ``.npz`` file, as
            `ser.data.feature_matrix.load_matrix` takes it.
        progress: wraps the utterances while they are extracted, such as `tqdm.tqdm`.

    Raises:
        UsageError: there is no utterance, none can be read, or the .npz file is not usable.
    """
    if any(path.suffix == ".npz" for path in data):
        if len(data) > 1:
            raise UsageError("--data takes one .npz file, or folders")
        x, utterances, note = load_matrix(data[0], features)
        return Dataset(x, utterances, (note,))
    found = scan(data, CORPORA)
    if not found.utterances:
        raise no_utterance(data, found)

    def extract() -> dict[str, np.ndarray]:
        results = [extract_file_with_mean(u.path, features) for u in progress(found.utterances)]
        rows = [row for row, _ in results if row is not None]
        return {
            "features": (
                np.stack([row for row, _ in rows])
                if rows
                else np.empty((0, *features.shape), np.float32)
            ),
            "means": np.stack([mean for _, mean in rows]) if rows else np.empty((0, 0), np.float32),
            "faults": np.array([fault for _, fault in results], str),
        }

    paths = [utterance.path for utterance in found.utterances]
    stored = cached("features", paths, features.to_metadata(), extract)
    kept = tuple(u for u, f in zip(found.utterances, stored["faults"], strict=True) if not f)
    left_out = [
        fault_line(path, fault)
        for path, fault in zip(paths, stored["faults"], strict=True)
        if fault
    ]
    if not kept:
        raise no_clip_readable(left_out)
    lost = {u.corpus for u in found.utterances} - {u.corpus for u in kept}
    notes = (
        found.summary(),
        *(f"left out {line}" for line in left_out),
        *(f"no clip of {corpus} can be read" for corpus in sorted(lost)),
    )
    means = stored["means"] if features.relative else None
    return Dataset(stored["features"], kept, notes, means)


def no_utterance(data: Iterable[Path], found: Scan) -> UsageError:
    """Return the error for folders in which a scan finds nothing; it shows the first files."""
    folders = ", ".join(map(show_path, data))
    unknown = found.unknown_lines()
    n = len(unknown)
    files = f"{n} audio file{'s' if n > 1 else ''} of another name" if n else "no audio file there"
    lines = [f"no utterance of {', '.join(CORPORA)} below {folders}; {files}"]
    if unknown:
        lines += [f"  {line}" for line in unknown[:_FILES_SHOWN]]
        lines += ["  …"] if len(unknown) > _FILES_SHOWN else []
        lines.append(
            "call them tea_happy.wav or happy/tea.wav, or give a list of them: a CSV file with the "
            "columns path and emotion"
        )
    return UsageError("\n".join([*lines, *found.hints()]))
