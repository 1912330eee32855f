"""So many predictions at work, in the order in which they came, and no more of them than cores."""

import contextlib
import contextvars
import gc
import os
import threading
import time
import weakref
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from ser.helper import Helper, Lane
from ser.turns import LeaveCore
from ser.web.problems import Problem
from ser.web.workers import Call, Workers
from tests.waiting import wait_until

CORES = os.cpu_count() or 1
SOON_S = 60


class Bench:
    """Requests that ask workers for something, each from a thread of its own."""

    def __init__(self, workers: Workers) -> None:
        self.workers = workers
        self._threads = ThreadPoolExecutor(64)

    def ask(self, call: Call[object], timeout_s: float = SOON_S) -> Future:
        """Have `call` called, and return once that is queued or begun."""
        before = self._known()
        asked = self._threads.submit(
            self.workers.run, call, received_at=time.monotonic(), timeout_s=timeout_s
        )
        wait_until(lambda: self._known() > before or asked.done())
        return asked

    def _known(self) -> int:
        return self.workers.at_work + self.workers.queued


class Held:
    """Work that goes on until it is let go."""

    def __init__(self) -> None:
        self.begun, self.let_go = threading.Event(), threading.Event()
        self.leave_core: LeaveCore | None = None
        self.lane: Lane | None = None

    def __call__(self, leave_core: LeaveCore, lane: Lane | None) -> str:
        self.leave_core, self.lane = leave_core, lane
        self.begun.set()
        assert self.let_go.wait(SOON_S)
        return "done"


def test_as_many_at_work_as_there_are_cores():
    bench = Bench(Workers(CORES + 2, 2))
    held = [Held() for _ in range(CORES + 2)]
    asked = [bench.ask(work) for work in held]
    assert (bench.workers.at_work, bench.workers.queued) == (CORES, 2)
    for work in held[:CORES]:
        assert work.begun.wait(SOON_S)
    held[0].leave_core()
    held[0].leave_core()  # it has none any more
    assert held[CORES].begun.wait(SOON_S)
    assert (bench.workers.at_work, bench.workers.queued) == (CORES + 1, 1)
    held[0].let_go.set()  # and gives none back
    assert asked[0].result(SOON_S) == "done"
    wait_until(lambda: bench.workers.at_work == CORES)
    assert not held[-1].begun.is_set()
    held[CORES].let_go.set()
    assert held[-1].begun.wait(SOON_S)
    for work in held:
        work.let_go.set()
    assert [one.result(SOON_S) for one in asked] == ["done"] * len(held)
    wait_until(lambda: bench.workers.at_work == 0)


