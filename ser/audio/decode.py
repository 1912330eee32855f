"""Decoding: any file to mono float32 at a given sample rate, for training and for serving."""

import io
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr

from ser.audio.containers import Container, describe_unknown, detect_container
from ser.audio.ffmpeg import Decoding
from ser.audio.limits import Limits
from ser.audio.slots import MemorySlot
from ser.audio.truncation import MIN_LOST_SECONDS, is_truncated
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

SAMPLE_RATE = 22_050  # Hz, unless a feature set needs another; librosa's default
MIN_SECONDS = 0.3  # shorter clips hold no emotion
MAX_SECONDS = 600.0  # of one file; the rest is left out, and the answer says so
MIN_RATE, MAX_RATE = 4_000, 192_000  # Hz
MAX_CHANNELS = 8
SILENCE_PEAK = 1e-4  # of full scale (-80 dB), without a constant offset
DECODE_TIMEOUT_S = 25.0

_RATES = f"{MIN_RATE} to {MAX_RATE} Hz are supported"
_CHANNELS = f"1 to {MAX_CHANNELS} are supported"
_BLOCK_SAMPLES = 65_536  # decoded at a time, over all channels
_INT16_SCALE = np.float32(2**-15)  # to full scale 1.0, as libsndfile does
# A larger file, or a longer clip, needs a memory slot.
_LARGE_FILE_BYTES = 4_000_000
_LONG_CLIP_SAMPLES = 1_000_000  # 45 s at 22,050 Hz
# libsndfile's error codes for a sample rate or a number of channels that it refuses.
_BAD_RATE, _BAD_CHANNELS = (24,), (32, 33, 34)


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
    data = source if isinstance(source, bytes) else source.read_bytes()
    if not data:
        raise EmptyFile("the file is empty (0 bytes)")
    container = detect_container(data)
    if container is None:
        raise UnsupportedMedia(describe_unknown(data))
    limits = Limits.from_now(max_seconds, timeout_s, memory)
    if len(data) > _LARGE_FILE_BYTES:
        limits.wait_for_memory()
    audio = _read_with_soundfile(data, container, rate, limits) if container.soundfile else None
    if audio is None:
        audio = _read_with_ffmpeg(data, container, rate, limits)
    _check_samples(audio)
    return audio


def _read_with_soundfile(
    data: bytes, container: Container, rate: int, limits: Limits
) -> Audio | None:
    """Return the clip; or None for broken, streamed and exotic files, which ffmpeg may decode."""
    try:
        with soundfile.SoundFile(io.BytesIO(data)) as file:
            source_rate, declared = file.samplerate, file.frames
            _check_format(source_rate, file.channels)
            blocks = _soundfile_blocks(file, limits)
            samples, n_frames = _mix_and_resample(blocks, source_rate, rate, limits)
    except soundfile.LibsndfileError as error:
        if error.code in _BAD_RATE:
            raise UnsupportedFormat(f"no sample rate; {_RATES}") from error
        if error.code in _BAD_CHANNELS:
            raise UnsupportedFormat(f"none or too many channels; {_CHANNELS}") from error
        return None
    if not n_frames:
        return None
    limit = limits.max_frames(source_rate)
    lost = min(declared, limit) - n_frames
    damaged = lost > MIN_LOST_SECONDS * source_rate or is_truncated(data, container)
    return Audio(
        samples,
        truncated=n_frames > limit,
        warnings=(DAMAGED,) if damaged else (),
        rate=rate,
    )


def _soundfile_blocks(file: soundfile.SoundFile, limits: Limits) -> Iterator[np.ndarray]:
    """Yield the samples, shape (n, channels), float32, within the limits that ffmpeg has too."""
    size = _BLOCK_SAMPLES // file.channels
    # 16-bit samples are read as integers: libsndfile converts to float in parts of 8 KB, each of
    # which is read by a call into Python.
    is_int16 = file.subtype == "PCM_16"
    dtype = "int16" if is_int16 else "float32"
    start = time.thread_time()
    while len(block := file.read(size, dtype=dtype, always_2d=True)):
        yield block * _INT16_SCALE if is_int16 else block
        limits.time_left()
        if time.thread_time() - start > limits.cpu_s:
            raise TooComplex("decoding this file takes more time than is allowed")


