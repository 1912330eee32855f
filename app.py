"""Start the app: `python app.py`."""

import logging
import os
import signal
import sys
from collections.abc import Mapping
from functools import partial
from typing import Any

from flask import Flask

from ser.apart import build_apart
from ser.errors import SerError
from ser.helper import Helper
from ser.lean import give_back_free_memory, share_heaps
from ser.predictor import Predictor
from ser.web import build_app
from ser.web.logs import configure_logging
from ser.web.server import Server
from ser.web.settings import Settings, read_settings


def create_app(config: Mapping[str, Any] | None = None) -> Flask:
    """Make the app and begin to load its model; `/ready` tells when that is done.

    Args:
        config: settings by the names of their environment variables; they go before
            those of the environment.

    Raises:
        SerError: a setting or the model file is wrong.
    """
    given = {key: str(value) for key, value in (config or {}).items()}
    app = build_app(read_settings({**os.environ, **given}))
    app.extensions["model"].start()
    return app


def _helpers(settings: Settings) -> list[Helper]:
    """Return the processes that are to predict short clips for this one, none of them started."""
    processes = min(settings.processes, os.cpu_count() or 1) if Helper.possible() else 1
    return [Helper() for _ in range(processes)] if processes > 1 else []


def main() -> int:
    """Serve until told to stop; give the exit status, 2 for a wrong setting or model file."""
    share_heaps()
    try:
        settings = read_settings(os.environ)
        configure_logging(settings.log_level)
        helpers = _helpers(settings)
        app = build_app(settings, helpers)
        server = Server(app, settings)
    except (SerError, OSError) as error:
        print(f"app.py: {error}", file=sys.stderr)
        return 2
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: server.stop())

    def start_helpers(predictor: Predictor) -> None:
        for helper in helpers:
            helper.start(predictor)
        give_back_free_memory()

    print(f"http://{settings.host}:{server.port}", flush=True)
    model = app.extensions["model"]
    build = partial(build_apart, with_single=not helpers)
    model.start(build, on_failure=lambda _: server.stop(), on_success=start_helpers)
    server.run()
    if model.error:
        print(f"app.py: {model.error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    status = main()
    logging.shutdown()
    # Not `sys.exit`: taking the interpreter down while a library loads in a thread crashes it.
    os._exit(status)
