"""What a prediction holds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ser.inference.cues import SILENT, Cue, CueEmotion
from ser.inference.reference import ReferenceUse
from ser.labels import arousal_valence_of


class Verdict(NamedTuple):
    """What probabilities say: the fields of a `Segment` beside its times."""

    emotion: str
    confidence: float
    probabilities: dict[str, float]
    arousal: float | None
    valence: float | None


class LabelScale:
    """Turns rows of probabilities into verdicts.

    Args:
        labels: of the model, in the order of its outputs.
    """

    def __init__(self, labels: Sequence[str]) -> None:
        self.labels = tuple(labels)
        points = arousal_valence_of(labels)
        self._points = None if points is None else np.array(points)

    def verdicts(self, probabilities: np.ndarray) -> list[Verdict]:
        """Return the verdict of each row; shape (n, labels)."""
        best = probabilities.argmax(axis=1)
        coordinates: list[Any] = [(None, None)] * len(probabilities)
        if self._points is not None:
            coordinates = (probabilities @ self._points).tolist()
        return [
            Verdict(self.labels[i], row[i], dict(zip(self.labels, row, strict=True)), *point)
            for i, row, point in zip(best, probabilities.tolist(), coordinates, strict=True)
        ]


@dataclass(frozen=True)
class Segment:
    """The emotion from `start` to `end`, in seconds.

    Attributes:
        arousal: -1 (calm) to 1 (lively): the mean over the probabilities of
            `ser.labels.AROUSAL_VALENCE`. None if a label of the model is not in that table.
        valence: -1 (unpleasant) to 1 (pleasant), in the same way.
        silent: it holds no voice, and does not count in the prediction for the whole clip.
    """

    start: float
    end: float
    emotion: str
    confidence: float
    probabilities: dict[str, float]
    arousal: float | None
    valence: float | None
    silent: bool


@dataclass(frozen=True)
class Prediction:
    """The emotion of a clip.

    Attributes:
        probabilities: of every label, in the model's order; they sum to 1.
        arousal: as of a `Segment`, of the probabilities of the clip.
        valence: as of a `Segment`, of the probabilities of the clip.
        duration: how much of the clip was analysed, in seconds.
        truncated: the clip was longer than the limit, and only its start was analysed.
        warnings: keys of `ser.errors.WARNINGS`.
        segments: they cover the clip from 0 to `duration` without gaps.
        reference: what became of the reference; None if there was none.
        cues: the emotion of each cue, in the order given; None if there were no captions.
    """

    emotion: str
    confidence: float
    probabilities: dict[str, float]
    arousal: float | None
    valence: float | None
    duration: float
    truncated: bool
    warnings: tuple[str, ...]
    segments: tuple[Segment, ...]
    reference: ReferenceUse | None = None
    cues: tuple[CueEmotion, ...] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the prediction as plain data."""
        # `dataclasses.asdict` takes ten times as long: 15 ms for the segments of ten minutes.
        segments = tuple(vars(s) | {"probabilities": {**s.probabilities}} for s in self.segments)
        plain = vars(self) | {"probabilities": {**self.probabilities}, "segments": segments}
        del plain["reference"], plain["cues"]
        if self.reference:
            plain["reference"] = self.reference.to_dict()
        if self.cues is not None:
            plain["cues"] = [cue.to_dict() for cue in self.cues]
        return plain


@dataclass(frozen=True)
class ChannelsPrediction:
    """The emotion of each channel of a clip.

    Attributes:
        duration, truncated, warnings: as of a `Prediction`, of the file.
        channels: the prediction for each; None for a silent channel.
        cues: what was asked of each channel; None if there were no captions.
    """

    duration: float
    truncated: bool
    warnings: tuple[str, ...]
    channels: tuple[Prediction | None, ...]
    cues: tuple[Cue, ...] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the prediction as plain data; channels are numbered from 1."""
        channels = [
            {"channel": number, "silent": channel is None}
            | (self._silent() if channel is None else channel.to_dict())
            for number, channel in enumerate(self.channels, start=1)
        ]
        return {
            "duration": self.duration,
            "truncated": self.truncated,
            "warnings": self.warnings,
            "channels": channels,
        }

    def _silent(self) -> dict[str, Any]:
        nothing = dict.fromkeys(Verdict._fields)
        silent: dict[str, Any] = {"duration": self.duration, "truncated": self.truncated}
        silent |= {"warnings": self.warnings, "segments": ()}
        if self.cues is not None:
            silent["cues"] = [cue.to_dict() for cue in silent_cues(self.cues)]
        return nothing | silent


def silent_cues(cues: Sequence[Cue]) -> list[CueEmotion]:
    """Return the cues of a silent channel."""
    return [CueEmotion(cue.start, cue.end, cue.text, note=SILENT) for cue in cues]
