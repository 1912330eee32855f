"""Timelines for people: lines of text."""

from ser.timeline.spans import Span, Timeline


def cue_lines(timeline: Timeline) -> list[str]:
    """Return a line for each cue: its times, its emotion or why it has none, and its words."""
    return [
        "  ".join(["", *([f"channel {t.channel}"] if t.channel else []), *_parts(span)]).rstrip()
        for t in timeline.tracks
        for span in t.spans
    ]


def _parts(span: Span) -> list[str]:
    emotion = f"{span.label} ({span.verdict.confidence:.0%})" if span.verdict else span.label
    times = f"{span.start / 1000:.3f} to {span.end / 1000:.3f} s"
    return [times, emotion, " ".join((span.text or "").split())]
