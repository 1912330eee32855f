"""Who works when: as many short files as there are cores, and a few long ones beside them."""

import os
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from ser.errors import DecoderTimeout


class Places:
    """So many places, given in the order in which they were asked for.

    Of a semaphore, a thread that leaves and comes back at once gets its place again before
    those who wait have woken up: they would wait for as long as there is work.
    """

    def __init__(self, n: int) -> None:
        self._free = n
        self._lock = threading.Lock()
        self._waiting: deque[threading.Event] = deque()

    def take(self, wait_s: float) -> bool:
        """Take a place; say whether one came within `wait_s` seconds."""
        with self._lock:
            if self._free:
                self._free -= 1
                return True
            given = threading.Event()
            self._waiting.append(given)
        if given.wait(wait_s):
            return True
        with self._lock:
            if given.is_set():  # meanwhile
                return True
            self._waiting.remove(given)
            return False

    def leave(self) -> None:
        """Give a place to who has waited for longest."""
        with self._lock:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._free += 1


class Turn:
    """What one file may have of the machine; it waits for nobody unless `Turns` gave it."""

    def __init__(self, core: Places | None = None, memory: Places | None = None) -> None:
        self._core, self._memory = core, memory
        self._held: set[Places] = set()

    def take_core(self, wait_s: float) -> None:
        """Wait until no more files are at work than there are cores.

        Threads that outnumber them stop each other at every turn of the interpreter's lock,
        which costs a fifth of the answers a second.

        Raises:
            DecoderTimeout: that did not come in time.
        """
        self._take(self._core, wait_s, "other files")

    def leave_core(self) -> None:
        """Let a short file have it: what follows takes long, or waits for another process."""
        if self._core in self._held:
            self._held.remove(self._core)
            self._core.leave()

    def take_memory(self, wait_s: float) -> None:
        """Wait until this file, a long one, may take much; once it may, this returns at once.

        Raises:
            DecoderTimeout: that did not come in time.
        """
        self.leave_core()
        self._take(self._memory, wait_s, "other long files")

    def end(self) -> None:
        """Leave what was taken."""
        while self._held:
            self._held.pop().leave()

    def _take(self, places: Places | None, wait_s: float, others: str) -> None:
        if places is None or places in self._held:
            return
        if not places.take(wait_s):
            raise DecoderTimeout(f"{others} were at work for {wait_s:.0f} s")
        self._held.add(places)


class Turns:
    """The turns of a process's files."""

    def __init__(self, long_at_once: int) -> None:
        self._cores = Places(os.cpu_count() or 1)
        self._memory = Places(long_at_once)

    @contextmanager
    def offer(self, wait_s: float) -> Iterator[Turn]:
        """Give a turn that has its core, and ends with the `with` block.

        Raises:
            DecoderTimeout: other files had the cores for `wait_s` seconds.
        """
        turn = Turn(self._cores, self._memory)
        turn.take_core(wait_s)
        try:
            yield turn
        finally:
            turn.end()
