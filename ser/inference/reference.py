"""The reference: how a speaker sounds in a neutral voice, as numbers that a model takes."""

import base64
import binascii
import math
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ser.audio import DECODE_TIMEOUT_S, FairSemaphore, MemorySlot, load_audio
from ser.errors import AudioError, DecoderFault, UsageError
from ser.models import ModelFile

MAX_TEXT_BYTES = 4_000
MAX_CLIPS = 4
MAX_CLIP_SECONDS = 60.0  # of each clip; its features are in memory at once
MIN_SECONDS = 1.0  # less speech says little about a voice
# How much the mean frame of a clip may differ from that of a reference of the same speaker and
# microphone. Five clips of EMOVO and ASED in a hundred are beyond one of these limits; over a
# telephone line 95 are. `evaluate --corruptions` shows what the reference gains or loses then.
_LOWEST_LEVEL = -20 * math.sqrt(128)  # first coefficient: 20 dB in each of the 128 mel bands
_TILTS = (-60.0, 30.0)  # second coefficient: more noise or treble, and less bass
_MAX_DISTANCE = 17.0  # root mean square of the others
_MIN_PROBABILITY = 1e-12
#: `Reference.to_text`, whatever its numbers are; no audio file begins like this.
_TEXT = re.compile(rb"[\w.-]{1,64}:[\w.+-]{1,32}:[A-Za-z0-9+/=]*")


@dataclass(frozen=True)
class Reference:
    """A speaker's neutral voice, for one version of a model.

    Attributes:
        mean_frame: the mean that `FeatureSet.extract_with_mean` returns, over all clips; shape
            (n,), float32.
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
    difference = (mean_frame - reference).astype(np.float64)
    level, tilt = difference[..., 0], difference[..., 1]
    distance = np.sqrt(np.mean(np.square(difference[..., 2:]), axis=-1))
    lowest, highest = _TILTS
    is_like = (lowest <= tilt) & (tilt <= highest) & (distance <= _MAX_DISTANCE)
    return is_like & (level >= _LOWEST_LEVEL)


def joined(without: np.ndarray, relative: np.ndarray) -> np.ndarray:
    """Return the answers with a reference: geometric means of both ways to hear a clip.

    The answer relative to the reference alone is better for most corpora, but for one that was
    left out of the training (TESS) it was 7 points worse than that without. Joined, no corpus
    lost more than a point.

    Args:
        without, relative: probabilities without the reference and relative to it, shape
            (n, labels).

    Returns:
        shape (n, labels); rows sum to 1.
    """
    mean = np.sqrt(np.maximum(without, _MIN_PROBABILITY) * np.maximum(relative, _MIN_PROBABILITY))
    return mean / mean.sum(axis=1, keepdims=True)


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


def read_reference(
    model_file: ModelFile,
    given: Reference | str | Sequence[bytes | Path],
    *,
    timeout_s: float = DECODE_TIMEOUT_S,
    slots: FairSemaphore | None = None,
) -> Reference:
    """Return a reference of the model, of a text that `Reference.to_text` returned, or of files.

    Args:
        given: the reference or the text, or files as `make_reference` takes them.
        timeout_s: as `make_reference` takes it.
        slots: as `make_reference` takes them.

    Raises:
        UsageError: as `make_reference`, `parse_reference` or `check_reference` raises it.
        AudioError: a file cannot be analysed.
        DecoderFault: decoding failed, but the file may be fine.
    """
    if isinstance(given, Reference):
        check_reference(model_file, given)
        return given
    if not isinstance(given, str):
        return make_reference(model_file, given, timeout_s=timeout_s, slots=slots)
    _check_takes_reference(model_file)
    size = model_file.features.shape[-1]
    return parse_reference(given, version=model_file.version, size=size)


def make_reference(
    model_file: ModelFile,
    sources: Sequence[bytes | Path],
    *,
    timeout_s: float = DECODE_TIMEOUT_S,
    slots: FairSemaphore | None = None,
) -> Reference:
    """Return the reference of up to `MAX_CLIPS` clips of a speaker in a neutral voice.

    Args:
        sources: files, given by their bytes or paths; of each, the first `MAX_CLIP_SECONDS` count.
        timeout_s: for decoding all of them, in seconds.
        slots: as `MemorySlot` takes them, for a large file.

    Raises:
        UsageError: the model takes no reference, or there are none or too many clips.
        AudioError: a clip cannot be analysed; the message says which one.
        DecoderFault: decoding failed, but the clip may be fine.
    """
    _check_takes_reference(model_file)
    if not 1 <= len(sources) <= MAX_CLIPS:
        raise UsageError(f"a reference is made of 1 to {MAX_CLIPS} clips, not {len(sources)}")
    features, deadline = model_file.features, time.monotonic() + timeout_s
    means, seconds = [], []
    for number, source in enumerate(sources, start=1):
        try:
            with MemorySlot(slots) as memory:
                audio = load_audio(
                    source,
                    rate=features.sample_rate,
                    max_seconds=MAX_CLIP_SECONDS,
                    timeout_s=max(0.1, deadline - time.monotonic()),
                    memory=memory,
                )
                means.append(features.extract_with_mean(audio.samples)[1])
        except (AudioError, DecoderFault) as error:
            which = f"clip {number}: " if len(sources) > 1 else ""
            raise type(error)(f"{which}{error}") from error
        seconds.append(audio.duration)
    mean_frame = np.average(means, axis=0, weights=seconds).astype(np.float32)
    return Reference(mean_frame, sum(seconds), model_file.version)


def find_text(data: bytes) -> str | None:
    """Return the text of a reference if `data` has the form of one, else None.

    Its numbers are not looked at: `parse_reference` does that.
    """
    if len(data) > MAX_TEXT_BYTES or not _TEXT.fullmatch(data.strip()):
        return None
    return data.decode("ascii").strip()


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
    _check_version(its_version, version)
    try:
        seconds = float(seconds_text)
        mean_frame = np.frombuffer(base64.b64decode(numbers, validate=True), "<f4")
    except (ValueError, binascii.Error) as error:
        raise UsageError("the numbers of the reference cannot be read: make it anew") from error
    if len(mean_frame) != size or not (np.isfinite(mean_frame).all() and math.isfinite(seconds)):
        raise UsageError("the numbers of the reference cannot be read: make it anew")
    return Reference(mean_frame.astype(np.float32), seconds, version)


def check_reference(model_file: ModelFile, reference: Reference) -> None:
    """Check that a reference is of this model.

    Raises:
        UsageError: it is of another model, or the model takes no reference.
    """
    _check_takes_reference(model_file)
    _check_version(reference.version, model_file.version)
    (own,), size = reference.mean_frame.shape, model_file.features.shape[-1]
    if own != size:
        raise UsageError(f"the reference has {own} numbers, and the model {size}: make it anew")


def _check_version(its_version: str, version: str) -> None:
    if its_version != version:
        raise UsageError(
            f"the reference is of model {its_version[:12]!r}, and this is {version!r}: make it anew"
        )


def _check_takes_reference(model_file: ModelFile) -> None:
    if not model_file.features.relative:
        raise UsageError(f"model {model_file.metadata.name} takes no reference")
