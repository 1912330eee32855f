"""Bytes or a path to mono float32 at a given sample rate; the same for training and serving."""

import io
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr

from ser.audio.containers import Container, detect_container
from ser.audio.ffmpeg import Decoding
from ser.audio.limits import Limits
from ser.audio.slots import MemorySlot
from ser.audio.truncation import LOST_SECONDS, is_truncated
from ser.errors import (
    DAMAGED,
    EmptyFile,
    InvalidSamples,
    Silent,
    TooComplex,
    TooShort,
    UnsupportedFormat,
    UnsupportedMedia,
)

SAMPLE_RATE = 22_050  # Hz, unless features want another; librosa's default
MIN_SECONDS = 0.3  # shorter clips hold no emotion
MAX_SECONDS = 600.0  # of one file; the rest is left out and said to be
MIN_RATE, MAX_RATE = 4_000, 192_000  # Hz
MAX_CHANNELS = 8
SILENCE_PEAK = 1e-4  # of full scale (-80 dB), once a constant offset is taken off
DECODE_TIMEOUT_S = 25.0

_RATES = f"{MIN_RATE} to {MAX_RATE} Hz are supported"
_CHANNELS = f"1 to {MAX_CHANNELS} are supported"
_BLOCK_FRAMES = 65_536  # decoded at a time, of all channels together
_INT16 = np.float32(2**-15)  # full scale of 16 bits, as libsndfile takes it
# What is larger takes a turn: bytes of a file, and samples of a clip (45 s at 22,050 Hz).
_LARGE, _LONG = 4_000_000, 1_000_000
# libsndfile's numbers for a rate or number of channels that it cannot take.
_BAD_RATE, _BAD_CHANNELS = (24,), (32, 33, 34)


@dataclass(frozen=True)
class Audio:
    """A decoded clip.

    Attributes:
        samples: shape (n,), float32, finite, mono, at `rate`; 1.0 is full scale.
        truncated: whether the file was longer than the limit.
        warnings: keys of `ser.errors.WARNINGS`.
        rate: in Hz.
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

    libsndfile reads what it can (wav, flac, ogg, mp3 …), ffmpeg the rest. Channels are
    averaged, then resampled by soxr's HQ, as `librosa.load` does.

    Args:
        source: the file's bytes, or its path. The name's extension is not looked at.
        max_seconds: leave out what comes after.
        timeout_s: wall-clock limit of the decoder.
        memory: the slot of this file; a large file or a long clip waits for it.

    Raises:
        AudioError: the file is at fault; each kind is a class of its own.
        DecoderFault: decoding failed for a reason of ours.
        OSError: `source` is a path that cannot be read.
    """
    data = source if isinstance(source, bytes) else source.read_bytes()
    if not data:
        raise EmptyFile("the file is empty (0 bytes)")
    container = detect_container(data)
    if container is None:
        raise UnsupportedMedia(
            "this is no audio or video file; wav, mp3, flac, ogg, m4a, mp4, webm and others work"
        )
    limits = Limits.of(max_seconds, timeout_s, memory)
    if len(data) > _LARGE:
        limits.wait_for_memory()
    audio = _read_with_soundfile(data, container, rate, limits) if container.soundfile else None
    if audio is None:
        audio = _read_with_ffmpeg(data, container, rate, limits)
    _check(audio)
    return audio


def _read_with_soundfile(
    data: bytes, container: Container, rate: int, limits: Limits
) -> Audio | None:
    """Return the clip, or None where ffmpeg should try: broken, streamed or exotic files."""
    try:
        with soundfile.SoundFile(io.BytesIO(data)) as file:
            own_rate, declared = file.samplerate, file.frames
            _check_format(own_rate, file.channels)
            samples, taken = _gather(_soundfile_blocks(file, limits), own_rate, rate, limits)
    except soundfile.LibsndfileError as error:
        if error.code in _BAD_RATE:
            raise UnsupportedFormat(f"no sample rate; {_RATES}") from error
        if error.code in _BAD_CHANNELS:
            raise UnsupportedFormat(f"none or too many channels; {_CHANNELS}") from error
        return None
    if not taken:
        return None
    limit = limits.frames(own_rate)
    lost = min(declared, limit) - taken
    cut_off = lost > LOST_SECONDS * own_rate or is_truncated(data, container)
    return Audio(
        samples,
        truncated=taken > limit,
        warnings=(DAMAGED,) if cut_off else (),
        rate=rate,
    )


