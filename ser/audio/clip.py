"""One file while it is decoded: by libsndfile where it hears the whole file, else by ffmpeg."""

import io
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

import numpy as np
import soundfile

from ser.audio.containers import Container
from ser.audio.extent import MIN_LOST_SECONDS, Extent
from ser.audio.ffmpeg import Decoding
from ser.audio.ffmpeg_log import FfmpegLog
from ser.audio.interrupts import interrupts_held
from ser.audio.limits import CHANNELS, RATES, Limits, check_format, check_levels
from ser.audio.mixing import Heard
from ser.errors import DAMAGED, AudioError, TooComplex, UnsupportedFormat

_BLOCK_SAMPLES = 65_536  # decoded at a time, over all channels
_INT16_SCALE = np.float32(2**-15)  # to full scale 1.0, as libsndfile does
_MAX_TRACKS = 8  # that are tried until one has sound
# Without an error, the end may be missing by this much: containers count what encoders pad.
_PADDING_SECONDS = 0.5
_CUT_OFF = "prematurely"  # in ffmpeg's message about a Matroska file that ends within a block
# libsndfile's error codes for a sample rate or a number of channels that it refuses.
_BAD_RATE, _BAD_CHANNELS = (24,), (32, 33, 34)

T = TypeVar("T")
#: Samples, shape (n, channels), float32.
Blocks = Iterator[np.ndarray]
#: Called with the blocks of a file, their rate in Hz, and the channel to hear in place of all.
Listen = Callable[[Blocks, int, int | None], Heard[T]]


class Decoded(NamedTuple, Generic[T]):
    """What came of a file: the sound, and `truncated` and `warnings` as of `Audio`."""

    sound: T
    truncated: bool
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class Clip(Generic[T]):
    """A file while it is decoded; `data` begins with its container.

    Attributes:
        listen: makes the sound of the blocks.
    """

    data: bytes
    container: Container
    extent: Extent
    limits: Limits
    listen: Listen[T]

    def read_with_soundfile(self) -> Decoded[T] | None:
        """Return the clip; or None where libsndfile does not hear all of it."""
        if not (self.container.soundfile and self.extent.in_one_piece):
            return None
        try:
            heard, declared = self._hear_with_soundfile(None)
            if heard.loudest is not None:
                heard, _ = self._hear_with_soundfile(heard.loudest)
        except soundfile.LibsndfileError as error:
            if error.code in _BAD_RATE:
                raise UnsupportedFormat(f"no sample rate; {RATES}") from error
            if error.code in _BAD_CHANNELS:
                raise UnsupportedFormat(f"none or too many channels; {CHANNELS}") from error
            return None
        expected = declared if self.extent.seconds is None else self.extent.seconds
        if not heard.seconds or self._missing(expected, heard.seconds) > MIN_LOST_SECONDS:
            return None
        return self._checked(heard, self._lost_by_extent(heard.seconds))

    def _hear_with_soundfile(self, channel: int | None) -> tuple[Heard[T], float]:
        """Return what was heard, and the seconds that libsndfile expects in the file."""
        with interrupts_held():
            opened = soundfile.SoundFile(io.BytesIO(self.data))
        with opened as file:
            check_format(file.samplerate, file.channels)
            blocks = _soundfile_blocks(file, self.limits)
            heard = self.listen(blocks, file.samplerate, channel)
            return heard, file.frames / file.samplerate

    def read_with_ffmpeg(self) -> Decoded[T]:
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

    def _read_track(self, stream: int | None, log: FfmpegLog) -> Decoded[T]:
        fill_gaps = self.container.has_times
        heard = self._hear_with_ffmpeg(stream, log, fill_gaps=fill_gaps)
        # Time stamps that go back drop sound. Where the format changes, ffmpeg begins anew, and
        # takes the time until there for a gap.
        dropped = self._missing(log.decoded_seconds, heard.seconds)
        if fill_gaps and (dropped > MIN_LOST_SECONDS or log.format_changes):
            fill_gaps = False
            heard = self._hear_with_ffmpeg(stream, log, fill_gaps=fill_gaps)
        if heard.loudest is not None:
            heard = self._hear_with_ffmpeg(stream, log, fill_gaps=fill_gaps, channel=heard.loudest)
        return self._checked(heard, self._lost_seconds(log, heard.seconds))

    def _hear_with_ffmpeg(
        self,
        stream: int | None,
        log: FfmpegLog,
        *,
        fill_gaps: bool = True,
        channel: int | None = None,
    ) -> Heard[T]:
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
            heard = self.listen(blocks, decoding.rate, channel)
            for _ in blocks:  # a second at most, then ffmpeg says how much it has decoded
                pass
            return heard

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
        if not log.errors and (log.has_others or at_end < _PADDING_SECONDS):
            return missing
        return max(missing, at_end)

    def _lost_by_extent(self, seconds: float) -> float:
        """Return what the file's bytes say is missing; nothing if the limit comes first."""
        return 0.0 if seconds > self.limits.max_seconds else self.extent.lost_of(seconds)

    def _checked(self, heard: Heard[T], lost_seconds: float) -> Decoded[T]:
        """Return the sound; raise an error if there is nothing to hear."""
        truncated = heard.seconds > self.limits.max_seconds
        check_levels(heard.levels, self.limits.max_seconds if truncated else None)
        return Decoded(
            heard.sound,
            truncated=truncated,
            warnings=(DAMAGED,) if lost_seconds > MIN_LOST_SECONDS else (),
        )


def _soundfile_blocks(file: soundfile.SoundFile, limits: Limits) -> Iterator[np.ndarray]:
    """Yield the samples, shape (n, channels), float32, within the limits that ffmpeg has too."""
    size = _BLOCK_SAMPLES // file.channels
    # 16-bit samples are read as integers: libsndfile converts to float in parts of 8 KB, each of
    # which is read by a call into Python.
    is_int16 = file.subtype == "PCM_16"
    dtype = "int16" if is_int16 else "float32"
    cpu_s = 0.0  # of the decoder alone: whoever takes the blocks may do more work
    while True:
        start = time.thread_time()
        with interrupts_held():
            block = file.read(size, dtype=dtype, always_2d=True)
        cpu_s += time.thread_time() - start
        if not len(block):
            return
        yield block * _INT16_SCALE if is_int16 else block
        limits.time_left()
        if cpu_s > limits.cpu_s:
            raise TooComplex("decoding this file takes more time than is allowed")
