"""A model file and a clip to an answer."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ser.audio import Audio, load_audio
from ser.audio.decode import DECODE_TIMEOUT_S, MAX_SECONDS
from ser.audio.slots import FairSemaphore, MemorySlot
from ser.errors import UNCERTAIN, ModelFileError
from ser.inference.backends import build_openvino_model, load_backend
from ser.inference.openvino_backend import OpenVinoModel, Scorer
from ser.inference.windowing import geometric_mean, segment_times, silent_windows
from ser.models.calibration import apply_temperature
from ser.models.model_file import ModelFile, read_model_file

_LONG_AT_ONCE = 2  # long clips; with four, 512 MB are too little
_WINDOWS_AT_ONCE = 64  # whose features are held

#: Told the name of each stage of a prediction, and how many seconds it took, failed or not.
Observer = Callable[[str, float], None]
STAGES = ("decode", "features", "model")


@dataclass(frozen=True)
class Segment:
    """The emotion from `start` to `end`, in seconds; a `silent` one has no vote in the whole."""

    start: float
    end: float
    emotion: str
    confidence: float
    probabilities: dict[str, float]
    silent: bool


@dataclass(frozen=True)
class Prediction:
    """The answer for a clip.

    Attributes:
        probabilities: of every label, in the model's order; they sum to 1.
        duration: seconds that were scored.
        truncated: the clip was longer than the limit, and the rest was left out.
        segments: cover the clip from 0 to `duration` without a hole.
    """

    emotion: str
    confidence: float
    probabilities: dict[str, float]
    duration: float
    truncated: bool
    warnings: tuple[str, ...]
    segments: tuple[Segment, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the answer as plain data."""
        # `dataclasses.asdict` takes ten times as long, of ten minutes' segments 15 ms.
        segments = tuple(vars(s) | {"probabilities": {**s.probabilities}} for s in self.segments)
        return vars(self) | {"probabilities": {**self.probabilities}, "segments": segments}


