"""Several copies on one port: all of them answer, one that ends is replaced, all stop together."""

import os
import signal
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest

from ser.web.supervisor import ConnectionCounts
from tests import load
from tests.exchange import good_requests, send
from tests.server import Server
from tests.waiting import wait_until

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")


@contextmanager
def two_copies(**settings: str):
    server = Server(WEB_CONCURRENCY="2", **settings)
    try:
        yield server.wait_ready()
    finally:
        server.stop()


def copies_of(server: Server) -> list[int]:
    """Return the process ids of the copies."""
    pid = server.process.pid
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def alive(pids: list[int]) -> list[int]:
    return [pid for pid in pids if Path(f"/proc/{pid}").exists()]


def metric(server: Server, line: str) -> float:
    with urllib.request.urlopen(f"{server.url}/metrics", timeout=10) as response:
        lines = dict(x.rsplit(" ", 1) for x in response.read().decode().splitlines() if x[0] != "#")
    return float(lines.get(line, "nan"))


def all_serving(server: Server) -> bool:
    """Whether two copies run, and as many models have become ready as copies were started."""
    lines = [line["message"] for line in server.log()]
    ended = sum("ended with" in line for line in lines)
    return len(copies_of(server)) == 2 and sum("is ready" in line for line in lines) == 2 + ended


def all_ready(server: Server) -> bool:
    """Whether each copy has logged that its model is ready, since the first start."""
    return sum("is ready" in line["message"] for line in server.log()) >= 2


def test_all_copies_answer_and_their_metrics_are_added_up():
    with two_copies() as server:
        wait_until(lambda: all_ready(server))
        assert len(copies_of(server)) == 2
        request = good_requests()[0]
        answers = [send(server.port, request) for _ in range(30)]
        assert {answer.status for answer in answers} == {200}
        assert len({str(answer.body["probabilities"]) for answer in answers}) == 1
        # Any copy that is asked knows of the requests of all.
        for _ in range(6):
            assert metric(server, 'ser_stage_seconds_count{stage="model"}') == 30
            assert metric(server, "ser_processes") == 2
            assert metric(server, "ser_at_work") == 0


def test_a_copy_that_ends_is_replaced():
    with two_copies() as server:
        wait_until(lambda: all_ready(server))
        first, second = copies_of(server)
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: len(copies_of(server)) == 2 and first not in copies_of(server))
        assert second in copies_of(server)
        wait_until(lambda: metric(server, "ser_processes") == 2)
        for _ in range(10):
            answer = send(server.port, good_requests()[0])
            assert answer.status == 200
        assert any("ended with -9" in line["message"] for line in server.log())


def test_sigterm_stops_all_and_leaves_nothing(tmp_path):
    with two_copies(TMPDIR=str(tmp_path)) as server:
        wait_until(lambda: all_ready(server))
        copies = copies_of(server)
        assert list(tmp_path.iterdir())  # the metrics of the copies
        assert server.stop() == 0
        assert not alive(copies)
        assert list(tmp_path.iterdir()) == []


def test_requests_before_sigterm_are_answered(tmp_path):
    stopped = load.stop_under_load(tmp_path, clients=8, after_s=0.5, WEB_CONCURRENCY="2")
    assert stopped.unanswered == []
    assert stopped.answers
    assert stopped.status == 0
    assert stopped.left == []


def test_the_copies_end_with_a_parent_that_is_killed():
    with two_copies() as server:
        copies = copies_of(server)
        server.process.kill()
        server.wait()
        wait_until(lambda: not alive(copies))


def test_a_wrong_model_stops_the_start_with_one_reason(tmp_path):
    path = tmp_path / "model.h5"
    path.write_text("not a model")
    server = Server(WEB_CONCURRENCY="2", SER_MODEL=str(path))
    assert server.wait(60) == 2
    assert server.output()[1].startswith(f"app.py: model file {path}")
    assert server.output()[1].count("\n") == 1


def test_the_parent_is_small():
    with two_copies() as server:
        lines = Path(f"/proc/{server.process.pid}/status").read_text().splitlines()
        (resident,) = (int(x.split()[1]) for x in lines if x.startswith("VmRSS"))
        assert resident < 30_000  # KB


def test_the_copy_with_the_fewest_connections_accepts_first():
    counts = ConnectionCounts(3)

    def lowest() -> list[bool]:
        return [counts.is_lowest(copy) for copy in range(3)]

    assert lowest() == [True, True, True]  # all are loading
    counts.set(0, 2)
    counts.set(1, 1)
    assert lowest() == [False, True, False]
    counts.set(2, 1)
    assert lowest() == [False, True, True]
    counts.set(1, None)
    assert lowest() == [False, False, True]


def test_a_copy_is_loading_alone_while_another_is_ready():
    counts = ConnectionCounts(2)
    assert not counts.is_loading_alone(0)
    counts.set(1, 5)
    assert counts.is_loading_alone(0)
    assert not counts.is_loading_alone(1)


def test_a_copy_that_is_loading_leaves_the_requests_to_one_that_is_ready():
    with two_copies() as server:  # one of them is ready
        answers = [send(server.port, good_requests()[0]) for _ in range(20)]
        wait_until(lambda: all_ready(server))
        os.kill(copies_of(server)[0], signal.SIGKILL)
        wait_until(lambda: not all_serving(server))
        while not all_serving(server):
            answers.append(send(server.port, good_requests()[0]))
        assert {answer.status for answer in answers} == {200}
