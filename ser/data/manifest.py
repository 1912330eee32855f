"""The manifest beside a table of features: how the table was made, and from which files."""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ser.corpora import Scan, Utterance
from ser.data.cache import library_versions
from ser.features import FeatureSet
from ser.filenames import show_path


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
