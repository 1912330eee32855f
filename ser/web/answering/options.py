"""What a request asks for beside the emotion: a form of the answer, and channels apart."""

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Request

from ser.timeline import TIMELINE_FORMS
from ser.web.answering.form import Part
from ser.web.errors import ApiError
from ser.web.settings import CHANNELS_FIELD, FORMAT_FIELD

JSON = "json"
FORMATS = (JSON, *TIMELINE_FORMS)
MIX, SEPARATE = CHANNELS = ("mix", "separate")
# Forms that the `Accept` header can ask for. Not text/plain, which programs send for anything.
_ACCEPTED = {TIMELINE_FORMS[name].media_type: name for name in ("vtt", "csv", "srt")}


@dataclass(frozen=True)
class Options:
    """What a request asks for.

    Attributes:
        form: one of `FORMATS`.
        separate: whether each channel gets an answer of its own.
    """

    form: str = JSON
    separate: bool = False


def read_options(request: Request, parts: Sequence[Part]) -> Options:
    """Return the options of the query, the form and the `Accept` header, in this order.

    Raises:
        ApiError: a value is not known.
    """
    form = _chosen(request, parts, FORMAT_FIELD, FORMATS) or _accepted(request)
    channels = _chosen(request, parts, CHANNELS_FIELD, CHANNELS)
    return Options(form, separate=channels == SEPARATE)


def _chosen(
    request: Request, parts: Sequence[Part], field: str, known: Sequence[str]
) -> str | None:
    texts = [part.data.decode("utf-8", "replace").strip() for part in parts if part.field == field]
    values = [*request.args.getlist(field), *texts]
    for value in values:
        if value not in known:
            raise ApiError(
                "bad_request",
                f"field {field!r}: {value[:50]!r} is not known; known: {', '.join(known)}",
            )
    return values[0] if values else None


def _accepted(request: Request) -> str:
    best = request.accept_mimetypes.best_match(["application/json", *_ACCEPTED])
    return _ACCEPTED.get(best or "", JSON)
