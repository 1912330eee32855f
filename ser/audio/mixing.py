"""Mixing and resampling: blocks of samples in, one mono waveform out, in bounded memory.

Or each channel apart: then the samples go on at once, and none of them are kept.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Generic, NamedTuple, Protocol, TypeVar

import numpy as np
import soxr

from ser.audio.limits import Level, Limits, check_finite

LONG_CLIP_SAMPLES = 1_000_000  # 45 s at 22,050 Hz; a longer clip needs a memory slot
# Channels that have nothing in common add up to the sum of their powers. One channel that is
# another one inverted leaves almost nothing: 1 % after a good encoder, up to 5 % after a poor one.
_CANCELLED = 0.1


T = TypeVar("T")


class Heard(NamedTuple, Generic[T]):
    """What became of all blocks.

    Attributes:
        sound: what was made of the samples.
        levels: of what was kept, one for each channel of the sound.
        seconds: how much was read, which exceeds the limit if the file is longer.
        loudest: index of the channel to hear in place of the mean, if the channels cancel each
            other out in the mean; else None.
    """

    sound: T
    levels: Sequence[Level]
    seconds: float
    loudest: int | None = None


def mix_and_resample(
    blocks: Iterator[np.ndarray],
    source_rate: int,
    rate: int,
    limits: Limits,
    *,
    channel: int | None = None,
) -> Heard[np.ndarray]:
    """Mix blocks of shape (n, channels) to mono and resample them, block by block.

    Memory holds no more than `max_seconds` of the result, whatever the length, rate and
    channels of the file. The result equals, to the bit, that of the whole clip at once.

    Args:
        blocks: float32; 1.0 is full scale.
        source_rate: of the blocks, in Hz.
        rate: of the result, in Hz.
        limits: how much is kept.
        channel: the only one to hear; None for the mean of all.

    Returns:
        the sound is shape (n,), float32, at `rate`.

    Raises:
        InvalidSamples: some samples are NaN or infinite.
    """
    limit = limits.max_frames(source_rate)
    level, resampler = Level(source_rate), _resampler(source_rate, rate)
    samples, n_frames, powers = _SampleBuffer(limits, rate), 0, _Powers()
    # NaN and infinite samples are found in the result.
    with np.errstate(over="ignore", invalid="ignore"):
        for block in blocks:
            kept = block[: limit - n_frames]
            mono = _to_mono(kept) if channel is None else np.ascontiguousarray(kept[:, channel])
            level.add(mono)
            powers.add(kept, mono)
            samples.append(mono if source_rate == rate else resampler.resample_chunk(mono))
            n_frames += len(block)
            if n_frames > limit:
                break
        loudest = powers.loudest_if_cancelled()
    if source_rate != rate:
        samples.append(resampler.resample_chunk(np.empty(0, np.float32), last=True))
    sound = samples.joined()
    check_finite(sound)
    loudest = loudest if channel is None else None
    return Heard(sound, [level], n_frames / source_rate, loudest)


class Receiver(Protocol):
    """Takes the samples of one channel, part by part."""

    def append(self, part: np.ndarray) -> None:
        """Take the next samples, shape (n,), float32."""


R = TypeVar("R", bound=Receiver)


class Channel(NamedTuple, Generic[R]):
    """One channel of a file: what took its samples, and how loud they are."""

    receiver: R
    level: Level


def split_and_resample(
    blocks: Iterator[np.ndarray],
    source_rate: int,
    rate: int,
    limits: Limits,
    *,
    open_receiver: Callable[[], R],
) -> Heard[list[Channel[R]]]:
    """Give each channel of blocks of shape (n, channels) to a receiver, resampled.

    Args:
        blocks: float32; 1.0 is full scale.
        source_rate: of the blocks, in Hz.
        rate: of what the receivers get, in Hz.
        limits: how much of the file is taken.
        open_receiver: called once a channel.

    Raises:
        InvalidSamples: some samples are NaN or infinite.
    """
    limit, n_frames = limits.max_frames(source_rate), 0
    channels: list[Channel[R]] = []
    resamplers: list[soxr.ResampleStream] = []

    def pass_on(n: int, part: np.ndarray, *, last: bool = False) -> None:
        channels[n].level.add(part)
        if source_rate != rate:
            part = resamplers[n].resample_chunk(part, last=last)
        check_finite(part)
        channels[n].receiver.append(part)

    # NaN and infinite samples are found in the result.
    with np.errstate(over="ignore", invalid="ignore"):
        for block in blocks:
            if not channels:
                channels += [Channel(open_receiver(), Level(source_rate)) for _ in block.T]
                resamplers += [_resampler(source_rate, rate) for _ in block.T]
            kept = block[: limit - n_frames]
            for n in range(len(channels)):
                pass_on(n, np.ascontiguousarray(kept[:, n]))
            n_frames += len(block)
            if n_frames * len(channels) * rate > LONG_CLIP_SAMPLES * source_rate:
                limits.wait_for_memory()
            if n_frames > limit:
                break
        for n in range(len(channels)):
            pass_on(n, np.empty(0, np.float32), last=True)
    return Heard(channels, [channel.level for channel in channels], n_frames / source_rate)


def _resampler(source_rate: int, rate: int) -> soxr.ResampleStream:
    return soxr.ResampleStream(source_rate, rate, 1, dtype="float32", quality="HQ")


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


class _Powers:
    """The power of each channel and of their mean, without a constant offset."""

    def __init__(self) -> None:
        self._n = 0
        self._sums: np.ndarray | float = 0.0  # of the channels, then of the mean
        self._squares: np.ndarray | float = 0.0

    def add(self, block: np.ndarray, mono: np.ndarray) -> None:
        """Add a block of shape (n, channels) and its mean, shape (n,)."""
        if block.shape[1] > 1:
            signals = [*block.T, mono]
            self._n += len(block)
            self._sums = self._sums + np.array([x.sum(dtype=np.float64) for x in signals])
            self._squares = self._squares + np.array([float(np.dot(x, x)) for x in signals])

    def loudest_if_cancelled(self) -> int | None:
        """Return the index of the loudest channel if the mean is much weaker than the channels."""
        if not self._n:
            return None
        powers = np.asarray(self._squares) / self._n - (np.asarray(self._sums) / self._n) ** 2
        *channels, mean = powers.tolist()
        unrelated = sum(channels) / len(channels) ** 2
        return channels.index(max(channels)) if mean < _CANCELLED * unrelated else None


class _SampleBuffer:
    """Samples appended in one piece of memory: joining a list of parts would take twice as much."""

    def __init__(self, limits: Limits, rate: int) -> None:
        self._limits = limits
        self._max_samples = limits.max_frames(rate) + 1
        self._buffer = np.empty(min(self._max_samples, LONG_CLIP_SAMPLES), np.float32)
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
        return samples.copy() if len(self._buffer) <= LONG_CLIP_SAMPLES else samples
