"""Short versions of `scripts/load.py`; the long ones gave the table of docs/reliability.md."""

import signal
import socket
import threading

import pytest

from tests import load, synth
from tests.exchange import SMALL, WAV, Answer, Request, good_requests, send
from tests.server import Server


@pytest.fixture(scope="module")
def small():
    """Return a running server that takes small files only."""
    server = Server(**SMALL)
    try:
        yield server.wait_ready()
    finally:
        server.stop()


def test_many_clients_get_answers_of_the_table_only(small):
    before = load.answers(small.port)
    seen = load.mixed(small, clients=32, seconds=5, requests=load.all_requests())
    assert seen.wrong == []
    assert seen.answers[200, "ok"] > 0
    assert len(seen.answers) > 5
    assert load.answers(small.port) == before
    assert all(line["message"] != "unforeseen error" for line in small.log())


def test_slow_uploads_keep_nobody_waiting(small):
    seen = load.slow_uploads(small, uploads=50, seconds=4)
    assert seen.wrong == []
    assert seen.answers[200, "ok"] > 0


@pytest.mark.parametrize("after_s", [0.05, 0.7])
def test_who_asked_before_the_end_is_answered(tmp_path, after_s):
    stopped = load.stop_under_load(tmp_path, clients=8, after_s=after_s)
    assert stopped.unanswered == []
    assert stopped.answers
    assert stopped.status == 0
    assert stopped.left == []


def test_an_end_with_work_under_way():
    """What is at work and what is queued is finished; who comes now, or only half, is told."""
    server = Server(SER_THREADS="1", SER_TIMEOUT_S="120").wait_ready()
    answers: list[Answer] = []
    long = Request("long", 200, "ok", synth.wav(synth.voice(600, 8000), 8000, "ULAW"), WAV)
    works = [
        threading.Thread(target=lambda r=r: answers.append(send(server.port, r)))
        for r in (long, good_requests()[0])
    ]
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as half:
        half.sendall(b"POST /predict HTTP/1.1\r\nContent-Length: 999\r\n\r\nRIFF")
        for work, queued in zip(works, (0, 1), strict=True):
            work.start()
            load.wait_for(server.port, "ser_at_work 1.0", f"ser_queued {queued}.0")
        server.process.send_signal(signal.SIGTERM)
        assert b"shutting_down" in half.makefile("rb").read()
        for method, path in (("GET", "/ready"), ("POST", "/predict")):
            answer = send(server.port, Request("", 503, "", method=method, path=path, headers=WAV))
            assert (answer.status, answer.code) == (503, "shutting_down")
            assert answer.headers["Connection"] == "close"
        assert not answers, "the work was done too soon for this test"
        for work in works:
            work.join()
    assert [answer.status for answer in answers] == [200, 200]
    assert server.wait() == 0
    with pytest.raises(OSError):
        send(server.port, good_requests()[0])


def test_an_end_while_the_model_is_being_loaded():
    server = Server()
    while not server.output()[0]:  # until it has said its address
        assert server.process.poll() is None
    assert server.stop() == 0
    assert server.output()[0] == f"{server.url}\n"
    assert "Traceback" not in server.output()[1]