def _soundfile_blocks(file: soundfile.SoundFile, limits: Limits) -> Iterator[np.ndarray]:
    """Yield the samples, shape (n, channels), within the limits that ffmpeg has as well."""
    size = _BLOCK_FRAMES // file.channels
    # 16 bits as they are: for floats libsndfile asks for 8 KB at a time, each through Python.
    kind, scale = ("int16", _INT16) if file.subtype == "PCM_16" else ("float32", None)
    start = time.thread_time()
    while len(block := file.read(size, dtype=kind, always_2d=True)):
        yield block if scale is None else block * scale
        limits.time_left()
        if time.thread_time() - start > limits.cpu_s:
            raise TooComplex("decoding this file takes more time than is allowed")


def _read_with_ffmpeg(data: bytes, container: Container, rate: int, limits: Limits) -> Audio:
    with Decoding(data, container, limits) as decoding:
        _check_format(decoding.rate, decoding.channels)
        samples, taken = _gather(decoding.blocks(), decoding.rate, rate, limits)
        damaged = decoding.reported_errors or is_truncated(data, container)
        return Audio(
            samples,
            truncated=taken > limits.frames(decoding.rate),
            warnings=(DAMAGED,) if damaged else (),
            rate=rate,
        )


def _gather(
    blocks: Iterator[np.ndarray], own_rate: int, rate: int, limits: Limits
) -> tuple[np.ndarray, int]:
    """Mix blocks of shape (n, channels) down and resample them, one after the other.

    Of a file of any length, rate and width no more than `max_seconds` of the result are
    held, and the answer is, to the bit, that of doing it with the whole.

    Returns:
        shape (n,), float32, at `rate`; and how many frames were taken, which is
        above the limit where there were more.
    """
    wanted = limits.frames(own_rate)
    resampler = soxr.ResampleStream(own_rate, rate, 1, dtype="float32", quality="HQ")
    samples, taken = _Samples(limits, rate), 0
    with np.errstate(over="ignore", invalid="ignore"):  # `_check` tells of it
        for block in blocks:
            mono = _mono(block[: wanted - taken])
            samples.add(mono if own_rate == rate else resampler.resample_chunk(mono))
            taken += len(block)
            if taken > wanted:
                break
    if own_rate != rate:
        samples.add(resampler.resample_chunk(np.empty(0, np.float32), last=True))
    return samples.taken(), taken


def _mono(block: np.ndarray) -> np.ndarray:
    """Return the mean of the channels: (n, channels) to (n,)."""
    if block.shape[1] == 1:
        return block[:, 0]
    # `block.mean(axis=1)` takes twenty times as long: 3 ms of a short stereo clip.
    mono = block[:, 0] + block[:, 1]
    for channel in range(2, block.shape[1]):
        mono += block[:, channel]
    mono /= block.shape[1]
    return mono


class _Samples:
    """Samples in one piece of memory, however many come: parts, once joined, would take two."""

    def __init__(self, limits: Limits, rate: int) -> None:
        self._limits = limits
        self._most = limits.frames(rate) + 1
        self._buffer = np.empty(min(self._most, _LONG), np.float32)
        self._n = 0

    def add(self, part: np.ndarray) -> None:
        """Take samples, shape (n,), float32."""
        end = self._n + len(part)
        if end > len(self._buffer):
            self._limits.wait_for_memory()
            # For all that may come: what is never written to takes no memory.
            larger = np.empty(max(self._most, end), np.float32)
            larger[: self._n] = self._buffer[: self._n]
            self._buffer = larger
        self._buffer[self._n : end] = part
        self._n = end

    def taken(self) -> np.ndarray:
        """Return them: shape (n,), float32."""
        samples = self._buffer[: self._n]
        # Whoever keeps a short clip shall not keep the room that it did not need.
        return samples.copy() if len(self._buffer) <= _LONG else samples


def _check_format(rate: int, channels: int) -> None:
    if not MIN_RATE <= rate <= MAX_RATE:
        raise UnsupportedFormat(f"a sample rate of {rate} Hz; {_RATES}")
    if not 1 <= channels <= MAX_CHANNELS:
        raise UnsupportedFormat(f"{channels} channels; {_CHANNELS}")


def _check(audio: Audio) -> None:
    samples = audio.samples
    # Not of every sample: that would take a byte for each.
    if not np.isfinite([samples.min(initial=0), samples.max(initial=0)]).all():
        raise InvalidSamples("the audio holds NaN or infinite samples")
    if audio.duration < MIN_SECONDS:
        raise TooShort(f"{audio.duration:.2f} s of audio; at least {MIN_SECONDS:g} s are needed")
    # In float64: the sum of huge float32 samples overflows.
    mean = samples.mean(dtype=np.float64)
    if max(samples.max() - mean, mean - samples.min()) < SILENCE_PEAK:
        raise Silent("nothing but silence in this file")
