"""Every error of the HTTP side, as JSON or, for a browser, as the page."""

import logging

from flask import Flask, Response, g, jsonify, make_response, render_template, request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from ser.errors import AudioError, DecoderFault, EmptyFile, UnsupportedMedia

log = logging.getLogger(__name__)

RETRY_AFTER_S = 2

_CODES = {400: "bad_request", 404: "not_found", 405: "method_not_allowed", 413: "too_large"}


class Problem(Exception):
    """An answer that is not 200: its status, code and message."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


def wants_html() -> bool:
    """Say whether the client prefers a page to JSON, as browsers do."""
    accepted = request.accept_mimetypes
    return accepted.best_match(["application/json", "text/html"]) == "text/html"


def register(app: Flask, max_upload_mb: float) -> None:
    """Make `app` answer every error in the one form."""

    @app.errorhandler(Problem)
    def _problem(problem: Problem) -> Response:
        return _answer(problem.status, problem.code, problem.message)

    @app.errorhandler(AudioError)
    def _audio(error: AudioError) -> Response:
        status = {EmptyFile: 400, UnsupportedMedia: 415}.get(type(error), 422)
        return _answer(status, error.code, str(error))

    @app.errorhandler(DecoderFault)
    def _decoder(error: DecoderFault) -> Response:
        log.warning("decoder: %s request_id=%s", error, g.request_id)
        return _answer(503, error.code, str(error))

    @app.errorhandler(HTTPException)
    def _http(error: HTTPException) -> Response:
        status = error.code or 500
        message = error.description or error.name
        if isinstance(error, RequestEntityTooLarge):
            message = f"the upload is over the limit of {max_upload_mb:g} MB"
        response = _answer(
            status, _CODES.get(status, error.name.lower().replace(" ", "_")), message
        )
        if allow := dict(error.get_headers()).get("Allow"):
            response.headers["Allow"] = allow
        return response

    @app.errorhandler(Exception)
    def _unforeseen(error: Exception) -> Response:
        log.error("unforeseen error, request_id=%s", g.request_id, exc_info=error)
        return _answer(500, "internal", "something went wrong on our side")


def _answer(status: int, code: str, message: str) -> Response:
    error = {"code": code, "message": message, "request_id": g.request_id}
    if wants_html():
        response = make_response(render_template("index.html", error=error), status)
    else:
        response = make_response(jsonify(error=error), status)
    if status == 503:
        response.headers["Retry-After"] = str(RETRY_AFTER_S)
    return response
