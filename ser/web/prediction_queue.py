"""Predictions in threads of their own, behind a bounded queue."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, TypeVar

from ser.web.errors import ApiError, retry_later

T = TypeVar("T")


class PredictionQueue:
    """A bounded queue in front of a fixed number of threads.

    The server's own threads only wait here, so one is always left to answer `busy`. What a
    thread keeps for the model is kept once a worker, not once a connection.
    """

    def __init__(
        self,
        threads: int,
        queue: int,
        *,
        on_error: Callable[[Exception], None] = lambda _: None,
        on_change: Callable[[int, int], None] = lambda *_: None,
    ) -> None:
        """Start no thread yet.

        Args:
            threads: predictions that run side by side.
            queue: predictions that may wait.
            on_error: called with what a prediction raised, even if nobody waits for it any more.
            on_change: called with the new numbers of running and of waiting predictions.
        """
        self._on_error, self._on_change = on_error, on_change
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="predict")
        self._room = threads + queue
        self._lock = threading.Lock()
        self._running = self._waiting = 0
        self._closed_at: float | None = None

    @property
    def running(self) -> int:
        """Number of predictions that are being worked on."""
        return self._running

    @property
    def waiting(self) -> int:
        """Number of predictions that wait for a thread."""
        return self._waiting

    @property
    def closed(self) -> bool:
        """Whether the app has been told to stop."""
        return self._closed_at is not None

    def close(self) -> None:
        """Refuse every request that arrives from now on."""
        self._closed_at = time.monotonic()

    def run(self, call: Callable[[], T], *, received_at: float, timeout_s: float) -> T:
        """Return what `call` returns; a thread of the queue calls it.

        It runs in the caller's context, which has Flask's request and so the id for the log.

        Args:
            received_at: `time.monotonic` when the whole request had arrived.
            timeout_s: seconds from then on.

        Raises:
            ApiError: `shutting_down`; `busy`, at once if the queue is full, or later if no
                thread came free in time; `timeout`.
        """
        if self._closed_at is not None and received_at >= self._closed_at:
            raise retry_later("shutting_down")
        with self._lock:
            if self._running + self._waiting >= self._room:
                raise retry_later("busy")
            self._count(waiting=1)
            # In a list, which `_work` empties: the pool keeps its arguments until the end.
            future: Future[T] = self._pool.submit(copy_context().run, self._work, [call])
        del call
        try:
            return future.result(max(0.0, received_at + timeout_s - time.monotonic()))
        except TimeoutError:
            if future.cancel():
                with self._lock:
                    self._count(waiting=-1)
                raise retry_later("busy") from None
            if future.done():
                raise  # `call` itself raised it
            raise ApiError("timeout", f"the answer took more than {timeout_s:g} s") from None
        finally:
            # The error's traceback holds this frame, and the future holds the error. That circle
            # would keep the upload until the garbage collector runs.
            del future

    def _work(self, call: list[Callable[[], Any]]) -> Any:
        with self._lock:
            self._count(running=1, waiting=-1)
        try:
            return call.pop()()
        except Exception as error:
            self._on_error(error)
            raise
        finally:
            with self._lock:
                self._count(running=-1)

    def _count(self, *, running: int = 0, waiting: int = 0) -> None:
        self._running += running
        self._waiting += waiting
        self._on_change(self._running, self._waiting)
