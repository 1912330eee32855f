"""Cues: spans of a clip that captions give, and the emotion of each."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ser.audio.limits import MIN_SECONDS
from ser.inference.windowing import geometric_mean, silence_below

#: Why a cue has no emotion.
OUTSIDE, SHORT, SILENT = "outside", "short", "silent"
NOTES = {
    OUTSIDE: "the cue begins after the audio that was analysed",
    SHORT: f"less than {MIN_SECONDS:g} s of the cue can be heard",
    SILENT: "there is no voice in the cue",
}
_FRAMES_A_SECOND = 100


@dataclass(frozen=True)
class Cue:
    """A span of a clip, from `start` to `end` in seconds, with the words of its caption."""

    start: float
    end: float
    text: str = ""


@dataclass(frozen=True)
class CueEmotion:
    """The emotion of a cue.

    Attributes:
        emotion, confidence, probabilities, arousal, valence: as of a `Segment`; None where
            `note` says why.
        note: one of `NOTES`, or None.
    """

    start: float
    end: float
    text: str
    emotion: str | None = None
    confidence: float | None = None
    probabilities: dict[str, float] | None = None
    arousal: float | None = None
    valence: float | None = None
    note: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return vars(self) | {"probabilities": self.probabilities and {**self.probabilities}}


class Loudness:
    """How loud a clip is over time; its samples may come part by part.

    Args:
        rate: of the samples, in Hz.
    """

    def __init__(self, rate: int) -> None:
        self._frame = rate // _FRAMES_A_SECOND  # samples
        self._rate = rate
        self._powers: list[np.ndarray] = []
        self._rest = np.empty(0, np.float32)

    def append(self, part: np.ndarray) -> None:
        """Take the next samples, shape (n,), float32."""
        samples = np.concatenate([self._rest, part]) if len(self._rest) else part
        frames = samples[: len(samples) // self._frame * self._frame].reshape(-1, self._frame)
        self._powers.append(np.einsum("ij,ij->i", frames, frames) / self._frame)
        self._rest = samples[frames.size :].copy()

    def power(self, start: float, end: float) -> float:
        """Return the mean square of the samples from `start` to `end`, in seconds."""
        if len(self._powers) > 1:
            self._powers = [np.concatenate(self._powers)]
        a, b = (round(t * self._rate / self._frame) for t in (start, end))
        powers = self._powers[0][a : max(b, a + 1)]
        return float(powers.mean()) if len(powers) else 0.0


def cue_probabilities(
    cue: Cue,
    probabilities: np.ndarray,
    times: Sequence[tuple[float, float]],
    silent: Sequence[bool],
    loudness: Loudness,
    loudest: float,
) -> np.ndarray | str:
    """Return the probabilities of a cue, shape (labels,), or the note that says why it has none.

    They are the geometric mean of the segments that it overlaps, by the length of the overlap.
    So a cue as long as the clip has the answer of the clip.

    Args:
        probabilities: of each segment, shape (segments, labels).
        times: start and end of each segment, in seconds.
        silent: whether each segment is silent; such a one does not count.
        loudness: of the clip.
        loudest: power of the loudest window.
    """
    duration = times[-1][1]
    if cue.start >= duration:
        return OUTSIDE
    end = min(cue.end, duration)
    if end - cue.start < MIN_SECONDS - 1e-6:  # captions are exact to the millisecond
        return SHORT
    starts, ends = np.array(times).T
    overlap = np.maximum(np.minimum(ends, end) - np.maximum(starts, cue.start), 0.0)
    weights = np.where(silent, 0.0, overlap)
    if loudness.power(cue.start, end) < silence_below(loudest) or not weights.any():
        return SILENT
    return geometric_mean(probabilities, weights)
