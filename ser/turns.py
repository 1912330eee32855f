"""What one file takes of the machine beside others: a core while it is short, memory if long."""

import threading
from collections import deque
from collections.abc import Callable

from ser.errors import DecoderTimeout

#: Called, maybe more than once, when what follows takes long or waits for another process:
#: another file may have the core.
LeaveCore = Callable[[], None]


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
    """What one file may have of the machine, as a context that leaves it at the end.

    Args:
        memory: places of files that take much; without, this one waits for nobody.
        leave_core: as `LeaveCore` says.
    """

    def __init__(self, memory: Places | None = None, leave_core: LeaveCore = lambda: None) -> None:
        self._memory = memory
        self._holds_memory = False
        self.leave_core = leave_core

    def take_memory(self, wait_s: float) -> None:
        """Wait until this file, a long one, may take much; once it may, this returns at once.

        Raises:
            DecoderTimeout: that did not come in time.
        """
        self.leave_core()
        if self._memory is None or self._holds_memory:
            return
        if not self._memory.take(wait_s):
            raise DecoderTimeout(f"other long files were at work for {wait_s:.0f} s")
        self._holds_memory = True

    def __enter__(self) -> "Turn":
        return self

    def __exit__(self, *_: object) -> None:
        if self._memory is not None and self._holds_memory:
            self._memory.leave()
