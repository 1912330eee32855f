"""The Flask side: the page and the JSON endpoints over the library."""

import uuid
from pathlib import Path

from flask import Flask, Response, g

from ser.bundle import read_bundle
from ser.web import problems, routes
from ser.web.model import ModelHolder
from ser.web.settings import Settings

_ROOT = Path(__file__).resolve().parents[2]

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "media-src blob:; connect-src 'self'; manifest-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
}


def build_app(settings: Settings) -> Flask:
    """Make the app and check its model file; `app.extensions["model"]` is still to be started.

    Raises:
        ModelFileError: the model file cannot be served.
    """
    app = Flask("ser", static_folder=_ROOT / "static", template_folder=_ROOT / "templates")
    app.config["MAX_CONTENT_LENGTH"] = settings.max_upload_bytes
    app.json.sort_keys = False  # type: ignore[attr-defined]  # labels stay in the model's order
    app.extensions["settings"] = settings
    app.extensions["model"] = ModelHolder(read_bundle(settings.model))

    @app.before_request
    def _identify() -> None:
        g.request_id = uuid.uuid4().hex

    @app.after_request
    def _add_headers(response: Response) -> Response:
        response.headers.update({"X-Request-ID": g.request_id, **_HEADERS})
        return response

    problems.register(app, settings.max_upload_mb)
    app.register_blueprint(routes.blueprint)
    return app
