"""The limits of decoding one file, the same for each decoder."""

import math
import time
from dataclasses import dataclass, field

from ser.audio.slots import MemorySlot
from ser.errors import DecoderTimeout

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
