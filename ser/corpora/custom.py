"""Your own clips: labelled by their names, by their folders, or in a CSV file."""

import csv
from collections.abc import Iterator
from pathlib import Path

from ser.corpora.base import Corpus, Utterance
from ser.errors import UsageError
from ser.filenames import parse_path, show_path
from ser.labels import canonical, known_emotion

MANIFEST_SUFFIX = ".csv"


def _parse(path: Path) -> Utterance | None:
    """Take the emotion after the last underscore (``tea_happy.wav``), or the folder's name."""
    _, underscore, word = path.stem.rpartition("_")
    emotion = (underscore and known_emotion(word)) or known_emotion(path.parent.name)
    return _utterance(path, emotion) if emotion else None


def _utterance(path: Path, emotion: str, speaker: str = "") -> Utterance:
    return Utterance(
        path=path,
        emotion=emotion,
        speaker=f"custom-{speaker}" if speaker else "",
        corpus="custom",
        take=show_path(path.resolve()),
    )


def read_manifest(path: Path) -> Iterator[Utterance]:
    """Yield the utterances of a CSV file with the columns path, emotion and, optionally, speaker.

    Paths are relative to the file's folder, as they are or as `show_path` shows them; other
    columns are ignored.

    Raises:
        UsageError: the file is not in UTF-8; or it lacks a column, names a clip that does not
            exist or an unknown emotion, with the line's number.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            yield from _rows(path, csv.DictReader(file))
    except (UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{show_path(path)} is not a CSV file in UTF-8: {error}") from error


def _rows(path: Path, rows: csv.DictReader) -> Iterator[Utterance]:
    missing = {"path", "emotion"} - set(rows.fieldnames or ())
    if missing:
        raise UsageError(
            f"{show_path(path)}: its first line must name the columns path,emotion[,speaker]; "
            f"there is no {' and no '.join(sorted(missing))}"
        )
    for row in rows:
        line = f"{show_path(path)}, line {rows.line_num}"
        name = row["path"] or ""
        clip = _find_clip(path.parent, name)
        if clip is None:
            raise UsageError(f"{line}: no such file: {show_path(path.parent / name)}")
        try:
            emotion = canonical(row["emotion"] or "")
        except UsageError as error:
            raise UsageError(f"{line}: {error}") from error
        yield _utterance(clip, emotion, (row.get("speaker") or "").strip())


def _find_clip(folder: Path, name: str) -> Path | None:
    """Return the clip that a manifest names; a table of `ser extract` names it by `show_path`."""
    return next((p for p in (folder / name, folder / parse_path(name)) if p.is_file()), None)


CORPUS = Corpus(
    name="custom",
    title="custom",
    source="your own clips",
    licence="your own",
    speakers="your own",
    parse=_parse,
    fallback=True,
)
