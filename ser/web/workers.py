"""Predictions at work: so many side by side, so many in the queue, and no more."""

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from heapq import heappop, heappush
from itertools import chain
from typing import Any, TypeVar

from ser.helper import Lane
from ser.turns import LeaveCore
from ser.web.problems import Problem, later

T = TypeVar("T")

#: What is to be done: called with how it leaves its place, and the lane that belongs to that.
Call = Callable[[LeaveCore, Lane | None], T]


class _Work(Future[Any]):
    """What is to be called, in the context in which this was made, and what it gave."""

    def __init__(self, call: Call[Any]) -> None:
        super().__init__()
        self.call = call
        self.context = copy_context()


class Workers:
    """Threads of their own for predictions, behind a bounded queue.

    The server's threads only wait for them, so there is always one left to say `busy`, and
    what a thread keeps for the model is kept `at_work` times, not once a connection.

    Each has a place: one to a core, or a lane to the process that has this core. In place of
    one that leaves its own, another one begins: threads that outnumber the cores stop each
    other at every turn of the interpreter's lock. A thread that is done goes on with what
    waits; to wake another one for it takes longer.
    """

    def __init__(
        self,
        at_work: int,
        queue: int,
        *,
        lanes: Sequence[Sequence[Lane]] = (),
        on_error: Callable[[Exception], None] = lambda _: None,
    ) -> None:
        """Start no thread yet.

        Args:
            lanes: of each process that has one of the cores.
            on_error: called in the prediction's thread with what it raised, even where nobody
                waits for it any more.
        """
        self._on_error = on_error
        self._threads = at_work
        self._pool = ThreadPoolExecutor(at_work, thread_name_prefix="predict")
        self._room = at_work + queue
        self._lock = threading.Lock()
        self._waiting: deque[_Work] = deque()
        self._at_work = 0
        here = (os.cpu_count() or 1) - len(lanes)
        first, *further = zip(*lanes, strict=True) if lanes else ((),)
        # What waits at a lane is begun later than what another core begins at once.
        self._places: list[Lane | None] = [*first, *[None] * here, *chain(*further)]
        self._free = list(range(len(self._places)))  # a heap: the first is taken first
        self._closed_at: float | None = None

    @property
    def at_work(self) -> int:
        """How many predictions are being worked on."""
        return self._at_work

    @property
    def queued(self) -> int:
        """How many predictions wait for their turn."""
        return len(self._waiting)

    @property
    def closed(self) -> bool:
        """Whether the app has been told to stop."""
        return self._closed_at is not None

    def close(self) -> None:
        """Turn away what is received from now on."""
        self._closed_at = time.monotonic()

    def run(self, call: Call[T], *, received_at: float, timeout_s: float) -> T:
        """Give what `call` gives, called in a thread of ours when its turn has come.

        The context is the caller's: Flask's request, for one, and so the id in the log.

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
            if self._at_work + len(self._waiting) >= self._room:
                raise later("busy")
            work = _Work(call)
            self._waiting.append(work)
            self._begin()
        try:
            return work.result(max(0.0, received_at + timeout_s - time.monotonic()))
        except TimeoutError:
            with self._lock:
                if work in self._waiting:
                    self._waiting.remove(work)
                    raise later("busy") from None
            if work.done():
                raise  # what `call` itself raised
            raise Problem("timeout", f"the answer took more than {timeout_s:g} s") from None
        finally:
            # What `call` raised has this frame in its traceback, and is in `work`: a circle, which
            # would keep the upload until the garbage collector comes by.
            del work

    def _begin(self) -> None:
        """Begin with what has waited for longest, if there is a place and a thread for it."""
        if self._waiting and self._free and self._at_work < self._threads:
            place = heappop(self._free)
            self._at_work += 1
            # In a list, to be taken out: the pool keeps what it was given, in a circle as in `run`.
            self._pool.submit(self._go_on, [self._waiting.popleft()], place)

    def _go_on(self, first: list[_Work], place: int) -> None:
        """Do this, and then what waits, until nothing does or the place was left."""
        work: _Work | None = first.pop()
        has_place = True

        def leave() -> None:
            nonlocal has_place
            with self._lock:
                if has_place:
                    has_place = False
                    heappush(self._free, place)
                    self._begin()

        while work is not None:
            self._do(work, leave, self._places[place])
            with self._lock:
                if has_place and self._waiting:
                    work = self._waiting.popleft()
                    continue
                work = None
                self._at_work -= 1
                if has_place:
                    heappush(self._free, place)
                self._begin()

    def _do(self, work: _Work, leave: LeaveCore, lane: Lane | None) -> None:
        try:
            result = work.context.run(work.call, leave, lane)
        except BaseException as error:
            if isinstance(error, Exception):
                self._on_error(error)
            work.set_exception(error)
        else:
            work.set_result(result)
        finally:
            del work  # as in `run`
