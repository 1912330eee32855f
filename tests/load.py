"""Load for a running server: its answers, their times, and its memory."""

import http.client
import random
import signal
import socket
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from scripts.benchmark.memory import held
from ser.data.parallel import processes
from tests.exchange import Answer, Request, bad_requests, good_requests, send
from tests.server import Server

# Correct answers to any request under overload.
OVERLOAD = {(503, "busy"), (503, "timeout")}
PROBE_EVERY_S = 0.1
_NO_ANSWER = (OSError, http.client.HTTPException)


@dataclass
class Seen:
    """What the clients measured.

    Attributes:
        answers: number of each status and code.
        wrong: unexpected answers, and requests without an answer.
        seconds: of each prediction.
        probes: seconds of each answer of /health and /ready.
        memory: MB (2**20) of the server and its decoders, by seconds since the start.
    """

    answers: Counter = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    probes: list[float] = field(default_factory=list)
    memory: list[tuple[float, float]] = field(default_factory=list)

    def slope(self) -> float:
        """Return how fast the memory grew: MB a minute, by a fitted line."""
        times, sizes = np.array(self.memory).T
        return float(np.polyfit(times, sizes, 1)[0] * 60)

    def take(self, request: Request, answer: Answer) -> None:
        """Count an answer."""
        got = (answer.status, answer.code)
        self.answers[got] += 1
        if got == (200, "ok"):
            self.seconds.append(answer.seconds)
        if got != (request.status, request.code) and got not in OVERLOAD:
            self.wrong.append(f"{request.name}: {got}")


def all_requests() -> list[Request]:
    """Return good requests and bad ones, about half and half."""
    bad = bad_requests()
    good = good_requests()
    return [*good * (len(bad) // len(good)), *bad]


def answers(port: int) -> dict[str, dict]:
    """Return the answers to the good requests, one after another, without their ids."""
    return {request.name: _without_ids(send(port, request).body) for request in good_requests()}


def _without_ids(data: Any) -> Any:
    if isinstance(data, dict):
        return {name: _without_ids(x) for name, x in data.items() if name != "request_id"}
    return [_without_ids(x) for x in data] if isinstance(data, list) else data


def mixed(server: Server, *, clients: int, seconds: float, requests: Sequence[Request]) -> Seen:
    """Let each client send random requests, one after another."""
    seen = Seen()
    end = time.monotonic() + seconds

    def client(number: int) -> None:
        choice = random.Random(number)  # noqa: S311 - no secret
        while time.monotonic() < end:
            request = choice.choice(requests)
            try:
                seen.take(request, send(server.port, request))
            except _NO_ANSWER as error:
                seen.wrong.append(f"{request.name}: no answer, {error!r}")

    _side_by_side(
        [lambda n=n: client(n) for n in range(clients)]
        + [lambda: _probe(server.port, end, seen), lambda: _weigh(server.process.pid, end, seen)]
    )
    return seen


def slow_uploads(server: Server, *, uploads: int, seconds: float) -> Seen:
    """Send good requests one after another while `uploads` others arrive a byte a second."""
    seen = Seen()
    end = time.monotonic() + seconds

    def trickle() -> None:
        with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
            head = "POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: audio/wav\r\n"
            connection.sendall(f"{head}Content-Length: 100000\r\n\r\n".encode())
            while time.monotonic() < end:
                connection.sendall(b"R")
                time.sleep(1)

    def client() -> None:
        time.sleep(min(2, seconds / 2))  # until all uploads have begun
        while time.monotonic() < end:
            for request in good_requests():
                seen.take(request, send(server.port, request))

    _side_by_side([*[trickle] * uploads, client, lambda: _probe(server.port, end, seen)])
    return seen


@dataclass
class Stopped:
    """How a server ended that was stopped under load.

    Attributes:
        answers: number of each status and code, of requests sent before the signal.
        unanswered: those without one.
        later: requests sent after the signal, by how they ended.
        seconds: from the signal to the end.
        left: files in its temporary folder.
    """

    status: int
    seconds: float
    left: list[str]
    answers: Counter = field(default_factory=Counter)
    unanswered: list[str] = field(default_factory=list)
    later: Counter = field(default_factory=Counter)


def stop_under_load(temporary: Path, *, clients: int, after_s: float, **settings: str) -> Stopped:
    """Start a server whose temporary folder is `temporary`, and stop it while it works."""
    server = Server(TMPDIR=str(temporary), **settings).wait_ready()
    requests = good_requests()
    outcomes: list[tuple[float, Any]] = []  # when it was sent, and the answer or the error

    def client(number: int) -> None:
        choice = random.Random(number)  # noqa: S311
        while server.process.poll() is None:
            start = time.monotonic()
            try:
                answer = send(server.port, choice.choice(requests))
                outcomes.append((answer.sent_at, answer))
            except _NO_ANSWER as error:
                outcomes.append((start, error))

    threads = [threading.Thread(target=client, args=(n,)) for n in range(clients)]
    for thread in threads:
        thread.start()
    time.sleep(after_s)
    stopped_at = time.monotonic()
    server.process.send_signal(signal.SIGTERM)
    status = server.wait()
    stopped = Stopped(status, time.monotonic() - stopped_at, [p.name for p in temporary.iterdir()])
    for thread in threads:
        thread.join()
    for sent_at, outcome in outcomes:
        if isinstance(outcome, Answer):
            counter = stopped.answers if sent_at < stopped_at else stopped.later
            counter[outcome.status, outcome.code] += 1
        elif sent_at < stopped_at:
            stopped.unanswered.append(repr(outcome))
        else:
            stopped.later[type(outcome).__name__] += 1
    return stopped


def wait_for(port: int, *metrics: str, timeout_s: float = 60) -> None:
    """Wait until /metrics has all of these lines."""
    deadline = time.monotonic() + timeout_s
    while True:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as response:
            lines = response.read().decode().splitlines()
        if set(metrics) <= set(lines):
            return
        assert time.monotonic() < deadline, f"no {metrics} within {timeout_s} s"
        time.sleep(0.02)


def _side_by_side(works: Sequence[Callable[[], None]]) -> None:
    """Run each in a thread of its own; raise the first error at the end."""
    errors: list[Exception] = []

    def run(work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def _probe(port: int, end: float, seen: Seen) -> None:
    # In another process, as a platform does: here it would wait for the clients' threads.
    with processes(1) as pool:
        for path, status, seconds in pool.submit(_probes, port, end).result():
            seen.probes.append(seconds)
            if status != 200:
                seen.wrong.append(f"{path}: {status}")


def _probes(port: int, end: float) -> list[tuple[str, int, float]]:
    """Probe until `end` (`time.monotonic`); return path, status and seconds of each answer."""
    answers = []
    while time.monotonic() < end:
        for path in ("/health", "/ready"):
            answer = send(port, Request(path, 200, "ok", method="GET", path=path))
            answers.append((path, answer.status, answer.seconds))
        time.sleep(PROBE_EVERY_S)
    return answers


def _weigh(pid: int, end: float, seen: Seen) -> None:
    start = time.monotonic()
    while time.monotonic() < end:
        seen.memory.append((time.monotonic() - start, held(pid)))
        time.sleep(0.5)
