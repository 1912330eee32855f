"""Predict each channel of a file: it is decoded once, and no channel is kept in memory whole."""

from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter

import numpy as np

from ser.audio import DECODE_TIMEOUT_S, MemorySlot, load_channels
from ser.audio.limits import MAX_CHANNELS
from ser.features.base import FeatureSet
from ser.inference.clip_scorer import ClipScorer
from ser.inference.cues import Cue
from ser.inference.prediction import ChannelsPrediction, Prediction
from ser.inference.stages import OnStage
from ser.inference.windowing import silent_by_power

CHANNELS_TIMEOUT_S = MAX_CHANNELS * DECODE_TIMEOUT_S  # of decoding and scoring


class WindowStream:
    """Cuts windows out of samples that come part by part, as `FeatureSet.windows` cuts a clip.

    It holds the samples of two windows and a second at most, and a part.

    Args:
        features: what says where the windows are.
        on_window: called with the samples of each window, shape (n,), float32.

    Attributes:
        windows: start and stop of each window so far, in samples.
        n: number of samples so far.
    """

    def __init__(self, features: FeatureSet, on_window: Callable[[np.ndarray], None]) -> None:
        self.windows: list[tuple[int, int]] = []
        self.n = 0
        self._features, self._on_window = features, on_window
        self._parts: list[np.ndarray] = []
        self._start = 0  # of the first part, in samples
        self._looked_at = 0  # number of samples at the last look for windows

    def append(self, part: np.ndarray) -> None:
        """Take the next samples, shape (n,), float32."""
        self._parts.append(part)
        self.n += len(part)
        if self.n >= self._looked_at + self._features.sample_rate:
            self._looked_at = self.n
            # All windows but the last stay where they are, however long the clip becomes.
            self._cut(self._features.windows(self.n)[:-1])

    def finish(self) -> None:
        """Cut the last windows."""
        self._cut(self._features.windows(self.n))

    def _cut(self, windows: list[tuple[int, int]]) -> None:
        new = windows[len(self.windows) :]
        if not new:
            return
        samples = np.concatenate(self._parts)
        for start, stop in new:
            self._on_window(samples[start - self._start : stop - self._start])
        self.windows += new
        # A later window begins no earlier than the one after the last that was cut.
        following = self._features.windows(self.n)[len(self.windows) :]
        keep_from = following[0][0] if following else new[-1][0]
        self._parts = [samples[keep_from - self._start :].copy()]
        self._start = keep_from


class ChannelReceiver:
    """Scores one channel while the file is decoded.

    Args:
        features: of the model.
        scorer: of this channel.
    """

    def __init__(self, features: FeatureSet, scorer: ClipScorer) -> None:
        self.scorer = scorer
        self._stream = WindowStream(features, scorer.windows.add)
        self._rate = features.sample_rate

    def append(self, part: np.ndarray) -> None:
        """Take the next samples, shape (n,), float32."""
        if self.scorer.loudness:
            self.scorer.loudness.append(part)
        self._stream.append(part)

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return self._stream.n / self._rate

    def prediction(self, *, truncated: bool, warnings: tuple[str, ...]) -> Prediction:
        """Return the prediction of the channel, once the file is decoded."""
        self._stream.finish()
        return self.scorer.prediction(
            self._stream.windows, duration=self.duration, truncated=truncated, warnings=warnings
        )


def predict_channels(
    source: bytes | Path,
    features: FeatureSet,
    new_scorer: Callable[[], ClipScorer],
    *,
    cues: Sequence[Cue] | None,
    max_seconds: float,
    timeout_s: float,
    memory: MemorySlot,
    on_stage: OnStage,
) -> ChannelsPrediction:
    """Return the emotion of each channel of a file.

    A channel is silent if it holds only silence, or if its loudest window is as far below that of
    another channel as a silent window is below the loudest of its clip.

    Args:
        source, max_seconds, timeout_s, memory: as `load_channels` takes them.
        features: of the model.
        new_scorer: called once a channel.
        cues: that the scorers know.
        on_stage: called with the time of each of `STAGES`.

    Raises:
        AudioError, DecoderFault, OSError: as of `load_channels`.
    """
    started, opened = perf_counter(), list[ChannelReceiver]()

    def open_receiver() -> ChannelReceiver:
        opened.append(ChannelReceiver(features, new_scorer()))
        return opened[-1]

    try:
        decoded = load_channels(
            source,
            open_receiver,
            rate=features.sample_rate,
            max_seconds=max_seconds,
            timeout_s=timeout_s,
            memory=memory,
        )
        truncated, warnings = decoded.truncated, decoded.warnings
        predictions = [
            None
            if channel.level.is_silent
            else channel.receiver.prediction(truncated=truncated, warnings=warnings)
            for channel in decoded.sound
        ]
        loudest = [channel.receiver.scorer.windows.loudest for channel in decoded.sound]
        silent = silent_by_power(np.array(loudest))
        return ChannelsPrediction(
            duration=decoded.sound[0].receiver.duration,
            truncated=truncated,
            warnings=warnings,
            channels=tuple(None if s else p for p, s in zip(predictions, silent, strict=True)),
            cues=None if cues is None else tuple(cues),
        )
    finally:
        stages: dict[str, float] = {}
        for receiver in opened:
            for stage, seconds in receiver.scorer.windows.seconds.items():
                stages[stage] = stages.get(stage, 0.0) + seconds
        on_stage("decode", perf_counter() - started - sum(stages.values()))
        for stage, seconds in stages.items():
            on_stage(stage, seconds)
