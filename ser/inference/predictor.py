"""Predict the emotion of a clip with the model of a model file."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from ser.audio import (
    DECODE_TIMEOUT_S,
    MAX_SECONDS,
    Audio,
    FairSemaphore,
    MemorySlot,
    load_audio,
)
from ser.errors import ModelFileError
from ser.inference.backends import build_openvino_model, load_backend
from ser.inference.channels import CHANNELS_TIMEOUT_S, predict_channels
from ser.inference.clip_scorer import ClipScorer
from ser.inference.cues import Cue
from ser.inference.openvino_backend import Backend, OpenVinoModel
from ser.inference.prediction import ChannelsPrediction, Prediction
from ser.inference.reference import Reference, check_reference, read_reference
from ser.inference.stages import OnStage, timing
from ser.models import ModelFile, read_model_file
from ser.models.calibration import apply_temperature

#: How the speaker sounds in a neutral voice, or what `read_reference` makes it of.
GivenReference = Reference | str | Sequence[bytes | Path] | None

_LONG_CLIPS_AT_ONCE = 2  # four need more than 512 MB


class Predictor:
    """A loaded model; threads may share it."""

    def __init__(
        self, model_file: ModelFile, backend: Backend, *, long_at_once: int = _LONG_CLIPS_AT_ONCE
    ) -> None:
        self.model_file = model_file
        self.backend = backend
        self.long_clip_slots = FairSemaphore(long_at_once)

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
        reference: GivenReference = None,
        cues: Sequence[Cue] | None = None,
        max_seconds: float = MAX_SECONDS,
        timeout_s: float = DECODE_TIMEOUT_S,
        on_stage: OnStage = lambda *_: None,
    ) -> Prediction:
        """Return the emotion of a file, given its bytes or its path.

        Args:
            reference: how the speaker sounds in a neutral voice, or what `read_reference` takes.
                Where it does not fit the clip, the answer is without it.
            cues: spans of the clip, of which each gets an emotion of its own.
            max_seconds: how much of the clip is analysed, from its start.
            timeout_s: for decoding, in seconds; a long clip waits for memory in this time too.
            on_stage: called after each of `STAGES`.

        Raises:
            AudioError: the file cannot be analysed.
            DecoderFault: decoding failed, but the file may be fine.
            UsageError: as `read_reference` raises it.
        """
        reference = self._made(reference, timeout_s)
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
            return self.predict_audio(audio, reference=reference, cues=cues, on_stage=on_stage)

    def predict_channels(
        self,
        source: bytes | Path,
        *,
        reference: GivenReference = None,
        cues: Sequence[Cue] | None = None,
        max_seconds: float = MAX_SECONDS,
        timeout_s: float = CHANNELS_TIMEOUT_S,
        on_stage: OnStage = lambda *_: None,
    ) -> ChannelsPrediction:
        """Return the emotion of each channel of a file; it is decoded once.

        The channels are scored while the file is decoded, so that memory does not grow with
        their number and length.

        Args:
            source, reference, cues, max_seconds: as `predict` takes them. A channel that the
                reference does not fit is answered without it.
            timeout_s: for decoding and scoring, in seconds.
            on_stage: called after each of `STAGES`.

        Raises:
            AudioError, DecoderFault, UsageError: as of `predict`. A silent channel is no error
                unless all are silent.
        """
        reference = self._made(reference, timeout_s)

        def new_scorer() -> ClipScorer:
            return ClipScorer(self.model_file, self.probabilities, reference=reference, cues=cues)

        with MemorySlot(self.long_clip_slots) as memory:
            return predict_channels(
                source,
                self.model_file.features,
                new_scorer,
                cues=cues,
                max_seconds=max_seconds,
                timeout_s=timeout_s,
                memory=memory,
                on_stage=on_stage,
            )

    def _made(self, reference: GivenReference, timeout_s: float) -> Reference | None:
        if reference is None:
            return None
        return read_reference(
            self.model_file, reference, timeout_s=timeout_s, slots=self.long_clip_slots
        )

    def predict_audio(
        self,
        audio: Audio,
        *,
        reference: Reference | None = None,
        cues: Sequence[Cue] | None = None,
        on_stage: OnStage = lambda *_: None,
    ) -> Prediction:
        """Return the emotion of a decoded clip, and of each of its windows.

        Args:
            audio: decoded at the sample rate of the model's features.
            reference: of the speaker; `read_reference` makes it.
            cues: as `predict` takes them.
            on_stage: called after each of `STAGES` but ``decode``.

        Raises:
            InvalidSamples: the samples are so large that the features overflow.
            UsageError: as `check_reference` raises it.
        """
        if reference is not None:
            check_reference(self.model_file, reference)
        rate = self.model_file.features.sample_rate
        if audio.rate != rate:
            raise ValueError(f"the model takes audio at {rate} Hz, not {audio.rate}")
        scorer = ClipScorer(self.model_file, self.probabilities, reference=reference, cues=cues)
        windows = self.model_file.features.windows(len(audio.samples))
        if scorer.loudness:
            scorer.loudness.append(audio.samples)
        try:
            for start, stop in windows:
                scorer.windows.add(audio.samples[start:stop])
            return scorer.prediction(
                windows,
                duration=audio.duration,
                truncated=audio.truncated,
                warnings=audio.warnings,
            )
        finally:
            for stage, seconds in scorer.windows.seconds.items():
                on_stage(stage, seconds)

    def probabilities(self, features: np.ndarray) -> np.ndarray:
        """Return the calibrated probabilities of features, row by row.

        Args:
            features: shape (batch, *feature shape), float32.

        Returns:
            shape (batch, labels), float64; each row sums to 1.
        """
        return apply_temperature(self.backend(features), self.model_file.metadata.temperature)
