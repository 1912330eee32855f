"""Memory slots: only a few long clips at a time may hold much memory, the others wait."""

import threading
from collections import deque

from ser.errors import DecoderTimeout


class FairSemaphore:
    """A semaphore that serves threads in the order in which they asked.

    `threading.Semaphore` would give the slot back to the thread that has just released it
    before a waiting thread wakes up. Under constant load a waiting thread would time out.
    """

    def __init__(self, n: int) -> None:
        self._free = n
        self._lock = threading.Lock()
        self._waiting: deque[threading.Event] = deque()

    def acquire(self, timeout_s: float) -> bool:
        """Take a slot; return whether one came free within `timeout_s` seconds."""
        with self._lock:
            if self._free:
                self._free -= 1
                return True
            granted = threading.Event()
            self._waiting.append(granted)
        if granted.wait(timeout_s):
            return True
        with self._lock:
            if granted.is_set():  # between the timeout and the lock
                return True
            self._waiting.remove(granted)
            return False

    def release(self) -> None:
        """Hand the slot to the thread that has waited longest."""
        with self._lock:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._free += 1


class MemorySlot:
    """The memory slot of one file; a `with` block releases it at the end.

    Args:
        slots: shared by all files; with None no file waits.
    """

    def __init__(self, slots: FairSemaphore | None = None) -> None:
        self._slots = slots
        self._held = False

    def acquire(self, timeout_s: float) -> None:
        """Wait for a slot, at most `timeout_s` seconds; a second call returns at once.

        Raises:
            DecoderTimeout: no slot came free in time.
        """
        if self._slots is None or self._held:
            return
        if not self._slots.acquire(timeout_s):
            raise DecoderTimeout(f"other long files were at work for {timeout_s:.0f} s")
        self._held = True

    def __enter__(self) -> "MemorySlot":
        return self

    def __exit__(self, *_: object) -> None:
        if self._slots is not None and self._held:
            self._held = False
            self._slots.release()
