"""Decoding: any file to mono float32, or to its channels, for training and for serving."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from ser.audio.clip import Blocks, Clip, Decoded, Listen
from ser.audio.containers import detect_container
from ser.audio.extent import measure_extent
from ser.audio.formats.riff import repaired
from ser.audio.limits import Limits
from ser.audio.mixing import Channel, Heard, R, mix_and_resample, split_and_resample
from ser.audio.slots import MemorySlot
from ser.audio.unsupported import UNKNOWN, describe_unsupported
from ser.errors import EmptyFile, UnsupportedMedia

T = TypeVar("T")

SAMPLE_RATE = 22_050  # Hz, unless a feature set needs another; librosa's default
MAX_SECONDS = 600.0  # of one file; the rest is left out, and the answer says so
DECODE_TIMEOUT_S = 25.0

_LARGE_FILE_BYTES = 4_000_000  # a larger file needs a memory slot


@dataclass(frozen=True)
class Audio:
    """A decoded clip.

    Attributes:
        samples: shape (n,), float32, finite, mono, at `rate`; 1.0 is full scale.
        truncated: whether the file was longer than the limit.
        warnings: keys of `ser.errors.WARNINGS`.
        rate: sample rate, in Hz.
    """

    samples: np.ndarray
    truncated: bool = False
    warnings: tuple[str, ...] = ()
    rate: int = SAMPLE_RATE

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return len(self.samples) / self.rate


def load_audio(
    source: bytes | Path,
    *,
    rate: int = SAMPLE_RATE,
    max_seconds: float = MAX_SECONDS,
    timeout_s: float = DECODE_TIMEOUT_S,
    memory: MemorySlot | None = None,
) -> Audio:
    """Decode any audio or video file to mono float32 at `rate`, in Hz.

    libsndfile decodes what it can (wav, flac, ogg, mp3 …), ffmpeg the rest. Channels are
    averaged, then resampled with soxr's HQ, as `librosa.load` does.

    Args:
        source: the file's bytes, or its path. The extension of its name plays no part.
        rate: sample rate of the result, in Hz.
        max_seconds: what comes after is left out.
        timeout_s: wall-clock limit of the decoder, in seconds.
        memory: the memory slot of this file; a large file or a long clip waits for it.

    Raises:
        AudioError: the file is at fault; each fault has a class.
        DecoderFault: the file is not at fault.
        OSError: the path `source` cannot be read.
    """
    limits = Limits.from_now(max_seconds, timeout_s, memory)

    def listen(blocks: Blocks, source_rate: int, channel: int | None) -> Heard[np.ndarray]:
        return mix_and_resample(blocks, source_rate, rate, limits, channel=channel)

    decoded = _decode(source, limits, listen)
    return Audio(decoded.sound, decoded.truncated, decoded.warnings, rate)


def load_channels(
    source: bytes | Path,
    open_receiver: Callable[[], R],
    *,
    rate: int = SAMPLE_RATE,
    max_seconds: float = MAX_SECONDS,
    timeout_s: float = DECODE_TIMEOUT_S,
    memory: MemorySlot | None = None,
) -> Decoded[list[Channel[R]]]:
    """Decode a file once, and give each of its channels to a receiver, part by part.

    Args:
        source, rate, max_seconds, memory: as `load_audio` takes them.
        open_receiver: called once a channel. If a decoder does not hear all of the file, the
            next one begins with new receivers.
        timeout_s: wall-clock limit of the decoder and of the receivers, in seconds.

    Raises:
        AudioError, DecoderFault, OSError: as of `load_audio`; `Silent` if all channels are silent.
    """
    limits = Limits.from_now(max_seconds, timeout_s, memory)

    def listen(blocks: Blocks, source_rate: int, _: int | None) -> Heard[list[Channel[R]]]:
        return split_and_resample(blocks, source_rate, rate, limits, open_receiver=open_receiver)

    return _decode(source, limits, listen)


def _decode(source: bytes | Path, limits: Limits, listen: Listen[T]) -> Decoded[T]:
    data = source if isinstance(source, bytes) else source.read_bytes()
    if not data:
        raise EmptyFile("the file is empty (0 bytes)")
    if refusal := describe_unsupported(data):
        raise UnsupportedMedia(refusal)
    found = detect_container(data)
    if found is None:
        raise UnsupportedMedia(UNKNOWN)
    if len(data) > _LARGE_FILE_BYTES:
        limits.wait_for_memory()
    data = repaired(data[found.start :] if found.start else data, found.container)
    extent = measure_extent(data, found.container)
    clip = Clip(data, found.container, extent, limits, listen)
    return clip.read_with_soundfile() or clip.read_with_ffmpeg()
