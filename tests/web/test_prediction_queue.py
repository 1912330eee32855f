"""So many predictions at work, in the order in which they came."""

import contextlib
import contextvars
import gc
import threading
import time
import weakref
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from ser.web.errors import ApiError
from ser.web.prediction_queue import PredictionQueue
from tests.waiting import wait_until

SOON_S = 60


class Bench:
    """Requests that ask workers for something, each from a thread of its own."""

    def __init__(self, queue: PredictionQueue) -> None:
        self.queue = queue
        self._threads = ThreadPoolExecutor(64)

    def ask(self, call: Callable[[], object], timeout_s: float = SOON_S) -> Future:
        """Have `call` called, and return once that is queued or begun."""
        before = self._known()
        asked = self._threads.submit(
            self.queue.run, call, received_at=time.monotonic(), timeout_s=timeout_s
        )
        wait_until(lambda: self._known() > before or asked.done())
        return asked

    def _known(self) -> int:
        return self.queue.running + self.queue.waiting


class Held:
    """Work that goes on until it is let go."""

    def __init__(self) -> None:
        self.begun, self.let_go = threading.Event(), threading.Event()

    def __call__(self) -> str:
        self.begun.set()
        assert self.let_go.wait(SOON_S)
        return "done"


def test_as_many_at_work_as_there_are_threads():
    bench = Bench(PredictionQueue(3, 2))
    held = [Held() for _ in range(5)]
    asked = [bench.ask(work) for work in held]
    for work in held[:3]:
        assert work.begun.wait(SOON_S)
    assert (bench.queue.running, bench.queue.waiting) == (3, 2)
    held[0].let_go.set()
    assert asked[0].result(SOON_S) == "done"
    assert held[3].begun.wait(SOON_S)
    assert not held[4].begun.is_set()
    for work in held:
        work.let_go.set()
    assert [one.result(SOON_S) for one in asked] == ["done"] * len(held)
    wait_until(lambda: bench.queue.running == 0)


def test_each_change_of_the_numbers_is_told():
    told = []
    queue = PredictionQueue(1, 1, on_change=lambda *numbers: told.append(numbers))
    assert queue.run(lambda: 1, received_at=time.monotonic(), timeout_s=SOON_S) == 1
    assert told == [(0, 1), (1, 0), (0, 0)]


def test_what_is_called_has_its_callers_context():
    name = contextvars.ContextVar("name", default="nobody")
    queue = PredictionQueue(1, 1)
    for caller in ("one", "another"):
        name.set(caller)
        called = queue.run(lambda: name.get(), received_at=time.monotonic(), timeout_s=SOON_S)
        assert called == caller


def test_who_came_first_is_first():
    bench = Bench(PredictionQueue(1, 20))
    first, order = Held(), []
    asked = [bench.ask(first)]
    asked += [bench.ask(lambda n=n: order.append(n)) for n in range(20)]
    with pytest.raises(ApiError, match="too many files"):
        bench.ask(lambda: None).result(SOON_S)
    first.let_go.set()
    for one in asked:
        one.result(SOON_S)
    assert order == list(range(20))


def test_who_waits_in_vain_leaves_the_queue():
    bench = Bench(PredictionQueue(1, 1))
    first, begun = Held(), []
    asked = bench.ask(first)
    for _ in range(3):
        late = bench.ask(lambda: begun.append(True), timeout_s=0.05)
        with pytest.raises(ApiError) as raised:
            late.result(SOON_S)
        assert raised.value.code == "busy"
        assert bench.queue.waiting == 0
    first.let_go.set()
    assert asked.result(SOON_S) == "done"
    assert not begun


def test_what_takes_too_long_goes_on_without_anybody():
    told: list[Exception] = []
    bench = Bench(PredictionQueue(1, 1, on_error=told.append))
    work = Held()
    with pytest.raises(ApiError) as raised:
        bench.ask(work, timeout_s=0.05).result(SOON_S)
    assert raised.value.code == "timeout"
    assert bench.queue.running == 1
    queued = bench.ask(lambda: "next")
    work.let_go.set()
    assert queued.result(SOON_S) == "next"
    assert not told


@pytest.mark.parametrize("error", [ValueError("no"), TimeoutError("no"), SystemExit("no")])
def test_what_work_raises_is_told_and_nobody_else_is_the_worse_for_it(error):
    told: list[BaseException] = []

    def fail() -> None:
        raise error

    bench = Bench(PredictionQueue(1, 1, on_error=told.append))
    for _ in range(3):
        with pytest.raises(type(error), match="no"):
            bench.ask(fail).result(SOON_S)
    assert told == ([error] * 3 if isinstance(error, Exception) else [])
    assert bench.ask(lambda: "next").result(SOON_S) == "next"


class Upload:
    """Something large."""


def test_what_a_failed_call_held_goes_at_once():
    queue = PredictionQueue(1, 1)
    held: list[weakref.ref] = []

    def fail() -> None:
        upload = Upload()
        held.append(weakref.ref(upload))
        raise ValueError("no")

    gc.disable()
    try:
        for _ in range(3):
            with contextlib.suppress(ValueError):
                queue.run(fail, received_at=time.monotonic(), timeout_s=SOON_S)
        wait_until(lambda: queue.running == 0)
        assert [upload() for upload in held] == [None] * 3
    finally:
        gc.enable()


def test_after_the_end_only_what_came_before_it():
    bench = Bench(PredictionQueue(1, 1))
    received_at = time.monotonic()
    bench.queue.close()
    assert bench.queue.closed
    assert bench.queue.run(lambda: 1, received_at=received_at, timeout_s=SOON_S) == 1
    with pytest.raises(ApiError) as raised:
        bench.queue.run(lambda: 1, received_at=time.monotonic(), timeout_s=SOON_S)
    assert raised.value.code == "shutting_down"