class Predictor:
    """A loaded model; threads may share it."""

    def __init__(
        self, model_file: ModelFile, scorer: Scorer, *, long_at_once: int = _LONG_AT_ONCE
    ) -> None:
        self.model_file = model_file
        self.scorer = scorer
        self._long = FairSemaphore(long_at_once)

    @classmethod
    def from_file(cls, path: Path) -> "Predictor":
        """Load a model file and warm it up.

        Raises:
            ModelFileError: it cannot be served.
        """
        return cls.from_model_file(read_model_file(path))

    @classmethod
    def from_model_file(
        cls,
        model_file: ModelFile,
        build: Callable[[ModelFile], OpenVinoModel] = build_openvino_model,
        *,
        long_at_once: int = _LONG_AT_ONCE,
    ) -> "Predictor":
        """Load the model of a model file and warm it up.

        Args:
            build: as `load_backend` takes it.
            long_at_once: how many long clips may hold much memory at the same time.

        Raises:
            ModelFileError: it cannot be served.
        """
        loaded = cls(model_file, load_backend(model_file, build), long_at_once=long_at_once)
        loaded.warm_up()
        return loaded

    def warm_up(self) -> None:
        """Answer a second of noise: the first features cost seconds of imports and compilation.

        Raises:
            ModelFileError: the features need a package that is not installed.
        """
        rate, name = self.model_file.features.sample_rate, self.model_file.features.name
        noise = np.random.default_rng(0).standard_normal(rate).astype(np.float32)
        try:
            self.predict_audio(Audio(noise, rate=rate))
        except ModuleNotFoundError as error:
            raise ModelFileError(
                f"model file {self.model_file.path}: its feature set {name!r} needs {error.name}, "
                f"which is not installed: pip install {error.name} "
                "(requirements-train.txt has the version)"
            ) from error

    def predict(
        self,
        source: bytes | Path,
        *,
        max_seconds: float = MAX_SECONDS,
        timeout_s: float = DECODE_TIMEOUT_S,
        observe: Observer = lambda *_: None,
    ) -> Prediction:
        """Return the emotion of a file, given its bytes or its path.

        Args:
            observe: told of each of `STAGES`.

        Raises:
            AudioError: the file is at fault.
            DecoderFault: decoding failed for a reason of ours.
        """
        rate = self.model_file.features.sample_rate
        with MemorySlot(self._long) as memory:
            with _timed("decode", observe):
                audio = load_audio(
                    source,
                    rate=rate,
                    max_seconds=max_seconds,
                    timeout_s=timeout_s,
                    memory=memory,
                )
            del source  # as large as an upload may be
            return self.predict_audio(audio, observe=observe)

    def predict_audio(self, audio: Audio, *, observe: Observer = lambda *_: None) -> Prediction:
        """Return the emotion of a clip decoded at the rate of the model's features.

        It is that of each window, and of them all together.

        The windows are joined in the way that did best on recordings of one emotion in
        `evaluate.py --long-audio`.

        Raises:
            InvalidSamples: the samples are so large that the features overflow.
        """
        rate = self.model_file.features.sample_rate
        if audio.rate != rate:
            raise ValueError(f"the model hears audio at {rate} Hz, not {audio.rate}")
        windows = self.model_file.features.windows(len(audio.samples))
        probabilities = self._window_probabilities(audio, windows, observe)
        times = segment_times(windows, rate, audio.duration)
        silent = silent_windows(audio.samples, windows)
        segments = tuple(
            Segment(start, end, *self._answer(p), silent=quiet)
            for (start, end), p, quiet in zip(times, probabilities, silent, strict=True)
        )
        heard = np.array([0 if s.silent else s.end - s.start for s in segments])
        emotion, confidence, overall = self._answer(geometric_mean(probabilities, heard))
        unsure = confidence < self.model_file.metadata.uncertain_below
        return Prediction(
            emotion=emotion,
            confidence=confidence,
            probabilities=overall,
            duration=audio.duration,
            truncated=audio.truncated,
            warnings=audio.warnings + ((UNCERTAIN,) if unsure else ()),
            segments=segments,
        )

    def _window_probabilities(
        self, audio: Audio, windows: list[tuple[int, int]], observe: Observer
    ) -> np.ndarray:
        """Return the probabilities of each window, shape (windows, labels).

        The features of a long clip are never all held: they take a third of its samples.
        """
        extract, samples = self.model_file.features.extract, audio.samples
        spent: dict[str, float] = {}

        def add(stage: str, seconds: float) -> None:
            spent[stage] = spent.get(stage, 0) + seconds

        parts = []
        try:
            for start in range(0, len(windows), _WINDOWS_AT_ONCE):
                some = windows[start : start + _WINDOWS_AT_ONCE]
                with _timed("features", add):
                    features = np.stack([extract(samples[a:b]) for a, b in some])
                with _timed("model", add):
                    parts.append(self.probabilities(features))
        finally:
            for stage, seconds in spent.items():
                observe(stage, seconds)
        return np.concatenate(parts)

    def probabilities(self, features: np.ndarray) -> np.ndarray:
        """Return the calibrated probabilities of features, row by row.

        Args:
            features: shape (batch, *feature shape), float32.

        Returns:
            shape (batch, labels), float64; each row sums to 1.
        """
        return apply_temperature(self.scorer(features), self.model_file.metadata.temperature)

    def _answer(self, probabilities: np.ndarray) -> tuple[str, float, dict[str, float]]:
        labels = self.model_file.metadata.labels
        best = int(probabilities.argmax())
        named = dict(zip(labels, probabilities.tolist(), strict=True))
        return labels[best], float(probabilities[best]), named


@contextmanager
def _timed(stage: str, observe: Observer) -> Iterator[None]:
    start = time.perf_counter()
    try:
        yield
    finally:
        observe(stage, time.perf_counter() - start)