def _read_with_ffmpeg(data: bytes, container: Container, rate: int, limits: Limits) -> Audio:
    with Decoding(data, container, limits) as decoding:
        source_rate = decoding.rate
        _check_format(source_rate, decoding.channels)
        samples, n_frames = _mix_and_resample(decoding.blocks(), source_rate, rate, limits)
        damaged = decoding.reported_errors or is_truncated(data, container)
    return Audio(
        samples,
        truncated=n_frames > limits.max_frames(source_rate),
        warnings=(DAMAGED,) if damaged else (),
        rate=rate,
    )


def _mix_and_resample(
    blocks: Iterator[np.ndarray], source_rate: int, rate: int, limits: Limits
) -> tuple[np.ndarray, int]:
    """Mix blocks of shape (n, channels) to mono and resample them, block by block.

    Memory holds no more than `max_seconds` of the result, whatever the length, rate and
    channels of the file. The result equals, to the bit, that of the whole clip at once.

    Returns:
        samples of shape (n,), float32, at `rate`; and the number of frames that were read,
        which exceeds the limit if the file is longer.
    """
    limit = limits.max_frames(source_rate)
    resampler = soxr.ResampleStream(source_rate, rate, 1, dtype="float32", quality="HQ")
    samples, n_frames = _SampleBuffer(limits, rate), 0
    with np.errstate(over="ignore", invalid="ignore"):  # `_check_samples` finds the results
        for block in blocks:
            mono = _to_mono(block[: limit - n_frames])
            samples.append(mono if source_rate == rate else resampler.resample_chunk(mono))
            n_frames += len(block)
            if n_frames > limit:
                break
    if source_rate != rate:
        samples.append(resampler.resample_chunk(np.empty(0, np.float32), last=True))
    return samples.joined(), n_frames


def _to_mono(block: np.ndarray) -> np.ndarray:
    """Return the mean of the channels: shape (n, channels) to (n,)."""
    if block.shape[1] == 1:
        return block[:, 0]
    # `block.mean(axis=1)` takes twenty times as long: 3 ms for a short stereo clip.
    mono = block[:, 0] + block[:, 1]
    for channel in range(2, block.shape[1]):
        mono += block[:, channel]
    mono /= block.shape[1]
    return mono


class _SampleBuffer:
    """Samples appended in one piece of memory: joining a list of parts would take twice as much."""

    def __init__(self, limits: Limits, rate: int) -> None:
        self._limits = limits
        self._max_samples = limits.max_frames(rate) + 1
        self._buffer = np.empty(min(self._max_samples, _LONG_CLIP_SAMPLES), np.float32)
        self._n = 0

    def append(self, part: np.ndarray) -> None:
        """Add samples, shape (n,), float32."""
        end = self._n + len(part)
        if end > len(self._buffer):
            self._limits.wait_for_memory()
            # Room for the longest clip: memory that is never written is never taken.
            larger = np.empty(max(self._max_samples, end), np.float32)
            larger[: self._n] = self._buffer[: self._n]
            self._buffer = larger
        self._buffer[self._n : end] = part
        self._n = end

    def joined(self) -> np.ndarray:
        """Return all samples: shape (n,), float32."""
        samples = self._buffer[: self._n]
        # A view would keep the whole buffer in memory, which a short clip does not need.
        return samples.copy() if len(self._buffer) <= _LONG_CLIP_SAMPLES else samples


def _check_format(rate: int, channels: int) -> None:
    if not MIN_RATE <= rate <= MAX_RATE:
        raise UnsupportedFormat(f"a sample rate of {rate} Hz; {_RATES}")
    if not 1 <= channels <= MAX_CHANNELS:
        raise UnsupportedFormat(f"{channels} channels; {_CHANNELS}")


def _check_samples(audio: Audio) -> None:
    samples = audio.samples
    # `isfinite` of all samples would take a byte for each; NaN passes through `min` and `max`.
    if not np.isfinite([samples.min(initial=0), samples.max(initial=0)]).all():
        raise InvalidSamples("the audio holds NaN or infinite samples")
    if audio.duration < MIN_SECONDS:
        raise TooShort(f"{audio.duration:.2f} s of audio; at least {MIN_SECONDS:g} s are needed")
    # In float64: the sum of huge float32 samples overflows.
    mean = samples.mean(dtype=np.float64)
    if max(samples.max() - mean, mean - samples.min()) < SILENCE_PEAK:
        raise Silent("nothing but silence in this file")
