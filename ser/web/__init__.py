"""The Flask side: the page and the JSON endpoints over the library."""

from collections.abc import Sequence
from pathlib import Path

from flask import Flask, Response, request
from werkzeug.middleware.proxy_fix import ProxyFix

from ser.bundle import read_bundle
from ser.helper import Helper
from ser.web import problems, routes
from ser.web.guard import add_headers, refuse_foreign_pages
from ser.web.metrics import Metrics
from ser.web.model import ModelHolder
from ser.web.record import ID_HEADER, REFUSAL, current_record, log_request
from ser.web.settings import Settings
from ser.web.upload import MAX_FORM_PARTS
from ser.web.workers import Workers

_ROOT = Path(__file__).resolve().parents[2]


def build_app(settings: Settings, helpers: Sequence[Helper] = ()) -> Flask:
    """Make the app and check its model file; `app.extensions["model"]` is still to be started.

    Args:
        helpers: to be started when the model is.

    Raises:
        ModelFileError: the model file cannot be served.
    """
    app = Flask("ser", static_folder=_ROOT / "static", template_folder=_ROOT / "templates")
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body_bytes
    app.config["MAX_FORM_PARTS"] = MAX_FORM_PARTS
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False  # 405 for every method that does nothing
    app.url_map.merge_slashes = False  # no redirects: `//predict` is no address of ours
    app.json.sort_keys = False  # type: ignore[attr-defined]  # labels stay in the model's order
    if proxies := settings.trusted_proxies:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=0, x_proto=proxies, x_host=proxies
        )
    metrics = Metrics()
    workers = Workers(
        settings.threads,
        settings.queue,
        lanes=[helper.lanes for helper in helpers],
        on_error=metrics.count_error,
    )
    metrics.watch(workers, helpers)
    app.extensions |= {
        "settings": settings,
        "model": ModelHolder(read_bundle(settings.model)),
        "workers": workers,
        "metrics": metrics,
    }

    @app.before_request
    def _admit() -> None:
        if refused := request.environ.get(REFUSAL):
            status, reason = refused
            raise problems.refusal(status, reason, settings)
        refuse_foreign_pages()

    @app.after_request
    def _finish(response: Response) -> Response:
        record = current_record()
        response.headers[ID_HEADER] = record.request_id
        add_headers(response)
        metrics.count_request(response.status_code, record.code)
        log_request(response)
        return response

    problems.register(app, settings)
    app.register_blueprint(routes.blueprint)
    return app
