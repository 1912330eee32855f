"""Spans: the segments of a prediction with equal neighbours joined, or its cues."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from ser.inference.cues import SILENT, CueEmotion
from ser.inference.prediction import (
    ChannelsPrediction,
    LabelScale,
    Prediction,
    Segment,
    Verdict,
    silent_cues,
)
from ser.inference.windowing import geometric_mean

TRUNCATED = "truncated"


@dataclass(frozen=True)
class Span:
    """An emotion from `start` to `end`, in milliseconds.

    Attributes:
        verdict: the emotion with its probabilities; None where `note` says why.
        note: one of `ser.inference.cues.NOTES`, or None.
        text: the words of a cue; None for a span that is no cue.
    """

    start: int
    end: int
    verdict: Verdict | None = None
    note: str | None = None
    text: str | None = None

    @property
    def label(self) -> str:
        """The emotion, or why there is none."""
        return self.verdict.emotion if self.verdict else str(self.note)


@dataclass(frozen=True)
class Track:
    """The spans of one channel, in the order of their starts.

    Attributes:
        channel: its number, from 1; None for the mix of all.
    """

    spans: tuple[Span, ...]
    channel: int | None = None


@dataclass(frozen=True)
class Timeline:
    """What is known of a recording over time.

    Attributes:
        tracks: one for each channel, or one.
        duration: how much was analysed, in milliseconds.
        labels: of the model, in its order.
        warnings: codes of `ser.errors.WARNINGS`, and ``truncated``.
        has_cues: whether the spans are cues.
    """

    tracks: tuple[Track, ...]
    duration: int
    labels: tuple[str, ...]
    warnings: tuple[str, ...]
    has_cues: bool

    @property
    def end(self) -> int:
        """When the recording and its last span are over, in milliseconds."""
        ends = [span.end for track in self.tracks for span in track.spans]
        return max([self.duration, *ends])


def timeline_of(prediction: Prediction | ChannelsPrediction) -> Timeline:
    """Return the spans of a prediction.

    Neighbouring segments of the same emotion are joined, and silent segments are left out. A
    channel that is silent throughout is one span that says so. If the prediction has cues, each
    of them is a span, and nothing is joined or left out.
    """
    if isinstance(prediction, Prediction):
        scale = LabelScale(tuple(prediction.probabilities))
        tracks: tuple[Track, ...] = (Track(_spans(prediction, scale)),)
        warnings = prediction.warnings
    else:
        some = [channel for channel in prediction.channels if channel]
        scale = LabelScale(tuple(some[0].probabilities))
        tracks = tuple(
            Track(_spans(channel, scale) if channel else _silence(prediction), number)
            for number, channel in enumerate(prediction.channels, start=1)
        )
        warnings = tuple(dict.fromkeys(w for channel in some for w in channel.warnings))
    return Timeline(
        tracks,
        _milliseconds(prediction.duration),
        scale.labels,
        with_truncated(warnings, prediction),
        has_cues=prediction.cues is not None,
    )


def with_truncated(
    warnings: Iterable[str], prediction: Prediction | ChannelsPrediction
) -> tuple[str, ...]:
    """Return all that is to be said of a prediction: warnings, and whether it is of a part."""
    return (*warnings, *([TRUNCATED] if prediction.truncated else []))


def _spans(prediction: Prediction, scale: LabelScale) -> tuple[Span, ...]:
    if prediction.cues is not None:
        return _of_cues(prediction.cues)
    groups = groupby(prediction.segments, key=lambda s: (s.silent, s.emotion))
    return tuple(_joined(list(group), scale) for (silent, _), group in groups if not silent)


def _joined(segments: Sequence[Segment], scale: LabelScale) -> Span:
    """Return one span of neighbouring segments, with the mean that a clip of them would have."""
    rows = np.array([list(s.probabilities.values()) for s in segments])
    seconds = np.array([s.end - s.start for s in segments])
    (verdict,) = scale.verdicts(geometric_mean(rows, seconds)[np.newaxis])
    return Span(_milliseconds(segments[0].start), _milliseconds(segments[-1].end), verdict)


def _silence(prediction: ChannelsPrediction) -> tuple[Span, ...]:
    if prediction.cues is not None:
        return _of_cues(silent_cues(prediction.cues))
    return (Span(0, _milliseconds(prediction.duration), note=SILENT),)


def _of_cues(cues: Iterable[CueEmotion]) -> tuple[Span, ...]:
    return tuple(_of_cue(cue) for cue in sorted(cues, key=lambda cue: (cue.start, cue.end)))


def _of_cue(cue: CueEmotion) -> Span:
    start = _milliseconds(cue.start)
    # No form has a span without a length.
    end = max(_milliseconds(cue.end), start + 1)
    if cue.emotion is None or cue.confidence is None or cue.probabilities is None:
        return Span(start, end, note=cue.note, text=cue.text)
    verdict = Verdict(cue.emotion, cue.confidence, cue.probabilities, cue.arousal, cue.valence)
    return Span(start, end, verdict, text=cue.text)


def _milliseconds(seconds: float) -> int:
    return round(1000 * seconds)
