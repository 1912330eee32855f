"""Every error over HTTP: JSON, or the page for a browser that asks for HTML."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from flask import Flask, Response, jsonify, make_response, render_template, request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from ser.errors import AudioError, DecoderFault, UsageError
from ser.web.request_log import current_record
from ser.web.settings import MAX_FORM_PARTS, Settings

log = logging.getLogger(__name__)

RETRY_AFTER_S = 2

#: Each error code: its HTTP status and its meaning.
ERRORS = {
    "bad_request": (400, "no file, a wrong reference, captions or option, or broken HTTP"),
    "empty_file": (400, "the file has 0 bytes"),
    "cross_origin": (403, "a page of another site sent this"),
    "not_found": (404, "there is no such address"),
    "method_not_allowed": (
        405,
        "the address does not take this method; see `Allow`",
    ),
    "too_large": (413, "the upload is over the limit"),
    "unsupported_media": (415, "not an audio or video file"),
    "no_audio": (422, "a valid file without audio"),
    "damaged": (422, "nothing of the file can be decoded"),
    "unsupported_format": (422, "a sample rate or number of channels outside the limits"),
    "invalid_samples": (422, "samples that are NaN, infinite or overflow"),
    "too_short": (422, "too short to hold an emotion"),
    "silent": (422, "only silence"),
    "too_complex": (422, "decoding takes more work, memory or output than the limits allow"),
    "internal": (500, "the server failed; the log has the details"),
    "timeout": (503, "no answer within the time limit"),
    "busy": (503, "too many files at once"),
    "not_ready": (503, "the model is loading"),
    "shutting_down": (503, "the server is stopping"),
    "unavailable": (503, "no decoder, or the disk is full"),
}
# Codes of werkzeug's own errors, by status.
_CODES = {400: "bad_request", 404: "not_found", 405: "method_not_allowed", 413: "too_large"}


class ApiError(Exception):
    """An answer other than 200: its code, one of `ERRORS`, and a message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Failure(NamedTuple):
    """Why there is no answer: a code of `ERRORS`, or of another error of HTTP, and a message."""

    code: str
    message: str

    def to_dict(self, request_id: str) -> dict[str, Any]:
        """Return it as plain data, in the form of every error."""
        return {"error": {**self._asdict(), "request_id": request_id}}


def describe(error: Exception) -> Failure:
    """Return the failure of an error; one that nobody has foreseen goes to the log."""
    if isinstance(error, ApiError | AudioError):
        return Failure(error.code, str(error))
    if isinstance(error, DecoderFault):
        log.warning("decoder: %s", error)
        return Failure(error.code, str(error))
    log.error("unforeseen error, request_id=%s", current_record().request_id, exc_info=error)
    return Failure("internal", ERRORS["internal"][1])


def wants_html() -> bool:
    """Return whether the client prefers HTML to JSON, as browsers do."""
    accepted = request.accept_mimetypes
    return accepted.best_match(["application/json", "text/html"]) == "text/html"


def too_large(settings: Settings) -> ApiError:
    """Return the answer to an upload over the limit."""
    return ApiError("too_large", f"the upload is over the limit of {settings.max_upload_mb:g} MB")


def retry_later(code: str) -> ApiError:
    """Return the error of a temporary condition: the client should try again."""
    return ApiError(code, f"{ERRORS[code][1]}; try again in a moment")


@contextmanager
def naming_field(field: str) -> Iterator[None]:
    """Let the library's errors in the `with` block say which field of the form is at fault.

    Raises:
        ApiError: `bad_request` for a `UsageError`; other errors keep their class.
    """
    try:
        yield
    except UsageError as error:
        raise ApiError("bad_request", f"field {field!r}: {error}") from error
    except (AudioError, DecoderFault) as error:
        raise type(error)(f"field {field!r}: {error}") from error


def refusal(status: int, reason: str, settings: Settings) -> ApiError:
    """Return the error for a request that waitress refuses; for a 503 the reason is our code."""
    if status == 413:
        return too_large(settings)
    if status == 503:
        return retry_later(reason)
    return ApiError("bad_request", reason)


def register(app: Flask, settings: Settings) -> None:
    """Make `app` answer every error in the same form."""

    @app.errorhandler(Exception)
    def _any(error: Exception) -> Response:
        return _answer(describe(error))

    @app.errorhandler(RequestEntityTooLarge)
    def _too_large(_: RequestEntityTooLarge) -> Response:
        if (request.content_length or 0) > settings.max_body_bytes:
            return _any(too_large(settings))
        return _any(ApiError("too_large", f"a form of more than {MAX_FORM_PARTS} fields"))

    @app.errorhandler(HTTPException)
    def _http(error: HTTPException) -> Response:
        status = error.code or 500
        code = _CODES.get(status, error.name.lower().replace(" ", "_"))
        response = _answer(Failure(code, error.description or error.name), status)
        if allow := dict(error.get_headers()).get("Allow"):
            response.headers["Allow"] = allow
        return response


def _answer(failure: Failure, status: int | None = None) -> Response:
    record = current_record()
    record.code = failure.code
    status = status or ERRORS[failure.code][0]
    body = failure.to_dict(record.request_id)
    if wants_html():
        response = make_response(render_template("index.html", **body), status)
    else:
        response = make_response(jsonify(body), status)
    if status == 503:
        response.headers["Retry-After"] = str(RETRY_AFTER_S)
    return response
