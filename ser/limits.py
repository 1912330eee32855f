"""What may be spent on one file, whichever decoder reads it."""

import math
import time
from dataclasses import dataclass, field

from ser.errors import DecoderTimeout
from ser.turns import Turn

MEMORY_BYTES = 512 * 2**20  # of ffmpeg's address space; 300 MB of it are ffmpeg itself


@dataclass(frozen=True)
class Limits:
    """How much of a file is decoded, and at what cost, whichever decoder does it.

    Attributes:
        max_seconds: of sound; what comes after is left out.
        timeout_s: from the making of this object on, by the clock on the wall.
        cpu_s: seconds of CPU time.
        turn: what the file may have of the machine, beside others.
    """

    max_seconds: float
    timeout_s: float
    cpu_s: int
    started: float
    turn: Turn = field(default_factory=Turn)

    @classmethod
    def of(cls, max_seconds: float, timeout_s: float, turn: Turn | None = None) -> "Limits":
        """Return the limits of a decoding that begins now."""
        # The slowest decoders are hundreds of times faster than the sound they decode.
        cpu_s = math.ceil(min(timeout_s, 5 + max_seconds / 60))
        return cls(max_seconds, timeout_s, cpu_s, time.monotonic(), turn or Turn())

    def frames(self, rate: int) -> int:
        """Return how many frames are wanted at most of a sound at `rate`, in Hz."""
        return int(self.max_seconds * rate)

    def time_left(self) -> float:
        """Return the seconds that are left.

        Raises:
            DecoderTimeout: none are.
        """
        left = self.started + self.timeout_s - time.monotonic()
        if left <= 0:
            raise DecoderTimeout(f"decoding took more than {self.timeout_s:g} s")
        return left

    def before_much_memory(self) -> None:
        """Wait until this file may take much memory; once it may, this returns at once.

        Raises:
            DecoderTimeout: that did not come in time.
        """
        self.turn.take_memory(self.time_left())
