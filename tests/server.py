"""`python app.py` in a process of its own, as a user starts it."""

import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts.benchmark.memory import family

ROOT = Path(__file__).resolve().parent.parent


class Server:
    """A running app; `environment` holds settings."""

    def __init__(self, **environment: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        # Files, not pipes: nobody reads while it runs, and a full pipe would block it.
        self._out, self._err = (tempfile.TemporaryFile() for _ in range(2))  # noqa: SIM115
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("SER_", "KERAS_"))}
        self.process = subprocess.Popen(
            [sys.executable, "app.py"],
            cwd=ROOT,
            env={**inherited, "PORT": str(self.port), **environment},
            stdout=self._out,
            stderr=self._err,
        )

    def wait_ready(self, timeout_s: float = 300) -> "Server":
        """Wait until the model answers."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(f"{self.url}/ready", timeout=5):
                    return self
            except OSError:
                if self.process.poll() is not None:
                    raise AssertionError(f"the app ended: {self.output()[1]}") from None
                time.sleep(0.1)
        self.process.kill()
        raise AssertionError(f"the app was not ready after {timeout_s} s")

    def output(self) -> tuple[str, str]:
        """Return what it has written so far: stdout, stderr."""
        out, err = (
            # Not `read`: it would move the position at which the app writes.
            os.pread(file.fileno(), os.fstat(file.fileno()).st_size, 0).decode()
            for file in (self._out, self._err)
        )
        return out, err

    def log(self) -> list[dict]:
        """Return the lines of its log."""
        return [json.loads(line) for line in self.output()[1].splitlines()]

    def started(self, *, by_name: str) -> list[int]:
        """Return its descendants whose program's name begins with `by_name`."""
        started = family(self.process.pid)[1:]
        return [pid for pid in started if _program(pid).startswith(by_name)]

    def wait(self, timeout_s: float = 60) -> int:
        """Wait for its end and return its exit status."""
        return self.process.wait(timeout_s)

    def stop(self) -> int:
        """Send SIGTERM, and return its exit status."""
        self.process.terminate()
        try:
            return self.wait()
        finally:
            self.process.kill()


def _program(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text()
    except OSError:  # it has just ended
        return ""


@contextmanager
def serving(**variables: str) -> Iterator[int]:
    """Serve the shipped model in a thread of this process; give the port."""
    from app import create_app
    from ser.web.server import Server as WebServer
    from ser.web.settings import read_settings
    from ser.web.supervisor import listen

    app = create_app(variables)
    assert app.extensions["model"].wait(300)
    settings = read_settings({**variables, "PORT": "0"})
    server = WebServer(app, settings, listen(settings.host, settings.port))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield server.port
    finally:
        server.stop()
        thread.join()
