"""What takes much memory is done by a few at a time."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ser.errors import DecoderTimeout


class Turns:
    """Turns at something: so many may have one at once, the others wait."""

    def __init__(self, at_once: int) -> None:
        self._free = threading.BoundedSemaphore(at_once)

    @contextmanager
    def offer(self) -> Iterator[Callable[[float], None]]:
        """Give a function that takes a turn, if it is called; it ends with the `with` block.

        The function is told how long it may wait, in seconds. It raises `DecoderTimeout`
        if no turn comes, and does nothing when it is called again.
        """
        taken = False

        def take(wait_s: float) -> None:
            nonlocal taken
            if taken:
                return
            if not self._free.acquire(timeout=wait_s):
                raise DecoderTimeout(f"other long files were at work for {wait_s:.0f} s")
            taken = True

        try:
            yield take
        finally:
            if taken:
                self._free.release()
