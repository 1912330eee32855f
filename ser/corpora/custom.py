"""Your own clips: labelled by their names, by their folders, or in a CSV file."""

import csv
from collections.abc import Iterator
from pathlib import Path

from ser.corpora.base import Corpus, Utterance
from ser.errors import UsageError
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
        take=str(path.resolve()),
    )


def read_manifest(path: Path) -> Iterator[Utterance]:
    """Yield the utterances of a CSV file with the columns path, emotion and, optionally, speaker.

    Paths are relative to the file's folder; other columns are ignored.

    Raises:
        UsageError: the file is not in UTF-8; or it lacks a column, names a clip that does not
            exist or an unknown emotion, with the line's number.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            yield from _rows(path, csv.DictReader(file))
    except (UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{path} is not a CSV file in UTF-8: {error}") from error


def _rows(path: Path, rows: csv.DictReader) -> Iterator[Utterance]:
    missing = {"path", "emotion"} - set(rows.fieldnames or ())
    if missing:
        raise UsageError(
            f"{path}: its first line must name the columns path,emotion[,speaker]; "
            f"there is no {' and no '.join(sorted(missing))}"
        )
    for row in rows:
        clip = path.parent / (row["path"] or "")
        if not clip.is_file():
            raise UsageError(f"{path}, line {rows.line_num}: no such file: {clip}")
        try:
            emotion = canonical(row["emotion"] or "")
        except UsageError as error:
            raise UsageError(f"{path}, line {rows.line_num}: {error}") from error
        yield _utterance(clip, emotion, (row.get("speaker") or "").strip())


CORPUS = Corpus(
    name="custom",
    title="custom",
    source="your own clips",
    licence="your own",
    speakers="your own",
    parse=_parse,
    fallback=True,
)
