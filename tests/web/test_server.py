"""The edge of the app on a real connection: each answer has our form, whatever was sent."""

import json
import resource
import socket
import threading
import time
from contextlib import ExitStack

import pytest
from flask import Flask

from ser.web import connection
from ser.web import server as web_server
from ser.web.connection import Channel
from tests import synth
from tests.exchange import (
    FORM,
    LIMIT,
    WAV,
    Answer,
    Request,
    bad_requests,
    check_error,
    form,
    good_requests,
    headers_of,
    part,
    raw,
    send,
)
from tests.load import wait_for
from tests.server import serving
from tests.waiting import wait_until


@pytest.fixture(scope="module")
def long_clip() -> bytes:
    """Return a minute of speech-like sound: half a second of work or more."""
    return synth.wav(synth.voice(60, 8000), 8000, "ULAW")


@pytest.mark.parametrize("request_", bad_requests(), ids=lambda r: r.name)
def test_bad_requests(port, request_):
    answer = send(port, request_)
    assert (answer.status, answer.code) == (request_.status, request_.code)
    check_error(answer.status, answer.headers, answer.body)


def test_a_wrong_method_is_told_the_right_ones(port):
    answer = send(port, Request("", 405, "", method="GET"))
    assert answer.headers["Allow"] == "POST"
    answer = send(port, Request("", 405, "", path="/health"))
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD"}


@pytest.mark.parametrize(
    "data",
    [
        b"nonsense\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",  # TLS on a plain port
        b"get /health HTTP/1.1\r\n\r\n",
        b"GET /health HTTP/1.1\r\nA: b\rc\r\n\r\n",
        b"POST /predict HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST /predict HTTP/1.1\r\nContent-Length: many\r\n\r\n",
        b"GET /%ff%fe HTTP/1.1\r\nHost: [\r\n\r\n",
    ],
)
def test_what_is_not_http(port, data):
    head, _, body = raw(port, data).partition(b"\r\n\r\n")
    status = int(head.split()[1])
    assert 400 <= status < 500
    check_error(status, headers_of(head), json.loads(body))


def test_an_upload_that_is_announced_too_large_is_not_asked_for(port):
    head = b"POST /predict HTTP/1.1\r\nContent-Length: 9000000\r\nExpect: 100-continue\r\n\r\n"
    assert raw(port, head).startswith(b"HTTP/1.1 413 ")


def test_a_request_without_a_body_needs_no_asking(port):
    answer = raw(port, b"GET /health HTTP/1.1\r\nExpect: 100-continue\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 ")


def test_a_file_of_exactly_the_limit_fits(port):
    data = synth.wav(synth.voice(1.0))
    data += bytes(LIMIT - len(data))
    for body, kind in ((data, WAV), (form(part(data)), FORM)):
        assert send(port, Request("", 200, "", body, kind)).status == 200
        assert send(port, Request("", 413, "", body + b"\0" * 70_000, kind)).status == 413


def test_the_error_page_is_a_page_for_a_browser_even_then(port):
    head = b"POST / HTTP/1.1\r\nContent-Length: 9000000\r\nAccept: text/html,*/*;q=0.8\r\n\r\n"
    answer = raw(port, head)
    assert b"Content-Type: text/html" in answer
    assert b"the upload is over the limit of 1 MB" in answer


def test_no_room_on_the_disk(port, long_clip, monkeypatch):
    monkeypatch.setattr(connection, "SHORT_AT_ONCE", 0)  # as if as many were under way
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))  # of any file that is written
    try:
        for body, kind in ((long_clip, WAV), (form(part(long_clip)), FORM)):
            answer = send(port, Request("", 503, "unavailable", body, kind))
            assert (answer.status, answer.code) == (503, "unavailable")
            check_error(answer.status, answer.headers, answer.body)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    figures = raw(port, b"GET /metrics HTTP/1.0\r\n\r\n")
    assert b'ser_requests_total{code="unavailable",status="503"}' in figures
    assert b'ser_decoder_failures_total{code="unavailable"}' not in figures  # none was asked
    assert send(port, Request("", 200, "ok", long_clip, WAV)).status == 200


def test_a_few_short_uploads_stay_in_memory(monkeypatch):
    monkeypatch.setattr(connection, "SHORT_AT_ONCE", 2)
    settings = connection.ConnectionSettings(inbuf_overflow=65_536, max_request_body_size=2**30)

    def upload(n_bytes: int) -> connection.Parser:
        parser = connection.Parser(settings)
        parser.received(b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % n_bytes)
        for start in range(0, n_bytes, 131_072):
            parser.received(bytes(min(131_072, n_bytes - start)))
        assert parser.completed
        assert len(parser.get_body_stream().read()) == n_bytes
        return parser

    def on_disk(parser: connection.Parser) -> bool:
        return parser.body_rcv.getbuf().overflowed

    assert on_disk(upload(connection.SHORT_BYTES + 1))
    first, second = upload(connection.SHORT_BYTES), upload(1)
    assert not on_disk(first)
    assert not on_disk(second)
    assert on_disk(upload(70_000))
    del second
    assert not on_disk(upload(70_000))


