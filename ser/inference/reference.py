"""The reference: how a speaker sounds in a neutral voice, as numbers that a model takes."""

import base64
import binascii
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ser.audio import DECODE_TIMEOUT_S, MAX_SECONDS, load_audio
from ser.errors import UsageError
from ser.models import ModelFile

MAX_TEXT_BYTES = 4_000
MAX_CLIPS = 4
MIN_SECONDS = 1.0  # less speech says little about a voice
# Between a clip and a reference of the same speaker and microphone, one distance in twenty is
# larger; between a clip over a telephone line and one that is not, nine in ten are.
_MAX_DISTANCE = 17.0


@dataclass(frozen=True)
class Reference:
    """A speaker's neutral voice, for one version of a model.

    Attributes:
        mean_frame: as `FeatureSet.mean_frame` returns it, over all clips; shape (n,), float32.
        seconds: length of the clips together.
        version: of the model file.
    """

    mean_frame: np.ndarray
    seconds: float
    version: str

    def fits(self, mean_frame: np.ndarray) -> bool:
        """Return whether a clip can be of the same speaker and microphone.

        Args:
            mean_frame: of the clip, shape (n,).
        """
        return self.seconds >= MIN_SECONDS and bool(fits(mean_frame, self.mean_frame))

    def to_text(self) -> str:
        """Return it as ASCII text, which `parse_reference` reads."""
        numbers = base64.b64encode(self.mean_frame.astype("<f4").tobytes()).decode()
        return f"{self.version}:{self.seconds:.2f}:{numbers}"


def fits(mean_frame: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Return whether mean frames can be of the same speaker and microphone as references.

    Args:
        mean_frame, reference: shape (…, n).

    Returns:
        shape (…), bool.
    """
    # The first coefficient is the level, which the emotion changes as much as a microphone.
    difference = (mean_frame - reference)[..., 1:]
    distance = np.sqrt(np.mean(np.square(difference, dtype=np.float64), axis=-1))
    return distance <= _MAX_DISTANCE


@dataclass(frozen=True)
class ReferenceUse:
    """What became of the reference of a prediction.

    Attributes:
        seconds: length of the reference.
        used: False if it does not fit the clip; the answer is then the one without it.
    """

    seconds: float
    used: bool

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {"seconds": round(self.seconds, 2), "used": self.used}


def make_reference(
    model_file: ModelFile,
    sources: Sequence[bytes | Path],
    *,
    max_seconds: float = MAX_SECONDS,
    timeout_s: float = DECODE_TIMEOUT_S,
) -> Reference:
    """Return the reference of up to `MAX_CLIPS` clips of a speaker in a neutral voice.

    Args:
        sources: files, given by their bytes or paths.
        max_seconds: how much of each clip counts, from its start.
        timeout_s: for decoding each clip, in seconds.

    Raises:
        UsageError: the model takes no reference, or there are none or too many clips.
        AudioError: a clip cannot be analysed.
        DecoderFault: decoding failed, but the clip may be fine.
    """
    features = model_file.features
    if not features.relative:
        raise UsageError(f"model {model_file.metadata.name} takes no reference")
    if not 1 <= len(sources) <= MAX_CLIPS:
        raise UsageError(f"a reference is made of 1 to {MAX_CLIPS} clips, not {len(sources)}")
    means, seconds = [], []
    for source in sources:
        audio = load_audio(
            source, rate=features.sample_rate, max_seconds=max_seconds, timeout_s=timeout_s
        )
        means.append(features.extract_with_mean(audio.samples)[1])
        seconds.append(audio.duration)
    mean_frame = np.average(means, axis=0, weights=seconds).astype(np.float32)
    return Reference(mean_frame, sum(seconds), model_file.version)


def parse_reference(text: str, *, version: str, size: int) -> Reference:
    """Return the reference of a text that `Reference.to_text` wrote.

    Args:
        version: of the model that is to take it.
        size: numbers in a frame of its features.

    Raises:
        UsageError: the text is malformed, or of another model.
    """
    if len(text) > MAX_TEXT_BYTES:
        raise UsageError(f"a reference has at most {MAX_TEXT_BYTES} bytes, not {len(text)}")
    parts = text.strip().split(":")
    if len(parts) != 3:
        raise UsageError("this is no text that POST /reference answered")
    its_version, seconds_text, numbers = parts
    if its_version != version:
        raise UsageError(
            f"the reference is of model {its_version[:12]!r}, and this is {version!r}: make it anew"
        )
    try:
        seconds = float(seconds_text)
        mean_frame = np.frombuffer(base64.b64decode(numbers, validate=True), "<f4")
    except (ValueError, binascii.Error) as error:
        raise UsageError("the numbers of the reference cannot be read: make it anew") from error
    if len(mean_frame) != size or not (np.isfinite(mean_frame).all() and math.isfinite(seconds)):
        raise UsageError("the numbers of the reference cannot be read: make it anew")
    return Reference(mean_frame.astype(np.float32), seconds, version)
