"""Serve the page and the HTTP API."""

import argparse
import logging
import os
import signal
import socket
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NoReturn

from ser.errors import ModelFileError, SerError
from ser.filenames import error_text
from ser.web.request_log import configure_logging
from ser.web.settings import SETTINGS, Settings, read_settings
from ser.web.supervisor import ConnectionCounts, Supervisor, exit_when_told, listen


def parse() -> argparse.Namespace:
    """Read the arguments: there are none but `--help`, which lists the settings."""
    settings = (f"  {s.variable:20} {s.meaning} [{s.default}]" for s in SETTINGS.values())
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog="\n".join(["settings, as environment variables:", *settings]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    return parser.parse_args()


def serve() -> int:
    """Serve until told to stop; return the exit status, 2 for a wrong setting or model file."""
    try:
        settings = read_settings(os.environ)
        configure_logging(settings.log_level)
        exit_when_told()
        sockets = listen(settings.host, settings.port)
        print(f"http://{settings.host}:{sockets[0].getsockname()[1]}", flush=True)
        copies = settings.web_concurrency
        if copies == 1:
            _serve_copy(settings, sockets)
            return 0
        counts = ConnectionCounts(copies)
        return Supervisor(
            lambda copy: _serve_copy(settings.share(), sockets, copy, counts), copies, sockets
        ).run()
    except (SerError, OSError) as error:
        print(f"{Path(sys.argv[0]).name}: {error_text(error)}", file=sys.stderr)
        return 2


def _serve_copy(
    settings: Settings,
    sockets: Sequence[socket.socket],
    copy: int = 0,
    counts: ConnectionCounts | None = None,
) -> None:
    """Serve in this process until told to stop.

    Raises:
        SerError: the model file cannot be served.
    """
    from ser.inference.build_process import build_in_process
    from ser.inference.memory import limit_heaps, release_free_memory
    from ser.web.application import build_app
    from ser.web.server import Server

    limit_heaps()
    app = build_app(settings)
    server = Server(app, settings, sockets, copy=copy, counts=counts)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: server.stop())
    model = app.extensions["model"]
    # The copies share the cores. Fewer threads than cores also cost less when all are busy.
    threads = max(1, (os.cpu_count() or 1) // settings.web_concurrency)
    model.start(
        partial(build_in_process, threads=threads),
        on_failure=lambda _: server.stop(),
        on_success=lambda _: release_free_memory(),
    )
    server.run()
    if model.error:
        raise ModelFileError(model.error)


def main() -> NoReturn:
    """Serve, and end the process."""
    parse()
    status = serve()
    logging.shutdown()
    # Not `sys.exit`: an interpreter that shuts down while a library loads in a thread crashes.
    os._exit(status)
