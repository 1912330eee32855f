"""Score the windows of one clip, and join them to its prediction."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from ser.errors import REFERENCE_MISMATCH, UNCERTAIN
from ser.features.base import FeatureSet
from ser.inference.cues import Cue, CueEmotion, Loudness, cue_probabilities
from ser.inference.prediction import LabelScale, Prediction, Segment
from ser.inference.reference import Reference, ReferenceUse, joined
from ser.inference.stages import timing
from ser.inference.windowing import (
    audible_seconds,
    geometric_mean,
    power_of,
    segment_times,
    silent_by_power,
)
from ser.models import ModelFile

_WINDOWS_AT_ONCE = 64  # whose features are in memory
#: Returns the probabilities of features, row by row.
Score = Callable[[np.ndarray], np.ndarray]


class WindowScores(NamedTuple):
    """What is known of the windows of a clip.

    Attributes:
        probabilities: shape (windows, labels), float64; each row sums to 1.
        powers: mean square of the samples of each; shape (windows,).
        reference_used: whether there is a reference and it fits the clip.
    """

    probabilities: np.ndarray
    powers: np.ndarray
    reference_used: bool


class WindowScorer:
    """Scores the windows of one clip, one after the other.

    The features of a long clip take a third of the memory of its samples, so only those of some
    windows are in memory at once.

    Args:
        features: of the model.
        score: the model.
        reference: how the speaker sounds in a neutral voice. Where it does not fit the clip, the
            answer is without it.

    Attributes:
        seconds: spent in each stage, by its name.
    """

    def __init__(
        self,
        features: FeatureSet,
        score: Score,
        reference: Reference | None = None,
    ) -> None:
        self.seconds: dict[str, float] = {}
        self._features, self._score, self._reference = features, score, reference
        self._pairs: list[tuple[np.ndarray, np.ndarray]] = []
        self._powers: list[float] = []
        self._means: list[np.ndarray] = []
        self._plain: list[np.ndarray] = []
        self._relative: list[np.ndarray] = []  # probabilities relative to the reference

    @property
    def loudest(self) -> float:
        """Mean square of the samples of the loudest window so far."""
        return max(self._powers, default=0.0)

    def add(self, samples: np.ndarray) -> None:
        """Score the next window: shape (n,), float32.

        Raises:
            InvalidSamples: the samples are so large that the features overflow.
        """
        self._powers.append(power_of(samples))
        with timing("features", self._count):
            self._pairs.append(self._features.extract_with_mean(samples))
        if len(self._pairs) == _WINDOWS_AT_ONCE:
            self._score_pairs()

    def finish(self) -> WindowScores:
        """Return the scores of all windows."""
        if self._pairs:
            self._score_pairs()
        probabilities, powers = np.concatenate(self._plain), np.array(self._powers)
        used = self._reference is not None and self._reference.fits(self._mean_frame(powers))
        if used:
            probabilities = joined(probabilities, np.concatenate(self._relative))
        return WindowScores(probabilities, powers, used)

    def _mean_frame(self, powers: np.ndarray) -> np.ndarray:
        """Return the mean frame of the windows that hold a voice."""
        return np.concatenate(self._means)[~np.array(silent_by_power(powers))].mean(axis=0)

    def _score_pairs(self) -> None:
        with timing("features", self._count):
            features, means = (np.stack(arrays) for arrays in zip(*self._pairs, strict=True))
            self._pairs.clear()
            if self._reference:
                # Whether it fits is known only when all windows are.
                relative = features + (means - self._reference.mean_frame)[:, np.newaxis]
                features = np.concatenate([features, relative])
        with timing("model", self._count):
            probabilities = self._score(features)
        self._means.append(means)
        self._plain.append(probabilities[: len(means)])
        self._relative.append(probabilities[len(means) :])

    def _count(self, stage: str, seconds: float) -> None:
        self.seconds[stage] = self.seconds.get(stage, 0.0) + seconds


class ClipScorer:
    """Scores one clip, or one channel of it.

    Args:
        model_file: of the model.
        score: the model.
        reference: as `WindowScorer` takes it.
        cues: spans of the clip whose emotion is asked for, too.

    Attributes:
        windows: scores the windows; give it each of them.
        loudness: give it all samples. None if there are no cues.
    """

    def __init__(
        self,
        model_file: ModelFile,
        score: Score,
        *,
        reference: Reference | None = None,
        cues: Sequence[Cue] | None = None,
    ) -> None:
        self.windows = WindowScorer(model_file.features, score, reference)
        self.loudness = None if cues is None else Loudness(model_file.features.sample_rate)
        self._metadata, self._rate = model_file.metadata, model_file.features.sample_rate
        self._scale = LabelScale(model_file.metadata.labels)
        self._reference, self._cues = reference, cues

    def prediction(
        self,
        windows: Sequence[tuple[int, int]],
        *,
        duration: float,
        truncated: bool,
        warnings: tuple[str, ...],
    ) -> Prediction:
        """Return the prediction, once all windows are scored.

        The windows are joined in the way that scored best in `ser evaluate --long-audio`.

        Args:
            windows: start and stop of each, in samples.
            duration, truncated, warnings: of the decoded clip.
        """
        scores = self.windows.finish()
        times = segment_times(windows, self._rate, duration)
        silent = silent_by_power(scores.powers)
        segments = tuple(
            Segment(start, end, *verdict, silent=is_silent)
            for (start, end), verdict, is_silent in zip(
                times, self._scale.verdicts(scores.probabilities), silent, strict=True
            )
        )
        whole = geometric_mean(scores.probabilities, audible_seconds(times, silent))
        (verdict,) = self._scale.verdicts(whole[np.newaxis])
        further = {
            UNCERTAIN: verdict.confidence < self._metadata.uncertain_below,
            REFERENCE_MISMATCH: self._reference is not None and not scores.reference_used,
        }
        use = None
        if self._reference is not None:
            use = ReferenceUse(self._reference.seconds, scores.reference_used)
        return Prediction(
            *verdict,
            duration=duration,
            truncated=truncated,
            warnings=(*warnings, *(name for name, given in further.items() if given)),
            segments=segments,
            reference=use,
            cues=self._cue_emotions(scores, times, silent),
        )

    def _cue_emotions(
        self, scores: WindowScores, times: list[tuple[float, float]], silent: list[bool]
    ) -> tuple[CueEmotion, ...] | None:
        if self._cues is None or self.loudness is None:
            return None
        emotions = []
        for cue in self._cues:
            found = cue_probabilities(
                cue, scores.probabilities, times, silent, self.loudness, self.windows.loudest
            )
            if isinstance(found, str):
                emotions.append(CueEmotion(cue.start, cue.end, cue.text, note=found))
            else:
                (verdict,) = self._scale.verdicts(found[np.newaxis])
                emotions.append(CueEmotion(cue.start, cue.end, cue.text, *verdict))
        return tuple(emotions)