def test_a_process_has_one_of_the_cores_and_each_of_its_lanes_one_file(monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    lanes = Helper().lanes
    bench = Bench(Workers(4, 4, lanes=[lanes]))
    held = [Held() for _ in range(5)]
    asked = [bench.ask(work) for work in held]
    assert (bench.workers.at_work, bench.workers.queued) == (3, 2)
    for work in held[:3]:
        assert work.begun.wait(SOON_S)
    assert [work.lane for work in held[:3]] == [lanes[0], None, lanes[1]]
    held[0].let_go.set()
    assert held[3].begun.wait(SOON_S)
    assert held[3].lane is lanes[0]
    held[2].leave_core()
    assert held[4].begun.wait(SOON_S)
    assert held[4].lane is lanes[1]
    for work in held:
        work.let_go.set()
    for one in asked:
        one.result(SOON_S)


def test_where_processes_have_all_cores_nothing_is_begun_without_them(monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    one, other = Helper().lanes, Helper().lanes
    bench = Bench(Workers(8, 4, lanes=[one, other]))
    held = [Held() for _ in range(5)]
    asked = [bench.ask(work) for work in held]
    assert (bench.workers.at_work, bench.workers.queued) == (4, 1)
    for work in held[:4]:
        assert work.begun.wait(SOON_S)
    # One file for each process, before there is a second for any.
    assert [work.lane for work in held[:4]] == [one[0], other[0], one[1], other[1]]
    for work in held:
        work.let_go.set()
    for answer in asked:
        answer.result(SOON_S)
    assert held[4].lane is not None


def test_what_is_called_has_its_callers_context():
    name = contextvars.ContextVar("name", default="nobody")
    workers = Workers(1, 1)
    for caller in ("one", "another"):
        name.set(caller)
        called = workers.run(lambda *_: name.get(), received_at=time.monotonic(), timeout_s=SOON_S)
        assert called == caller


def test_no_more_threads_than_allowed_where_cores_are_left():
    bench = Bench(Workers(2, 2))
    held = [Held() for _ in range(3)]
    asked = []
    for work in held[:2]:
        asked.append(bench.ask(work))
        assert work.begun.wait(SOON_S)
        work.leave_core()
    asked.append(bench.ask(held[2]))
    assert (bench.workers.at_work, bench.workers.queued) == (2, 1)
    held[0].let_go.set()
    assert held[2].begun.wait(SOON_S)
    for work in held:
        work.let_go.set()
    assert [one.result(SOON_S) for one in asked] == ["done"] * 3


def test_who_came_first_is_first():
    bench = Bench(Workers(1, 20))
    first, order = Held(), []
    asked = [bench.ask(first)]
    asked += [bench.ask(lambda *_, n=n: order.append(n)) for n in range(20)]
    with pytest.raises(Problem, match="too many files"):
        bench.ask(lambda *_: None).result(SOON_S)
    first.let_go.set()
    for one in asked:
        one.result(SOON_S)
    assert order == list(range(20))


def test_who_waits_in_vain_leaves_the_queue():
    bench = Bench(Workers(1, 1))
    first, begun = Held(), []
    asked = bench.ask(first)
    for _ in range(3):
        late = bench.ask(lambda *_: begun.append(True), timeout_s=0.05)
        with pytest.raises(Problem) as raised:
            late.result(SOON_S)
        assert raised.value.code == "busy"
        assert bench.workers.queued == 0
    first.let_go.set()
    assert asked.result(SOON_S) == "done"
    assert not begun


def test_what_takes_too_long_goes_on_without_anybody():
    told: list[Exception] = []
    bench = Bench(Workers(1, 1, on_error=told.append))
    work = Held()
    with pytest.raises(Problem) as raised:
        bench.ask(work, timeout_s=0.05).result(SOON_S)
    assert raised.value.code == "timeout"
    assert bench.workers.at_work == 1
    queued = bench.ask(lambda *_: "next")
    work.let_go.set()
    assert queued.result(SOON_S) == "next"
    assert not told


@pytest.mark.parametrize("error", [ValueError("no"), TimeoutError("no"), SystemExit("no")])
def test_what_work_raises_is_told_and_nobody_else_is_the_worse_for_it(error):
    told: list[BaseException] = []

    def fail(*_: object) -> None:
        raise error

    bench = Bench(Workers(1, 1, on_error=told.append))
    for _ in range(3):
        with pytest.raises(type(error), match="no"):
            bench.ask(fail).result(SOON_S)
    assert told == ([error] * 3 if isinstance(error, Exception) else [])
    assert bench.ask(lambda *_: "next").result(SOON_S) == "next"


class Upload:
    """Something large."""


def test_what_a_failed_call_held_goes_at_once():
    workers = Workers(1, 1)
    held: list[weakref.ref] = []

    def fail(*_: object) -> None:
        upload = Upload()
        held.append(weakref.ref(upload))
        raise ValueError("no")

    gc.disable()
    try:
        for _ in range(3):
            with contextlib.suppress(ValueError):
                workers.run(fail, received_at=time.monotonic(), timeout_s=SOON_S)
        wait_until(lambda: workers.at_work == 0)
        assert [upload() for upload in held] == [None] * 3
    finally:
        gc.enable()


def test_after_the_end_only_what_came_before_it():
    bench = Bench(Workers(1, 1))
    received_at = time.monotonic()
    bench.workers.close()
    assert bench.workers.closed
    assert bench.workers.run(lambda *_: 1, received_at=received_at, timeout_s=SOON_S) == 1
    with pytest.raises(Problem) as raised:
        bench.workers.run(lambda *_: 1, received_at=time.monotonic(), timeout_s=SOON_S)
    assert raised.value.code == "shutting_down"
