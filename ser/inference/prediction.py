"""What a prediction holds."""

from dataclasses import dataclass
from typing import Any

from ser.inference.reference import ReferenceUse


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

    def to_dict(self) -> dict[str, Any]:
        """Return the prediction as plain data."""
        # `dataclasses.asdict` takes ten times as long: 15 ms for the segments of ten minutes.
        segments = tuple(vars(s) | {"probabilities": {**s.probabilities}} for s in self.segments)
        plain = vars(self) | {"probabilities": {**self.probabilities}, "segments": segments}
        del plain["reference"]
        return plain | ({"reference": self.reference.to_dict()} if self.reference else {})
