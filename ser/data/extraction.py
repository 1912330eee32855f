"""Features of clips, a chunk at a time, so that no corpus has to fit into memory."""

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ser.audio import load_audio
from ser.corpora import Utterance
from ser.data.parallel import parallel_map
from ser.errors import SerError
from ser.features import FEATURE_SETS, FeatureSet

CHUNK = 32  # clips


@dataclass(frozen=True)
class Chunk:
    """Features of some clips.

    Attributes:
        features: of the clips that could be read, shape (clips, *feature shape), float32.
        utterances: of those clips.
        faults: why the others could not be read, a line each.
    """

    features: np.ndarray
    utterances: tuple[Utterance, ...]
    faults: tuple[str, ...]

    @property
    def n_clips(self) -> int:
        """Number of clips, those that could not be read too."""
        return len(self.utterances) + len(self.faults)


def extract(
    utterances: Sequence[Utterance],
    features: FeatureSet,
    *,
    jobs: int = 1,
    dask: str | None = None,
) -> Iterator[Chunk]:
    """Yield the features of clips, in their order, `CHUNK` clips at a time.

    Args:
        jobs, dask: as `parallel_map` takes them.

    Raises:
        UsageError: there is no Dask scheduler, or it has no workers.
    """
    chunks = (utterances[i : i + CHUNK] for i in range(0, len(utterances), CHUNK))
    # A feature set is a function and data; a process that has the library knows its name.
    return parallel_map(functools.partial(_extract, features.name), chunks, jobs=jobs, dask=dask)


def extract_file(path: Path, features: FeatureSet) -> tuple[np.ndarray | None, str]:
    """Return the features of a file as `FeatureSet.extract` gives them, or None and why not."""
    try:
        return features.extract(load_audio(path, rate=features.sample_rate).samples), ""
    except (SerError, OSError) as error:
        return None, str(error) or type(error).__name__


def _extract(name: str, utterances: Sequence[Utterance]) -> Chunk:
    features = FEATURE_SETS[name]
    tried = [(u, *extract_file(u.path, features)) for u in utterances]
    rows = [row for _, row, _ in tried if row is not None]
    return Chunk(
        np.stack(rows) if rows else np.empty((0, *features.shape), np.float32),
        tuple(u for u, _, fault in tried if not fault),
        tuple(f"{u.path}: {fault}" for u, _, fault in tried if fault),
    )
