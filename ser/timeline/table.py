"""Timelines as a table in CSV: one row a span."""

import csv
import io
from dataclasses import dataclass

from ser.timeline.spans import Span, Timeline, Track


@dataclass(frozen=True)
class Table:
    """The columns of a table of spans.

    Attributes:
        labels: of the model, in its order.
        channels: whether there is a column for the channel.
        cues: whether there is a column for the words of cues.
        files: whether there are several files: columns for the file, its warnings and its error.
    """

    labels: tuple[str, ...]
    channels: bool = False
    cues: bool = False
    files: bool = False

    @property
    def header(self) -> list[str]:
        """The names of the columns."""
        return [
            *(["file"] if self.files else []),
            *(["channel"] if self.channels else []),
            *("start", "end", "emotion", "confidence", "arousal", "valence"),
            *self.labels,
            *(["note"] if self.channels or self.cues else []),
            *(["text"] if self.cues else []),
            *(["warnings", "error"] if self.files else []),
        ]

    def rows(self, timeline: Timeline, *, file: str = "") -> list[list[str]]:
        """Return the rows of a timeline, channel by channel."""
        of_file = {"file": inert(file), "warnings": " ".join(timeline.warnings)}
        return [
            self._row(self._cells(track, span) | of_file)
            for track in timeline.tracks
            for span in track.spans
        ]

    def error_row(self, *, file: str, error: str) -> list[str]:
        """Return the row of a file that could not be analysed."""
        return self._row({"file": inert(file), "error": error})

    def _row(self, cells: dict[str, str]) -> list[str]:
        return [cells.get(name, "") for name in self.header]

    def _cells(self, track: Track, span: Span) -> dict[str, str]:
        cells = {
            "channel": str(track.channel or ""),
            "start": f"{span.start / 1000:.3f}",
            "end": f"{span.end / 1000:.3f}",
            "note": span.note or "",
            "text": inert(span.text or ""),
        }
        if span.verdict is None:
            return cells
        numbers = span.verdict._asdict() | span.verdict.probabilities
        del numbers["emotion"], numbers["probabilities"]
        texts = {name: "" if x is None else f"{x:.6f}" for name, x in numbers.items()}
        return cells | texts | {"emotion": span.verdict.emotion}


def inert(text: str) -> str:
    """Return untrusted text so that a spreadsheet does not run it as a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def to_csv(timeline: Timeline) -> str:
    """Return a timeline as a table."""
    channels = any(track.channel for track in timeline.tracks)
    table = Table(timeline.labels, channels=channels, cues=timeline.has_cues)
    return csv_text([table.header, *table.rows(timeline)])


def csv_text(rows: list[list[str]]) -> str:
    """Return rows as CSV."""
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()
