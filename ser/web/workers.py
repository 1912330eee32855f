"""Predictions at work: so many side by side, so many in the queue, and no more."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from ser.web.problems import Problem, later

T = TypeVar("T")


class Workers:
    """Threads of their own for predictions, behind a bounded queue.

    The server's threads only wait for them, so there is always one left to say `busy`, and
    what a thread keeps for the model is kept `at_work` times, not once a connection.
    """

    def __init__(
        self, at_work: int, queue: int, *, on_error: Callable[[Exception], None] = lambda _: None
    ) -> None:
        """Start no thread yet.

        Args:
            on_error: called in the prediction's thread with what it raised, even where nobody
                waits for it any more.
        """
        self._on_error = on_error
        self._pool = ThreadPoolExecutor(at_work, thread_name_prefix="predict")
        self._room = at_work + queue
        self._lock = threading.Lock()
        self._admitted = 0
        self._at_work = 0
        self._closed_at: float | None = None

    @property
    def at_work(self) -> int:
        """How many predictions are being worked on."""
        return self._at_work

    @property
    def queued(self) -> int:
        """How many predictions wait for their turn."""
        with self._lock:
            return self._admitted - self._at_work

    @property
    def closed(self) -> bool:
        """Whether the app has been told to stop."""
        return self._closed_at is not None

    def close(self) -> None:
        """Turn away what is received from now on."""
        self._closed_at = time.monotonic()

    def run(self, work: Callable[[], T], *, received_at: float, timeout_s: float) -> T:
        """Give what `work` gives, called in a thread of ours when its turn has come.

        Args:
            received_at: when the request had come in whole, by `time.monotonic`.
            timeout_s: from then on, in seconds.

        Raises:
            Problem: `shutting_down`; `busy`, at once where the queue is full, or when its
                turn did not come in time; `timeout`.
        """
        if self._closed_at is not None and received_at >= self._closed_at:
            raise later("shutting_down")
        with self._lock:
            if self._admitted >= self._room:
                raise later("busy")
            self._admitted += 1
        future = self._pool.submit(self._count, work)
        future.add_done_callback(self._leave)
        try:
            return future.result(max(0.0, received_at + timeout_s - time.monotonic()))
        except TimeoutError:
            if future.cancel():
                raise later("busy") from None
            if future.done():
                raise  # what `work` itself raised
            raise Problem("timeout", f"the answer took more than {timeout_s:g} s") from None

    def _count(self, work: Callable[[], T]) -> T:
        with self._lock:
            self._at_work += 1
        try:
            return work()
        except Exception as error:
            self._on_error(error)
            raise
        finally:
            with self._lock:
                self._at_work -= 1

    def _leave(self, _: Future[T]) -> None:
        with self._lock:
            self._admitted -= 1
