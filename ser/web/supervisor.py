"""Several copies of the server on one listening socket, and the small parent that watches them.

The parent imports neither Flask nor NumPy, so it takes little memory and forks safely.
"""

import errno
import logging
import mmap
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Sequence
from tempfile import TemporaryDirectory

from ser.errors import SerError, UsageError
from ser.filenames import error_text

log = logging.getLogger(__name__)

_AIRPLAY_PORT = 5000
_BACKLOG = 1024  # connections that wait to be accepted
_WRONG_SETUP = 2  # exit status of a copy that cannot serve: it must not be restarted
_REASON_BYTES = 4096
_LOADING = 2**30  # counts as more connections than any copy has
_TICK_S = 0.1
_STABLE_S = 10  # a copy that lived as long is restarted at once
_PAUSE_S, _LONGEST_PAUSE_S = 1, 60  # before one that did not is restarted


def listen(host: str, port: int) -> list[socket.socket]:
    """Return a listening socket for each address of `host`; port 0 takes a free one.

    Raises:
        UsageError: the port is in use, or the address is not one of this machine.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        return [
            socket.create_server(address[:2], family=family, backlog=_BACKLOG)
            for family, *_, address in dict.fromkeys(found)
        ]
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise UsageError(
                f"cannot listen on HOST={host} PORT={port}: {error.strerror or error}"
            ) from error
        airplay = " (on a Mac, AirPlay has port 5000)" if port == _AIRPLAY_PORT else ""
        raise UsageError(
            f"port {port} is in use by another program{airplay}; choose another one, such as "
            f"PORT={port + 1 if port < 65_535 else port - 1}"
        ) from error


class ConnectionCounts:
    """How many connections each copy has, in memory that all of them share.

    Each copy looks here before it accepts. So clients spread evenly, and none goes to a copy
    whose model is still loading while another copy is ready.
    """

    def __init__(self, copies: int) -> None:
        self._counts = memoryview(mmap.mmap(-1, 4 * copies)).cast("i")
        for copy in range(copies):
            self._counts[copy] = _LOADING

    def set(self, copy: int, connections: int | None) -> None:
        """Publish the number of connections of a copy; None while its model is loading."""
        self._counts[copy] = _LOADING if connections is None else connections

    def is_loading_alone(self, copy: int) -> bool:
        """Whether the model of this copy is loading and another copy is ready."""
        return self._counts[copy] == _LOADING > min(self._counts)

    def is_lowest(self, copy: int) -> bool:
        """Whether no other copy has fewer connections."""
        return self._counts[copy] <= min(self._counts)


class Supervisor:
    """Starts copies of a server, restarts one that ends, and stops all on SIGTERM or SIGINT.

    Args:
        serve: called in each copy with its number; returns when it was told to stop.
        copies: how many.
        sockets: the listening sockets, which this process closes when it is told to stop.
    """

    def __init__(
        self, serve: Callable[[int], None], copies: int, sockets: Sequence[socket.socket] = ()
    ) -> None:
        self._serve = serve
        self._sockets = sockets
        self._copies = copies
        self._running: dict[int, tuple[int, float]] = {}  # process id to copy, start
        self._due = dict.fromkeys(range(copies), 0.0)  # copy to the time of its next start
        self._pause_s = dict.fromkeys(range(copies), _PAUSE_S)
        self._stopping = False
        self._status = 0
        self._reason = mmap.mmap(-1, _REASON_BYTES)  # why a copy cannot serve; shared with all

    def run(self) -> int:
        """Run until told to stop; return the exit status, the first of a copy that is not 0.

        Raises:
            SerError: a copy found a setting or the model file wrong.
        """
        if not hasattr(os, "fork"):
            raise UsageError(f"WEB_CONCURRENCY={self._copies} is not possible here; use 1")
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stop())
        # A copy reads from this pipe, and so learns when the parent is gone, killed or not.
        self._alive = os.pipe()
        with TemporaryDirectory(prefix="ser-metrics-") as folder:
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
            while self._running or not self._stopping:
                self._start_due()
                self._collect()
                time.sleep(_TICK_S)
        if reason := bytes(self._reason).rstrip(b"\0").decode(errors="replace"):
            raise SerError(reason)
        return self._status

    def _stop(self) -> None:
        self._stopping = True
        for listening in self._sockets:
            listening.close()  # the last copy to close it ends it
        for process in list(self._running):
            os.kill(process, signal.SIGTERM)

    def _start_due(self) -> None:
        now = time.monotonic()
        for copy in [copy for copy, due in self._due.items() if due <= now]:
            if self._stopping:
                return
            del self._due[copy]
            sys.stdout.flush()
            process = os.fork()
            if not process:
                self._become(copy)
            self._running[process] = copy, now
            if self._stopping:  # the signal came between the two lines above
                os.kill(process, signal.SIGTERM)

    def _become(self, copy: int) -> None:
        """Be a copy: serve, and end this process."""
        exit_when_told()
        ours, parents = self._alive
        os.close(parents)
        threading.Thread(target=_stop_with_parent, args=(ours,), daemon=True).start()
        status = 1
        try:
            self._serve(copy)
            status = 0
        except SerError as error:
            self._reason[:] = error_text(error).encode()[:_REASON_BYTES].ljust(_REASON_BYTES, b"\0")
            status = _WRONG_SETUP
        except BaseException:
            log.exception("copy %d failed", copy)
        finally:
            logging.shutdown()
            os._exit(status)

    def _collect(self) -> None:
        """See which copies have ended, and plan their restart."""
        while self._running:
            process, waited = os.waitpid(-1, os.WNOHANG)
            if not process:
                return
            copy, started = self._running.pop(process)
            status = os.waitstatus_to_exitcode(waited)
            _forget_gauges(process)
            if self._stopping:
                self._status = self._status or status
                continue
            if status == _WRONG_SETUP:
                self._stop()
                continue
            now = time.monotonic()
            if now - started >= _STABLE_S:
                self._pause_s[copy] = _PAUSE_S
                self._due[copy] = now
            else:
                self._due[copy] = now + self._pause_s[copy]
                self._pause_s[copy] = min(2 * self._pause_s[copy], _LONGEST_PAUSE_S)
            log.warning(
                "copy %d ended with %s; it starts again in %.0f s",
                copy,
                status,
                self._due[copy] - now,
            )


def exit_when_told() -> None:
    """Let SIGTERM and SIGINT end this process with status 0, until a server handles them."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: os._exit(0))


def _stop_with_parent(alive: int) -> None:
    os.read(alive, 1)  # returns when the parent's end closes
    os.kill(os.getpid(), signal.SIGTERM)


def _forget_gauges(process: int) -> None:
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(process)
