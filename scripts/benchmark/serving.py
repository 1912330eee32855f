"""Start a server in a process group of its own, send it requests, and stop it."""

import os
import signal
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path

READY_S = 120
REQUEST_S = 300
STOP_S = 30


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Serving:
    """A running server, as a context: ready on entry, stopped on exit.

    Attributes:
        start_s: seconds from its start until it was ready.
    """

    def __init__(
        self,
        command: Sequence[str] | str,
        *,
        cwd: Path,
        environment: Mapping[str, str],
        ready: str = "/ready",
    ) -> None:
        self.port = free_port()
        self._path = ready
        started = time.perf_counter()
        self.process = subprocess.Popen(
            command,
            shell=isinstance(command, str),
            cwd=cwd,
            env={**environment, "PORT": str(self.port)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            self._wait(started + READY_S)
        except BaseException:
            self.stop()
            raise
        self.start_s = time.perf_counter() - started

    def _wait(self, until: float) -> None:
        while time.perf_counter() < until:
            try:
                with urllib.request.urlopen(self.url(self._path), timeout=READY_S):  # noqa: S310
                    return
            except OSError:
                if self.process.poll() is not None:
                    raise RuntimeError(f"the server ended: {self.process.returncode}") from None
                time.sleep(0.02)
        raise RuntimeError(f"the server was not ready after {READY_S} s")

    def __enter__(self) -> "Serving":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def url(self, path: str) -> str:
        """Return the address of a path."""
        return f"http://127.0.0.1:{self.port}{path}"

    def stop(self) -> int:
        """Send SIGTERM to the process group, as a platform does; return the first exit status.

        A shell ends at once. The server that it started ends when it has finished its work.
        """
        until = time.perf_counter() + STOP_S
        wanted = signal.SIGTERM
        try:
            while True:
                os.killpg(self.process.pid, wanted)
                wanted = signal.SIGKILL if time.perf_counter() > until else 0
                self.process.poll()  # a process that nobody waits for stays in the group
                time.sleep(0.02)
        except ProcessLookupError:
            return self.process.wait()

    def ask(self, bodies: Iterable[bytes], *, clients: int = 1) -> tuple[list[float], float]:
        """Post each body to /predict; each client keeps its connection.

        Returns:
            the seconds of each request, and the seconds from the first to the last.

        Raises:
            RuntimeError: an answer is not 200.
        """
        waiting, lock, seconds = iter(bodies), threading.Lock(), []

        def client() -> None:
            connection = HTTPConnection("127.0.0.1", self.port, timeout=REQUEST_S)
            while True:
                with lock:
                    body = next(waiting, None)
                if body is None:
                    return connection.close()
                began = time.perf_counter()
                connection.request("POST", "/predict", body, {"Content-Type": "audio/wav"})
                response = connection.getresponse()
                answer = response.read()
                seconds.append(time.perf_counter() - began)
                if response.status != 200:
                    raise RuntimeError(f"answer {response.status}: {answer[:200]!r}")

        began = time.perf_counter()
        with ThreadPoolExecutor(clients) as pool:
            for done in [pool.submit(client) for _ in range(clients)]:
                done.result()
        return seconds, time.perf_counter() - began
