"""Predict the emotion of a clip with the model of a model file."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ser.audio import (
    DECODE_TIMEOUT_S,
    MAX_SECONDS,
    Audio,
    FairSemaphore,
    MemorySlot,
    load_audio,
)
from ser.errors import REFERENCE_MISMATCH, UNCERTAIN, ModelFileError
from ser.inference.backends import build_openvino_model, load_backend
from ser.inference.openvino_backend import Backend, OpenVinoModel
from ser.inference.prediction import Prediction, Segment
from ser.inference.reference import Reference, ReferenceUse, read_reference
from ser.inference.stages import OnStage, timing
from ser.inference.windowing import geometric_mean, segment_times, silent_windows
from ser.labels import arousal_valence_of
from ser.models import ModelFile, read_model_file
from ser.models.calibration import apply_temperature

_LONG_CLIPS_AT_ONCE = 2  # four need more than 512 MB
_WINDOWS_AT_ONCE = 64  # whose features are in memory


class Predictor:
    """A loaded model; threads may share it."""

    def __init__(
        self, model_file: ModelFile, backend: Backend, *, long_at_once: int = _LONG_CLIPS_AT_ONCE
    ) -> None:
        self.model_file = model_file
        self.backend = backend
        self.long_clip_slots = FairSemaphore(long_at_once)
        points = arousal_valence_of(model_file.metadata.labels)
        self._arousal_valence_of_labels = None if points is None else np.array(points)

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
        long_at_once: int = _LONG_CLIPS_AT_ONCE,
    ) -> "Predictor":
        """Load the model of a checked model file and warm it up.

        Args:
            build: as `load_backend` takes it.
            long_at_once: how many long clips may take much memory at the same time.

        Raises:
            ModelFileError: it cannot be served.
        """
        loaded = cls(model_file, load_backend(model_file, build), long_at_once=long_at_once)
        loaded.warm_up()
        return loaded

    def warm_up(self) -> None:
        """Predict a second of noise, because the first features take seconds of imports.

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
        reference: Reference | str | Sequence[bytes | Path] | None = None,
        max_seconds: float = MAX_SECONDS,
        timeout_s: float = DECODE_TIMEOUT_S,
        on_stage: OnStage = lambda *_: None,
    ) -> Prediction:
        """Return the emotion of a file, given its bytes or its path.

        Args:
            reference: how the speaker sounds in a neutral voice, or what `read_reference` takes.
                Where it does not fit the clip, the answer is without it.
            max_seconds: how much of the clip is analysed, from its start.
            timeout_s: for decoding, in seconds; a long clip waits for memory in this time too.
            on_stage: called after each of `STAGES`.

        Raises:
            AudioError: the file cannot be analysed.
            DecoderFault: decoding failed, but the file may be fine.
            UsageError: as `read_reference` raises it.
        """
        if reference is not None and not isinstance(reference, Reference):
            reference = read_reference(
                self.model_file, reference, timeout_s=timeout_s, slots=self.long_clip_slots
            )
        rate = self.model_file.features.sample_rate
        with MemorySlot(self.long_clip_slots) as memory:
            with timing("decode", on_stage):
                audio = load_audio(
                    source,
                    rate=rate,
                    max_seconds=max_seconds,
                    timeout_s=timeout_s,
                    memory=memory,
                )
            del source  # it may be as large as an upload
            return self.predict_audio(audio, reference=reference, on_stage=on_stage)

    def predict_audio(
        self,
        audio: Audio,
        *,
        reference: Reference | None = None,
        on_stage: OnStage = lambda *_: None,
    ) -> Prediction:
        """Return the emotion of a decoded clip, and of each of its windows.

        The windows are joined in the way that scored best in `ser evaluate --long-audio`.

        Args:
            audio: decoded at the sample rate of the model's features.
            reference: as `predict` takes it.
            on_stage: called after each of `STAGES` but ``decode``.

        Raises:
            InvalidSamples: the samples are so large that the features overflow.
        """
        rate = self.model_file.features.sample_rate
        if audio.rate != rate:
            raise ValueError(f"the model takes audio at {rate} Hz, not {audio.rate}")
        windows = self.model_file.features.windows(len(audio.samples))
        probabilities, used = self._window_probabilities(audio, windows, reference, on_stage)
        times = segment_times(windows, rate, audio.duration)
        silent = silent_windows(audio.samples, windows)
        segments = tuple(
            Segment(start, end, *self._most_likely(p), arousal, valence, silent=is_silent)
            for (start, end), p, (arousal, valence), is_silent in zip(
                times, probabilities, self._arousal_valence(probabilities), silent, strict=True
            )
        )
        audible_s = np.array([0 if s.silent else s.end - s.start for s in segments])
        whole = geometric_mean(probabilities, audible_s)
        emotion, confidence, overall = self._most_likely(whole)
        ((arousal, valence),) = self._arousal_valence(whole[np.newaxis])
        warnings = {
            UNCERTAIN: confidence < self.model_file.metadata.uncertain_below,
            REFERENCE_MISMATCH: reference is not None and not used,
        }
        return Prediction(
            emotion=emotion,
            confidence=confidence,
            probabilities=overall,
            arousal=arousal,
            valence=valence,
            duration=audio.duration,
            truncated=audio.truncated,
            warnings=(*audio.warnings, *(name for name, given in warnings.items() if given)),
            segments=segments,
            reference=None if reference is None else ReferenceUse(reference.seconds, used),
        )

    def _window_probabilities(
        self,
        audio: Audio,
        windows: list[tuple[int, int]],
        reference: Reference | None,
        on_stage: OnStage,
    ) -> tuple[np.ndarray, bool]:
        """Return the probabilities of each window, and whether the reference fits the clip.

        The features of a long clip take a third of the memory of its samples, so only those of
        some windows are in memory at once.

        Returns:
            shape (windows, labels), and a bool.
        """
        extract, samples = self.model_file.features.extract_with_mean, audio.samples
        fits: bool | None = None
        seconds_of: dict[str, float] = {}

        def add(stage: str, seconds: float) -> None:
            seconds_of[stage] = seconds_of.get(stage, 0) + seconds

        parts = []
        try:
            for start in range(0, len(windows), _WINDOWS_AT_ONCE):
                some = windows[start : start + _WINDOWS_AT_ONCE]
                with timing("features", add):
                    pairs = [extract(samples[a:b]) for a, b in some]
                    features, means = (np.stack(arrays) for arrays in zip(*pairs, strict=True))
                    if reference and fits is None:
                        fits = reference.fits(means.mean(axis=0))
                    if reference and fits:
                        features += (means - reference.mean_frame)[:, np.newaxis]
                with timing("model", add):
                    parts.append(self.probabilities(features))
        finally:
            for stage, seconds in seconds_of.items():
                on_stage(stage, seconds)
        return np.concatenate(parts), bool(fits)

    def probabilities(self, features: np.ndarray) -> np.ndarray:
        """Return the calibrated probabilities of features, row by row.

        Args:
            features: shape (batch, *feature shape), float32.

        Returns:
            shape (batch, labels), float64; each row sums to 1.
        """
        return apply_temperature(self.backend(features), self.model_file.metadata.temperature)

    def _most_likely(self, probabilities: np.ndarray) -> tuple[str, float, dict[str, float]]:
        """Return the most likely label, its probability, and the probabilities by label."""
        labels = self.model_file.metadata.labels
        best = int(probabilities.argmax())
        named = dict(zip(labels, probabilities.tolist(), strict=True))
        return labels[best], float(probabilities[best]), named

    def _arousal_valence(self, probabilities: np.ndarray) -> list[Any]:
        """Return the arousal and the valence of each row, or None for both if they are unknown."""
        if self._arousal_valence_of_labels is None:
            return [(None, None)] * len(probabilities)
        return (probabilities @ self._arousal_valence_of_labels).tolist()
