"""Extraction of features in chunks of clips, so that no corpus has to fit into memory."""

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ser.audio import load_audio
from ser.corpora import Utterance
from ser.data.parallel import parallel_map
from ser.errors import SerError, UsageError
from ser.features import FEATURE_SETS, FeatureSet
from ser.filenames import error_text, show_path
from ser.inference.embeddings import Embedder

CHUNK = 32  # clips
_FAULTS_SHOWN = 3  # of a corpus without a readable clip


@dataclass(frozen=True)
class Chunk:
    """Features of some clips.

    Attributes:
        features: of the readable clips, shape (clips, *feature shape), float32.
        utterances: one for each readable clip.
        faults: one line for each unreadable clip: its path and the error.
    """

    features: np.ndarray
    utterances: tuple[Utterance, ...]
    faults: tuple[str, ...]

    @property
    def n_clips(self) -> int:
        """Number of clips, the unreadable ones included."""
        return len(self.utterances) + len(self.faults)


def extract(
    utterances: Sequence[Utterance],
    features: FeatureSet,
    *,
    jobs: int = 1,
    dask: str | None = None,
) -> Iterator[Chunk]:
    """Yield the features of clips in order, `CHUNK` clips at a time.

    Args:
        jobs, dask: as `parallel_map` takes them.

    Raises:
        UsageError: no Dask scheduler answers, or it has no workers.
    """
    chunks = (utterances[i : i + CHUNK] for i in range(0, len(utterances), CHUNK))
    # The name is enough: every process has the library with its feature sets.
    return parallel_map(functools.partial(_extract, features.name), chunks, jobs=jobs, dask=dask)


def embedding_features(model: Path) -> FeatureSet:
    """Return what describes a table of the embeddings that `embed` yields.

    Raises:
        ModelFileError, UsageError: as `Embedder.from_file` raises them.
    """
    return _embedder(model).described


def embed(
    utterances: Sequence[Utterance], model: Path, *, jobs: int = 1, dask: str | None = None
) -> Iterator[Chunk]:
    """Yield the embeddings of clips by the network of a model file, as `extract` yields features.

    Raises:
        ModelFileError, UsageError: as `Embedder.from_file` and `extract` raise them.
    """
    chunks = (utterances[i : i + CHUNK] for i in range(0, len(utterances), CHUNK))
    return parallel_map(functools.partial(_embed, model), chunks, jobs=jobs, dask=dask)


def extract_file(path: Path, features: FeatureSet) -> tuple[np.ndarray | None, str]:
    """Return the features of a file and "", or None and the error.

    The features are float32 of the feature set's shape.
    """
    found, fault = extract_file_with_mean(path, features)
    return found and found[0], fault


def extract_file_with_mean(
    path: Path, features: FeatureSet
) -> tuple[tuple[np.ndarray, np.ndarray] | None, str]:
    """Return what `FeatureSet.extract_with_mean` does for a file and "", or None and the error."""
    try:
        samples = load_audio(path, rate=features.sample_rate).samples
        return features.extract_with_mean(samples), ""
    except (SerError, OSError) as error:
        return None, fault_text(error)


def fault_text(error: Exception) -> str:
    """Return why a clip cannot be read, without its name: the cache holds for any name."""
    return getattr(error, "strerror", None) or error_text(error)


def fault_line(path: Path, fault: str) -> str:
    """Return the line that says why a clip is left out."""
    return f"{show_path(path)}: {fault}"


def no_clip_readable(faults: Sequence[str]) -> UsageError:
    """Return the error for clips none of which can be read; it shows the first faults.

    Args:
        faults: one line for each clip.
    """
    lines = [f"  {fault}" for fault in faults[:_FAULTS_SHOWN]]
    if len(faults) > _FAULTS_SHOWN:
        lines.append("  …")
    return UsageError("\n".join(["none of the clips can be read:", *lines]))


def _extract(name: str, utterances: Sequence[Utterance]) -> Chunk:
    features = FEATURE_SETS[name]
    results = [(u, *extract_file(u.path, features)) for u in utterances]
    return _chunk(results, features.shape)


@functools.cache
def _embedder(model: Path) -> Embedder:
    """Return the network of a model file, once in each process."""
    return Embedder.from_file(model)


def _embed(model: Path, utterances: Sequence[Utterance]) -> Chunk:
    embedder = _embedder(model)
    results = [(u, *_embed_file(u.path, embedder)) for u in utterances]
    return _chunk(results, (embedder.size,))


def _embed_file(path: Path, embedder: Embedder) -> tuple[np.ndarray | None, str]:
    try:
        return embedder.embed(path), ""
    except (SerError, OSError) as error:
        return None, fault_text(error)


def _chunk(
    results: Sequence[tuple[Utterance, np.ndarray | None, str]], shape: tuple[int, ...]
) -> Chunk:
    """Return a chunk of clips, each with its row of `shape`, or None and why there is none."""
    rows = [row for _, row, _ in results if row is not None]
    return Chunk(
        np.stack(rows) if rows else np.empty((0, *shape), np.float32),
        tuple(u for u, _, fault in results if not fault),
        tuple(fault_line(u.path, fault) for u, _, fault in results if fault),
    )
