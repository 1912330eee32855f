"""The forms of a timeline that other programs read: captions, labels, tiers, a table.

WebVTT: https://www.w3.org/TR/webvtt1/. SubRip has no standard; this is what players take.
Audacity: https://manual.audacityteam.org/man/importing_and_exporting_labels.html. TextGrid:
https://www.fon.hum.uva.nl/praat/manual/TextGrid_file_formats.html, the long text format.
"""

import html
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from ser.timeline.spans import Span, Timeline, Track
from ser.timeline.table import to_csv


@dataclass(frozen=True)
class TimelineForm:
    """A form: its title, its writer, the suffix of its files, and its media type over HTTP."""

    title: str
    write: Callable[[Timeline], str]
    suffix: str
    media_type: str


def to_vtt(timeline: Timeline) -> str:
    """Return the timeline as WebVTT; the channel is the voice of a cue."""
    warnings = [f"NOTE warnings: {' '.join(timeline.warnings)}"] if timeline.warnings else []
    return (
        "\n\n".join(["WEBVTT", *warnings, *(_vtt_cue(*pair) for pair in _in_order(timeline))])
        + "\n"
    )


def _vtt_cue(track: Track, span: Span) -> str:
    voice = f"<v {_name(track)}>" if track.channel else ""
    text = html.escape(_caption(span), quote=False)
    return f"{_clock(span.start, '.')} --> {_clock(span.end, '.')}\n{voice}{text}"


def to_srt(timeline: Timeline) -> str:
    """Return the timeline as SubRip; the channel stands before the text."""
    blocks = []
    for number, (track, span) in enumerate(_in_order(timeline), start=1):
        name = f"{_name(track)}: " if track.channel else ""
        text = _caption(span).replace("-->", "->")
        times = f"{_clock(span.start, ',')} --> {_clock(span.end, ',')}"
        blocks.append(f"{number}\n{times}\n{name}{text}\n")
    return "\n".join(blocks)


def to_audacity(timeline: Timeline) -> str:
    """Return the timeline as a label track of Audacity."""
    lines = []
    for track, span in _in_order(timeline):
        name = f"{_name(track)}: " if track.channel else ""
        lines.append(f"{_seconds(span.start)}\t{_seconds(span.end)}\t{name}{_one_line(span)}\n")
    return "".join(lines)


def to_textgrid(timeline: Timeline) -> str:
    """Return the timeline as a TextGrid of Praat: a tier of emotions, and one of the words of cues.

    Where cues overlap, further tiers take them: intervals of a tier cannot.
    """
    tiers: list[tuple[str, list[tuple[int, int, str]]]] = []
    for track in timeline.tracks:
        name = _name(track).lower() if track.channel else "emotion"
        for number, spans in enumerate(_without_overlap(track.spans), start=1):
            more = f" ({number})" if number > 1 else ""
            tiers.append((name + more, [(s.start, s.end, s.label) for s in spans]))
            if timeline.has_cues:
                words = f"{name} text" if track.channel else "text"
                tiers.append((words + more, [(s.start, s.end, s.text or "") for s in spans]))
    lines = [
        'File type = "ooTextFile"',
        'Object class = "TextGrid"',
        "",
        *_extent(timeline.end),
        "tiers? <exists>",
        f"size = {len(tiers)}",
        "item []:",
    ]
    for number, (name, intervals) in enumerate(tiers, start=1):
        lines.append(f"    item [{number}]:")
        lines += ["        " + line for line in _tier(name, intervals, timeline.end)]
    return "\n".join(lines) + "\n"


def _tier(name: str, intervals: list[tuple[int, int, str]], end: int) -> list[str]:
    whole = list(_without_holes(intervals, end))
    lines = ['class = "IntervalTier"', f"name = {_quoted(name)}", *_extent(end)]
    lines.append(f"intervals: size = {len(whole)}")
    for number, (start, stop, label) in enumerate(whole, start=1):
        lines.append(f"intervals [{number}]:")
        lines += [f"    xmin = {_seconds(start)}", f"    xmax = {_seconds(stop)}"]
        lines.append(f"    text = {_quoted(label)}")
    return lines


def _extent(end: int) -> list[str]:
    return ["xmin = 0", f"xmax = {_seconds(end)}"]


def _quoted(text: str) -> str:
    return '"' + " ".join(text.split()).replace('"', '""') + '"'


def _without_overlap(spans: Sequence[Span]) -> list[list[Span]]:
    rows: list[list[Span]] = [[]]
    for span in spans:
        row = next((row for row in rows if not row or row[-1].end <= span.start), None)
        if row is None:
            rows.append(row := [])
        row.append(span)
    return rows


def _without_holes(
    intervals: Sequence[tuple[int, int, str]], end: int
) -> Iterator[tuple[int, int, str]]:
    """Yield intervals that cover 0 to `end`: those given, and empty ones between them."""
    position = 0
    for start, stop, label in intervals:
        if start > position:
            yield position, start, ""
        yield start, stop, label
        position = stop
    if position < end:
        yield position, end, ""


def _in_order(timeline: Timeline) -> list[tuple[Track, Span]]:
    """Return the spans of all tracks in the order of their starts."""
    pairs = [(track, span) for track in timeline.tracks for span in track.spans]
    return sorted(pairs, key=lambda pair: pair[1].start)


def _name(track: Track) -> str:
    return f"Channel {track.channel}"


def _caption(span: Span) -> str:
    """Return the emotion, or the words of a cue with the emotion in front."""
    if span.text is None:
        return span.label
    lines = [" ".join(line.split()) for line in span.text.splitlines()]
    return "\n".join([f"[{span.label}]", *filter(None, lines)]).replace("]\n", "] ", 1)


def _one_line(span: Span) -> str:
    return " ".join(_caption(span).split())


def _seconds(milliseconds: int) -> str:
    return f"{milliseconds // 1000}.{milliseconds % 1000:03}"


def _clock(milliseconds: int, point: str) -> str:
    seconds, rest = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02}{point}{rest:03}"


#: The forms by their names, as commands and requests give them.
TIMELINE_FORMS = {
    "vtt": TimelineForm("WebVTT", to_vtt, ".vtt", "text/vtt"),
    "srt": TimelineForm("SRT", to_srt, ".srt", "application/x-subrip"),
    "audacity": TimelineForm("Audacity labels", to_audacity, ".txt", "text/plain"),
    "textgrid": TimelineForm("TextGrid", to_textgrid, ".TextGrid", "text/praat-textgrid"),
    "csv": TimelineForm("CSV", to_csv, ".csv", "text/csv"),
}
