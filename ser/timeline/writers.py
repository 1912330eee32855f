"""Writers: the results of several files, one after the other, as timelines."""

import csv
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TextIO

from ser.filenames import error_text, parse_path
from ser.inference.prediction import ChannelsPrediction, Prediction
from ser.timeline.forms import TIMELINE_FORMS
from ser.timeline.spans import timeline_of
from ser.timeline.table import Table

#: What came of a file.
Result = Prediction | ChannelsPrediction | Exception
#: Called with the name of a file, as `show_path` gives it, and what came of it.
Writer = Callable[[str, Result], None]
#: Forms of which a text holds one file.
CAPTIONS = tuple(name for name in TIMELINE_FORMS if name != "csv")


def error_code(error: Exception) -> str:
    """Return the code of an error; one that is not ours is of the file system."""
    return getattr(error, "code", "unreadable")


def coded_text(error: Exception) -> str:
    """Return an error as a table shows it: its code and its message."""
    return f"{error_code(error)}: {error_text(error)}"


def table_writer(
    out: TextIO, labels: Sequence[str], *, channels: bool = False, cues: bool = False
) -> Writer:
    """Return what writes a row for each span of each file to `out`, below a header."""
    table = Table(tuple(labels), channels=channels, cues=cues, files=True)
    rows = csv.writer(out)
    rows.writerow(table.header)

    def write(name: str, result: Result) -> None:
        if isinstance(result, Exception):
            rows.writerow(table.error_row(file=name, error=coded_text(result)))
        else:
            rows.writerows(table.rows(timeline_of(result), file=name))

    return write


def caption_writer(
    form_name: str, out: TextIO, folder: Path | None, note: Callable[[str], None]
) -> Writer:
    """Return what writes the timeline of each file.

    Args:
        form_name: one of `CAPTIONS`.
        out: gets the text if there is no folder.
        folder: gets a file for each file, of the same name with another suffix.
        note: called with the warnings and the errors, which these forms have no place for.
    """
    form, written = TIMELINE_FORMS[form_name], set[Path]()

    def write(name: str, result: Result) -> None:
        if isinstance(result, Exception):
            note(f"{name}: error: {error_text(result)}")
            return
        timeline = timeline_of(result)
        if timeline.warnings:
            note(f"{name}: {', '.join(timeline.warnings)}")
        text = form.write(timeline)
        if folder is None:
            out.write(text)
            return
        stem, number = parse_path(name).stem, 1
        path = folder / f"{stem}{form.suffix}"
        while path in written:  # files of one name in different folders
            number += 1
            path = folder / f"{stem}-{number}{form.suffix}"
        written.add(path)
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    return write
