"""Decoding: any file to mono float32 at a given sample rate, for training and for serving."""

import io
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from ser.audio.containers import Container, detect_container
from ser.audio.extent import MIN_LOST_SECONDS, Extent, measure_extent
from ser.audio.ffmpeg import Decoding
from ser.audio.ffmpeg_log import FfmpegLog
from ser.audio.limits import CHANNELS, RATES, Limits, check_format, check_samples
from ser.audio.mixing import Mix, mix_and_resample
from ser.audio.riff import repaired
from ser.audio.slots import MemorySlot
from ser.audio.unsupported import UNKNOWN, describe_unsupported
from ser.errors import (
    DAMAGED,
    AudioError,
    EmptyFile,
    TooComplex,
    UnsupportedFormat,
    UnsupportedMedia,
)

SAMPLE_RATE = 22_050  # Hz, unless a feature set needs another; librosa's default
MAX_SECONDS = 600.0  # of one file; the rest is left out, and the answer says so
DECODE_TIMEOUT_S = 25.0

_BLOCK_SAMPLES = 65_536  # decoded at a time, over all channels
_INT16_SCALE = np.float32(2**-15)  # to full scale 1.0, as libsndfile does
_LARGE_FILE_BYTES = 4_000_000  # a larger file needs a memory slot
_MAX_TRACKS = 8  # that are tried until one has sound
# Without an error, the end may be missing by this much: containers count what encoders pad.
_PADDING_SECONDS = 0.5
_CUT_OFF = "prematurely"  # in ffmpeg's message about a Matroska file that ends within a block
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
    if refusal := describe_unsupported(data):
        raise UnsupportedMedia(refusal)
    found = detect_container(data)
    if found is None:
        raise UnsupportedMedia(UNKNOWN)
    limits = Limits.from_now(max_seconds, timeout_s, memory)
    if len(data) > _LARGE_FILE_BYTES:
        limits.wait_for_memory()
    data = repaired(data[found.start :] if found.start else data, found.container)
    clip = _Clip(data, found.container, measure_extent(data, found.container), rate, limits)
    return clip.read_with_soundfile() or clip.read_with_ffmpeg()


@dataclass(frozen=True)
class _Clip:
    """A file while it is decoded; `data` begins with its container."""

    data: bytes
    container: Container
    extent: Extent
    rate: int
    limits: Limits

    def read_with_soundfile(self) -> Audio | None:
        """Return the clip; or None where libsndfile does not hear all of it."""
        if not (self.container.soundfile and self.extent.in_one_piece):
            return None
        try:
            mix, declared = self._mix_with_soundfile(None)
            if mix.loudest is not None:
                mix, _ = self._mix_with_soundfile(mix.loudest)
        except soundfile.LibsndfileError as error:
            if error.code in _BAD_RATE:
                raise UnsupportedFormat(f"no sample rate; {RATES}") from error
            if error.code in _BAD_CHANNELS:
                raise UnsupportedFormat(f"none or too many channels; {CHANNELS}") from error
            return None
        expected = declared if self.extent.seconds is None else self.extent.seconds
        if not mix.seconds or self._missing(expected, mix.seconds) > MIN_LOST_SECONDS:
            return None
        return self._checked(mix, self._lost_by_extent(mix.seconds))

    def _mix_with_soundfile(self, channel: int | None) -> tuple[Mix, float]:
        """Return the mix, and the seconds that libsndfile expects in the file."""
        with soundfile.SoundFile(io.BytesIO(self.data)) as file:
            check_format(file.samplerate, file.channels)
            blocks = _soundfile_blocks(file, self.limits)
            mix = mix_and_resample(blocks, file.samplerate, self.rate, self.limits, channel=channel)
            return mix, file.frames / file.samplerate

    def read_with_ffmpeg(self) -> Audio:
        """Return the clip: its default track, or the next one that has sound."""
        log = FfmpegLog()
        try:
            return self._read_track(None, log)
        except AudioError as error:
            others = [n for n in log.audio_streams if n != log.chosen]
            if isinstance(error, TooComplex) or not others:
                raise
            for stream in others[: _MAX_TRACKS - 1]:
                try:
                    return self._read_track(stream, FfmpegLog())
                except TooComplex:
                    raise
                except AudioError:
                    continue
            raise

    def _read_track(self, stream: int | None, log: FfmpegLog) -> Audio:
        fill_gaps = self.container.has_times
        mix = self._mix_with_ffmpeg(stream, log, fill_gaps=fill_gaps)
        # Time stamps that go back drop sound. Where the format changes, ffmpeg begins anew, and
        # takes the time until there for a gap.
        dropped = self._missing(log.decoded_seconds, mix.seconds)
        if fill_gaps and (dropped > MIN_LOST_SECONDS or log.format_changes):
            fill_gaps = False
            mix = self._mix_with_ffmpeg(stream, log, fill_gaps=fill_gaps)
        if mix.loudest is not None:
            mix = self._mix_with_ffmpeg(stream, log, fill_gaps=fill_gaps, channel=mix.loudest)
        return self._checked(mix, self._lost_seconds(log, mix.seconds))

    def _mix_with_ffmpeg(
        self,
        stream: int | None,
        log: FfmpegLog,
        *,
        fill_gaps: bool = True,
        channel: int | None = None,
    ) -> Mix:
        with Decoding(
            self.data,
            self.container,
            self.limits,
            log=log,
            stream=stream,
            fill_gaps=fill_gaps,
            ignore_length=self.extent.is_streamed,
        ) as decoding:
            check_format(decoding.rate, decoding.channels)
            blocks = decoding.blocks()
            mix = mix_and_resample(blocks, decoding.rate, self.rate, self.limits, channel=channel)
            for _ in blocks:  # a second at most, then ffmpeg says how much it has decoded
                pass
            return mix

    def _missing(self, expected: float | None, seconds: float) -> float:
        """Return how many of the expected seconds that may be kept were not decoded."""
        return 0.0 if expected is None else min(expected, self.limits.max_seconds) - seconds

    def _lost_seconds(self, log: FfmpegLog, seconds: float) -> float:
        """Return how much sound is lost of the `seconds` that ffmpeg wrote and of the rest."""
        decoded = log.decoded_seconds
        # A gap in the time stamps is none in the file, unless something there was unreadable.
        gap = 0.0
        if decoded is not None and log.errors and self.container.has_times:
            gap = 0.0 if log.format_changes else max(0.0, seconds - decoded)
        missing = self._lost_by_extent(seconds)
        if self.extent.seconds is not None:
            return gap + missing + max(0.0, self._missing(self.extent.seconds, seconds))
        missing += max(gap, log.undecoded_seconds)
        if log.declared_seconds is None:
            return math.inf if any(_CUT_OFF in line for line in log.errors) else missing
        at_end = self._missing(log.declared_seconds, seconds)
        if not log.errors and (log.has_video or at_end < _PADDING_SECONDS):
            return missing
        return max(missing, at_end)

    def _lost_by_extent(self, seconds: float) -> float:
        """Return what the file's bytes say is missing; nothing if the limit comes first."""
        return 0.0 if seconds > self.limits.max_seconds else self.extent.lost_of(seconds)

    def _checked(self, mix: Mix, lost_seconds: float) -> Audio:
        """Return the clip; raise an error if there is nothing to hear."""
        audio = Audio(
            mix.samples,
            truncated=mix.seconds > self.limits.max_seconds,
            warnings=(DAMAGED,) if lost_seconds > MIN_LOST_SECONDS else (),
            rate=self.rate,
        )
        check_samples(audio.samples, audio.rate)
        return audio


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
