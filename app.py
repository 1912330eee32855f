"""Start the app: `python app.py`."""

import _thread
import os
import signal
import sys
from collections.abc import Mapping
from typing import Any

from flask import Flask

from ser.errors import SerError
from ser.web import build_app
from ser.web.settings import Settings, configure_logging, read_settings


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


def main() -> int:
    """Serve until told to stop; give the exit status, 2 for a wrong setting or model file."""
    try:
        settings = read_settings(os.environ)
        configure_logging(settings)
        app = build_app(settings)
        server = _listen(app, settings)
    except (SerError, OSError) as error:
        print(f"app.py: {error}", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    print(f"http://{settings.host}:{server.effective_port}", flush=True)
    model = app.extensions["model"]
    model.start(on_failure=lambda _: _thread.interrupt_main())
    server.run()
    if model.error:
        print(f"app.py: {model.error}", file=sys.stderr)
        return 2
    return 0


def _listen(app: Flask, settings: Settings) -> Any:
    from waitress.server import create_server

    return create_server(
        app,
        host=settings.host,
        port=settings.port,
        threads=settings.threads,
        ident=None,
        # A little above Flask's own limit, which answers in our form.
        max_request_body_size=settings.max_upload_bytes + 1_000_000,
    )


if __name__ == "__main__":
    sys.exit(main())
