"""Serve the page and the HTTP API."""

import logging
import os
import signal
import socket
import sys
from collections.abc import Sequence

from ser.errors import SerError
from ser.web.settings import Settings, read_settings
from ser.web.supervisor import WRONG_SETUP, ConnectionCounts, Supervisor, listen


def serve() -> int:
    """Serve until told to stop; return the exit status, 2 for a wrong setting or model file."""
    try:
        settings = read_settings(os.environ)
        sockets = listen(settings.host, settings.port)
        print(f"http://{settings.host}:{sockets[0].getsockname()[1]}", flush=True)
        copies = settings.web_concurrency
        if copies == 1:
            return _serve_copy(settings, sockets)
        counts = ConnectionCounts(copies)
        return Supervisor(
            lambda copy: _serve_copy(settings, sockets, copy, counts), copies, sockets
        ).run()
    except (SerError, OSError) as error:
        print(f"app.py: {error}", file=sys.stderr)
        return WRONG_SETUP


def _serve_copy(
    settings: Settings,
    sockets: Sequence[socket.socket],
    copy: int = 0,
    counts: ConnectionCounts | None = None,
) -> int:
    """Serve in this process."""
    from ser.inference.build_process import build_in_process
    from ser.inference.memory import limit_heaps, release_free_memory
    from ser.web.application import build_app
    from ser.web.request_log import configure_logging
    from ser.web.server import Server

    limit_heaps()
    configure_logging(settings.log_level)
    try:
        app = build_app(settings)
        server = Server(app, settings, sockets, copy=copy, counts=counts)
    except SerError as error:
        print(f"app.py: {error}", file=sys.stderr)
        return WRONG_SETUP
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: server.stop())
    model = app.extensions["model"]
    model.start(
        build_in_process,
        on_failure=lambda _: server.stop(),
        on_success=lambda _: release_free_memory(),
    )
    server.run()
    if model.error:
        print(f"app.py: {model.error}", file=sys.stderr)
        return WRONG_SETUP
    return 0


def main() -> None:
    """Serve, and end the process."""
    status = serve()
    logging.shutdown()
    # Not `sys.exit`: taking the interpreter down while a library loads in a thread crashes it.
    os._exit(status)
