"""The Flask app: its parts, put together."""

import os
from collections.abc import Mapping
from typing import Any

from flask import Flask, Response, request
from werkzeug.middleware.proxy_fix import ProxyFix

from ser.inference.model_loader import ModelLoader
from ser.models import read_model_file
from ser.resources import data_folder
from ser.web import errors, routes
from ser.web.metrics import Metrics
from ser.web.prediction_queue import PredictionQueue
from ser.web.request_log import ID_HEADER, REFUSAL, current_record, log_request
from ser.web.security import add_headers, check_origin
from ser.web.settings import Settings, read_settings


def create_app(config: Mapping[str, Any] | None = None) -> Flask:
    """Make the app and start loading its model; `/ready` tells when that is done.

    Args:
        config: settings by the names of their environment variables; they override the
            environment.

    Raises:
        SerError: a setting or the model file is wrong.
    """
    given = {key: str(value) for key, value in (config or {}).items()}
    app = build_app(read_settings({**os.environ, **given}))
    app.extensions["model"].start()
    return app


def build_app(settings: Settings) -> Flask:
    """Make the app and check its model file; the caller starts `app.extensions["model"]`.

    Raises:
        ModelFileError: the model file cannot be served.
    """
    app = Flask(
        "ser",
        static_folder=data_folder("static"),
        template_folder=data_folder("templates"),
    )
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body_bytes
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False  # 405 for every method that does nothing
    app.url_map.merge_slashes = False  # no redirects: `//predict` is not an address of the app
    app.json.sort_keys = False  # type: ignore[attr-defined]  # labels stay in the model's order
    if proxies := settings.trusted_proxies:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=0, x_proto=proxies, x_host=proxies
        )
    metrics = Metrics()
    app.extensions |= {
        "settings": settings,
        # Half of the threads: with four long clips at once, 512 MB are too little.
        "model": ModelLoader(
            read_model_file(settings.model), long_at_once=max(1, settings.threads // 2)
        ),
        "predictions": PredictionQueue(
            settings.threads,
            settings.queue,
            on_error=metrics.count_error,
            on_change=metrics.show_load,
        ),
        "metrics": metrics,
    }

    @app.before_request
    def _admit() -> None:
        if refused := request.environ.get(REFUSAL):
            status, reason = refused
            raise errors.refusal(status, reason, settings)
        check_origin()

    @app.after_request
    def _finish(response: Response) -> Response:
        record = current_record()
        response.headers[ID_HEADER] = record.request_id
        add_headers(response)
        metrics.count_request(response.status_code, record.code)
        log_request(response)
        return response

    errors.register(app, settings)
    app.register_blueprint(routes.blueprint)
    return app
