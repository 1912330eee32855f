"""Features from one ``.npz`` file: a table of `ser extract`, or a published matrix."""

from collections.abc import Mapping
from pathlib import Path
from typing import cast, get_args
from zipfile import BadZipFile

import numpy as np

from ser.corpora import Sex, Utterance
from ser.data.feature_tables import COLUMNS
from ser.errors import UsageError
from ser.features import FeatureSet
from ser.filenames import parse_path, show_path
from ser.labels import EMOTIONS, VOCABULARY


def load_matrix(path: Path, features: FeatureSet) -> tuple[np.ndarray, tuple[Utterance, ...], str]:
    """Return the features and the utterances of an ``.npz`` file, and a line that describes it.

    Args:
        path: of a file with the array ``X`` of shape (rows, *feature shape), and labels. A table
            of `ser extract` has the columns `COLUMNS`. A published matrix has only ``y``, an
            index in `EMOTIONS` for each row: its speakers are not known.

    Returns:
        features of shape (rows, *feature shape), float32; one utterance for each row; the line.

    Raises:
        UsageError: the file is not readable, its labels are wrong, or it has other features.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = dict(file)
        x, y = arrays["X"], arrays["y"]
    except (OSError, KeyError, ValueError, TypeError, BadZipFile) as error:
        raise UsageError(f"{show_path(path)} is not an .npz file with X and y: {error}") from error
    if x.ndim < 2 or np.prod(x.shape[1:]) != np.prod(features.shape):
        raise UsageError(
            f"{show_path(path)}: rows of shape {x.shape[1:]}, "
            f"but {features.name} has {features.shape}"
        )
    is_table = arrays.keys() >= set(COLUMNS)
    utterances = _from_columns(path, arrays) if is_table else _from_labels(path, y)
    if len(utterances) != len(x):
        raise UsageError(f"{show_path(path)}: {len(x)} rows of X, but {len(utterances)} labels")
    if not utterances:
        raise UsageError(f"{show_path(path)}: no rows")
    speakers = {u.speaker for u in utterances if u.speaker}
    known = f"of {len(speakers)} speakers" if speakers else "without speakers"
    rows = x.reshape(len(x), *features.shape).astype(np.float32)
    return rows, utterances, f"{len(x)} rows of {show_path(path.name)}, {known}"


def _from_columns(path: Path, arrays: Mapping[str, np.ndarray]) -> tuple[Utterance, ...]:
    if len({len(arrays[column]) for column in COLUMNS}) > 1:
        raise UsageError(f"{show_path(path)}: its columns differ in length")
    rows = zip(*(arrays[column].tolist() for column in COLUMNS), strict=True)
    facts = [dict(zip(COLUMNS, map(str, row), strict=True)) for row in rows]
    if unknown := {f["emotion"] for f in facts} - set(VOCABULARY):
        raise UsageError(f"{show_path(path)}: unknown emotions {sorted(unknown)}")
    if unknown := {f["sex"] for f in facts} - set(get_args(Sex)):
        raise UsageError(f"{show_path(path)}: unknown sexes {sorted(unknown)}")
    return tuple(
        Utterance(
            path=parse_path(f["path"]),
            emotion=f["emotion"],
            speaker=f["speaker"],
            corpus=f["corpus"],
            sex=cast(Sex, f["sex"]),
            intensity=f["intensity"],
            statement=f["statement"],
            channel=f["channel"],
            # Extraction took each recording once, so its path identifies the take.
            take=f["path"],
        )
        for f in facts
    )


def _from_labels(path: Path, y: np.ndarray) -> tuple[Utterance, ...]:
    if y.ndim != 1 or y.dtype.kind not in "iu" or not np.isin(y, range(len(EMOTIONS))).all():
        raise UsageError(
            f"{show_path(path)}: y must hold one label from 0 to {len(EMOTIONS) - 1} for each row"
        )
    corpus = show_path(path.stem)
    return tuple(
        Utterance(path=Path(f"{path}#{row}"), emotion=EMOTIONS[label], speaker="", corpus=corpus)
        for row, label in enumerate(y)
    )
