"""The limits of decoding one file, the same for each decoder: of its cost, and of what it holds."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ser.audio.slots import MemorySlot
from ser.errors import DecoderTimeout, InvalidSamples, Silent, TooShort, UnsupportedFormat

MIN_SECONDS = 0.3  # shorter clips hold no emotion
MIN_RATE, MAX_RATE = 4_000, 192_000  # Hz
MAX_CHANNELS = 8
SILENCE_PEAK = 1e-4  # of full scale (-80 dB), without a constant offset
RATES = f"{MIN_RATE} to {MAX_RATE} Hz are supported"
CHANNELS = f"1 to {MAX_CHANNELS} are supported"
MEMORY_BYTES = 512 * 2**20  # of ffmpeg's address space


@dataclass(frozen=True)
class Limits:
    """How much of a file is decoded, and what this may cost.

    Attributes:
        max_seconds: seconds of sound that are kept; the rest is left out.
        timeout_s: limit on wall-clock time since `started`, in seconds.
        cpu_s: limit on CPU time, in seconds.
        started: `time.monotonic` at the start, in seconds.
        memory: the memory slot that a long clip must hold.
    """

    max_seconds: float
    timeout_s: float
    cpu_s: int
    started: float
    memory: MemorySlot = field(default_factory=MemorySlot)

    @classmethod
    def from_now(
        cls, max_seconds: float, timeout_s: float, memory: MemorySlot | None = None
    ) -> "Limits":
        """Return the limits of decoding that starts now."""
        # The slowest decoders are hundreds of times faster than real time.
        cpu_s = math.ceil(min(timeout_s, 5 + max_seconds / 60))
        return cls(max_seconds, timeout_s, cpu_s, time.monotonic(), memory or MemorySlot())

    def max_frames(self, rate: int) -> int:
        """Return the largest number of frames that is kept, at `rate` Hz."""
        return int(self.max_seconds * rate)

    def time_left(self) -> float:
        """Return the wall-clock time that is left, in seconds.

        Raises:
            DecoderTimeout: no time is left.
        """
        left = self.started + self.timeout_s - time.monotonic()
        if left <= 0:
            raise DecoderTimeout(f"decoding took more than {self.timeout_s:g} s")
        return left

    def wait_for_memory(self) -> None:
        """Wait for the memory slot.

        Raises:
            DecoderTimeout: other files held the slots for too long.
        """
        self.memory.acquire(self.time_left())


def check_format(rate: int, channels: int) -> None:
    """Refuse a sample rate, in Hz, or a number of channels outside the limits.

    Raises:
        UnsupportedFormat: it is outside.
    """
    if not MIN_RATE <= rate <= MAX_RATE:
        raise UnsupportedFormat(f"a sample rate of {rate} Hz; {RATES}")
    if not 1 <= channels <= MAX_CHANNELS:
        raise UnsupportedFormat(f"{channels} channels; {CHANNELS}")


def check_finite(samples: np.ndarray) -> None:
    """Refuse samples, shape (n,), float32, some of which are no numbers.

    Raises:
        InvalidSamples: some are NaN or infinite.
    """
    # `isfinite` of all samples would take a byte for each; NaN passes through `min` and `max`.
    if len(samples) and not np.isfinite([samples.min(), samples.max()]).all():
        raise InvalidSamples("the audio holds NaN or infinite samples")


class Level:
    """How loud the samples of one channel are, which may come block by block.

    They are those of the file: a resampler makes a peak of each end of a constant offset.

    Args:
        rate: of the samples, in Hz.
    """

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._n = 0
        self._sum = 0.0
        self._low, self._high = np.inf, -np.inf

    def add(self, samples: np.ndarray) -> None:
        """Add samples, shape (n,), float32."""
        if not len(samples):
            return
        self._n += len(samples)
        # In float64: the sum of huge float32 samples overflows.
        self._sum += float(samples.sum(dtype=np.float64))
        self._low = min(self._low, float(samples.min()))
        self._high = max(self._high, float(samples.max()))

    @property
    def seconds(self) -> float:
        """How long the samples are, in seconds."""
        return self._n / self._rate

    @property
    def is_silent(self) -> bool:
        """Whether they are silence or a constant offset."""
        mean = self._sum / self._n if self._n else 0.0
        return max(self._high - mean, mean - self._low) < SILENCE_PEAK


def check_levels(levels: Sequence[Level], truncated_s: float | None = None) -> None:
    """Refuse a clip, by the level of each channel, that holds no sound to analyse in any.

    Args:
        levels: of what was kept of each channel.
        truncated_s: how much that is, in seconds, if the file is longer.

    Raises:
        TooShort, Silent: there are too few samples, or all are silence or a constant offset.
    """
    seconds = max((level.seconds for level in levels), default=0.0)
    if seconds < MIN_SECONDS:
        raise TooShort(f"{seconds:.2f} s of audio; at least {MIN_SECONDS:g} s are needed")
    if all(level.is_silent for level in levels):
        part = f"the first {truncated_s:g} s of " if truncated_s else ""
        raise Silent(f"nothing but silence in {part}this file")
