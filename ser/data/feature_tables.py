"""Tables of features in files, written in chunks: CSV, Parquet, NumPy's .npz.

A manifest beside a table says how it was made, and from which files.
"""

import csv
import hashlib
import json
import os
import shutil
import tempfile
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ser.corpora import Scan, Utterance
from ser.data.cache import library_versions
from ser.data.extraction import Chunk
from ser.features import FeatureSet
from ser.filenames import show_path
from ser.labels import EMOTIONS
from ser.plugins import lookup

#: The columns before the features: what is known of each clip.
COLUMNS = ("path", "corpus", "speaker", "sex", "emotion", "intensity", "statement", "channel")


class Table(Protocol):
    """A table that is being written."""

    def write(self, chunk: Chunk) -> None:
        """Append the clips of a chunk."""

    def close(self) -> None:
        """Finish the file."""


@contextmanager
def new_table(path: Path, features: FeatureSet) -> Iterator[Table]:
    """Open a new table; when the `with` block ends without an error, it replaces `path`.

    Raises:
        UsageError: the suffix of `path` is not in `FORMATS`.
    """
    table_class = lookup(FORMATS, path.suffix, "table format")
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.stem}.partial{path.suffix}")
    try:
        table = table_class(partial, features)
        yield table
        table.close()
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _facts(chunk: Chunk) -> list[list[str]]:
    others = COLUMNS[1:]  # the first is the path
    return [[show_path(u.path), *(str(getattr(u, f)) for f in others)] for u in chunk.utterances]


class _Csv:
    """One row for each clip: `COLUMNS`, then the features f0, f1 … with all digits of float32.

    It is a list of clips, too, so a path that is not absolute starts at the table's folder.
    """

    def __init__(self, path: Path, features: FeatureSet) -> None:
        self._folder = path.parent.resolve()
        self._file = path.open("w", newline="", encoding="utf-8")
        self._rows = csv.writer(self._file)
        self._size = int(np.prod(features.shape))
        self._rows.writerow([*COLUMNS, *(f"f{i}" for i in range(self._size))])

    def write(self, chunk: Chunk) -> None:
        flat = chunk.features.reshape(-1, self._size)
        for utterance, facts, row in zip(chunk.utterances, _facts(chunk), flat, strict=True):
            path = self._path_from_here(utterance.path)
            self._rows.writerow([show_path(path), *facts[1:], *map(str, row)])

    def _path_from_here(self, path: Path) -> Path:
        return path if path.is_absolute() else Path(os.path.relpath(path, self._folder))

    def close(self) -> None:
        self._file.close()


class _Parquet:
    """One row for each clip: `COLUMNS`, then `features`, a list of float32.

    A chunk is a row group.
    """

    def __init__(self, path: Path, features: FeatureSet) -> None:
        import pyarrow
        from pyarrow import parquet

        self._size = int(np.prod(features.shape))
        fields = [(column, pyarrow.string()) for column in COLUMNS]
        values = pyarrow.list_(pyarrow.float32(), self._size)
        shape = {"shape": ",".join(map(str, features.shape)), "features": features.name}
        self._schema = pyarrow.schema([*fields, ("features", values)], metadata=shape)
        self._file = path.open("wb")  # pyarrow opens only paths in UTF-8
        self._writer = parquet.ParquetWriter(self._file, self._schema)

    def write(self, chunk: Chunk) -> None:
        import pyarrow

        facts = [list(column) for column in zip(*_facts(chunk), strict=True)]
        values = pyarrow.FixedSizeListArray.from_arrays(chunk.features.ravel(), self._size)
        columns = [*(facts or [[] for _ in COLUMNS]), values]
        self._writer.write_table(pyarrow.table(columns, schema=self._schema))

    def close(self) -> None:
        self._writer.close()
        self._file.close()


class _Npz:
    """`X` of shape (clips, *feature shape), `y`, and an array for each of `COLUMNS`.

    In the file the length of an array stands before its values. The length is known at the end
    only, so the values are first written to a temporary file.
    """

    def __init__(self, path: Path, features: FeatureSet) -> None:
        self._path, self._shape = path, features.shape
        self._values = tempfile.TemporaryFile(dir=path.parent)  # noqa: SIM115 - `close` closes it
        self._facts: list[list[str]] = []

    def write(self, chunk: Chunk) -> None:
        self._values.write(np.ascontiguousarray(chunk.features).data)
        self._facts += _facts(chunk)

    def close(self) -> None:
        header = {
            "descr": np.lib.format.dtype_to_descr(np.dtype(np.float32)),
            "fortran_order": False,
            "shape": (len(self._facts), *self._shape),
        }
        self._values.seek(0)
        columns = dict(
            zip(COLUMNS, np.array(self._facts, str).reshape(-1, len(COLUMNS)).T, strict=True)
        )
        emotions = columns["emotion"]
        y = [EMOTIONS.index(e) if e in EMOTIONS else -1 for e in emotions]
        with ExitStack() as stack:
            file = stack.enter_context(zipfile.ZipFile(self._path, "w", zipfile.ZIP_DEFLATED))
            with file.open("X.npy", "w", force_zip64=True) as entry:
                np.lib.format.write_array_header_1_0(entry, header)
                shutil.copyfileobj(self._values, entry)
            for name, array in {"y": np.array(y, int), **columns}.items():
                with file.open(f"{name}.npy", "w") as entry:
                    np.lib.format.write_array(entry, array, allow_pickle=False)
        self._values.close()


FORMATS: dict[str, Any] = {".csv": _Csv, ".parquet": _Parquet, ".npz": _Npz}


def write_manifest(
    table: Path,
    features: FeatureSet,
    kept: Sequence[Utterance],
    found: Scan,
    faults: Sequence[str],
) -> Path:
    """Write the manifest of a table as JSON beside it, and return its path.

    It holds the feature set with its parameters, the versions of the libraries, the number of
    clips of each corpus, every file that was left out and why, and the SHA-256 of the table.

    Args:
        kept: the utterances in the table.
        found: the scan that the utterances come from.
        faults: one line for each clip that could not be read.
    """
    left_out: dict[str, Any] = {
        "cannot be read": list(faults),
        "copy of a take": list(map(show_path, found.copies)),
        "of no known corpus": list(map(show_path, found.unknown)),
        "not audio": list(map(show_path, found.other)),
        "system file or hidden folder": list(map(show_path, found.skipped)),
    }
    with table.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    manifest = {
        "table": show_path(table.name),
        "sha256": digest,
        "features": features.to_metadata(),
        "versions": library_versions(),
        "clips": dict(sorted(Counter(u.corpus for u in kept).items())),
        "left_out": {reason: files for reason, files in left_out.items() if files},
    }
    path = table.with_name(f"{table.name}.json")
    path.write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    return path