def test_a_refusal_is_seen_whenever_the_loop_comes_to_write(port, monkeypatch):
    """The loop is made to come while the answer is written, and to be done once it is."""
    come = threading.Event()
    flush_some, flush = Channel._flush_some, Channel._flush_exception

    def in_a_thread() -> bool:
        return threading.current_thread().name.startswith("waitress")

    def let_the_loop_come(channel, do_close=True):
        if in_a_thread():
            channel.server.pull_trigger()
            assert come.wait(10)
        return flush_some(channel, do_close)

    def wait_for_the_thread(channel, wanted, do_close=True):
        done = flush(channel, wanted, do_close)
        if not in_a_thread():
            come.set()
            wait_until(lambda: channel.close_when_flushed or not channel.requests, within_s=10)
            come.clear()
        return done

    monkeypatch.setattr(Channel, "_flush_some", let_the_loop_come)
    monkeypatch.setattr(Channel, "_flush_exception", wait_for_the_thread)
    request = next(r for r in bad_requests() if r.name == "far over the limit")
    for _ in range(3):
        answer = send(port, request)
        assert (answer.status, answer.code) == (413, "too_large")


def test_an_upload_that_never_ends_is_given_up(port, monkeypatch):
    monkeypatch.setattr(connection, "UPLOAD_S", 0.5)
    head = b"POST /predict HTTP/1.1\r\nContent-Length: 999\r\n\r\nRIFF"
    with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
        client.sendall(head)
        answer = client.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"took too long" in answer


def _trickle(clients: list[socket.socket]) -> int:
    """Send a byte of an upload on each connection; return how many the server has ended."""
    ended = 0
    for client in clients:
        try:
            client.sendall(b"R")
            ended += client.recv(1) == b""
        except BlockingIOError:
            pass
        except OSError:
            ended += 1
    return ended


def test_connections_that_trickle_keep_nobody_out(monkeypatch):
    monkeypatch.setattr(web_server, "_CONNECTIONS", 20)
    monkeypatch.setattr(web_server, "_SPARE_CONNECTIONS", 4)
    monkeypatch.setattr(web_server, "_PATIENCE_S", 0.3)
    head = b"POST /predict HTTP/1.1\r\nContent-Type: audio/wav\r\nContent-Length: 999\r\n\r\n"
    health = Request("", 200, "ok", method="GET", path="/health")
    with serving() as port, ExitStack() as open_ones:

        def connect() -> socket.socket:
            client = socket.create_connection(("127.0.0.1", port), timeout=60)
            client.sendall(head)
            client.setblocking(False)
            return open_ones.enter_context(client)

        few = [connect() for _ in range(10)]
        for _ in range(10):
            time.sleep(0.05)
            assert _trickle(few) == 0  # there is room enough
        assert send(port, health).status == 200
        many = [connect() for _ in range(30)]
        for _ in range(5):
            assert send(port, health, timeout_s=10).status == 200
            _trickle(few + many)
        assert _trickle(few) == len(few)  # the first to come are the first to go
        assert _trickle(many) < len(many)


def test_even_a_broken_app_answers_in_our_form(monkeypatch):
    with serving() as port:
        monkeypatch.setattr(Flask, "wsgi_app", lambda *_: 1 / 0)
        answer = send(port, Request("", 500, "internal", method="GET"))
        monkeypatch.undo()
        assert (answer.status, answer.code) == (500, "internal")
        assert "ZeroDivision" not in str(answer.body)
        assert send(port, Request("", 200, "ok", method="GET", path="/health")).status == 200


def test_what_finds_no_place_is_sent_away_at_once(long_clip):
    """One at work, one in the queue, and a third; those who ask for nothing are answered."""
    short = good_requests()[0]  # made before there is any hurry
    with serving(SER_THREADS="1", SER_QUEUE="1", SER_TIMEOUT_S="120") as port:
        answers: list[Answer] = []
        long = Request("long", 200, "ok", long_clip, WAV)
        clients = [
            threading.Thread(target=lambda: answers.append(send(port, long))) for _ in range(2)
        ]
        for client in clients:
            client.start()
        wait_for(port, "ser_at_work 1.0", "ser_queued 1.0")
        third = send(port, short)
        assert (third.status, third.code) == (503, "busy")
        check_error(third.status, third.headers, third.body)
        assert send(port, Request("", 200, "", method="GET", path="/ready")).status == 200
        assert not answers, "it was not busy any more"
        for client in clients:
            client.join()
        assert {answer.status for answer in answers} == {200}
        assert send(port, short).status == 200


def test_probes_do_not_wait_behind_the_others(monkeypatch):
    go_on, held, answer = threading.Event(), threading.Semaphore(0), Flask.wsgi_app

    def held_up(app, environ, start):
        if environ["PATH_INFO"] == "/model":
            held.release()
            go_on.wait(120)
        return answer(app, environ, start)

    answers: list[Answer] = []
    model = Request("", 200, "ok", method="GET", path="/model")
    with serving(SER_THREADS="1", SER_QUEUE="0") as port:
        monkeypatch.setattr(Flask, "wsgi_app", held_up)
        clients = [
            threading.Thread(target=lambda: answers.append(send(port, model))) for _ in range(20)
        ]
        for client in clients:
            client.start()
        for _ in range(5):  # all of the server's threads
            assert held.acquire(timeout=60)
        for path in ("/health", "/ready"):
            assert send(port, Request("", 200, "ok", method="GET", path=path)).status == 200
        assert not answers
        assert not held.acquire(blocking=False), "there was a thread to spare"
        go_on.set()
        for client in clients:
            client.join()
    assert [answer.status for answer in answers] == [200] * len(clients)


def test_an_answer_that_takes_too_long_is_not_waited_for():
    slow = synth.wav(synth.voice(500, 8_000), 8_000)  # some 0.5 s of work on a fast machine
    with serving(SER_TIMEOUT_S="0.1") as port:
        answer = send(port, Request("", 503, "timeout", slow, WAV))
        assert (answer.status, answer.code) == (503, "timeout")
        assert float(answer.headers["Retry-After"]) > 0
