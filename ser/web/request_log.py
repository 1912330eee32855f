"""The log: one JSON object a line, never with audio or a file name.

Flask is imported where it is needed: the parent of several copies writes a log without it.
"""

import json
import logging
import re
import sys
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flask import Response

log = logging.getLogger(__name__)

ID_HEADER = "X-Request-ID"
#: Key of the WSGI environment: `time.monotonic` when the whole request had arrived.
RECEIVED_AT = "ser.received_at"
#: Key of the WSGI environment: status and reason of a request that waitress refuses.
REFUSAL = "ser.refusal"
_RECORD = "ser.record"
_SAFE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


@dataclass
class Record:
    """What is kept of a request while it is answered.

    Attributes:
        received_at: `time.monotonic` when the whole request had arrived.
        code: the error's code, or "ok".
        audio_s: seconds of audio that were analysed.
        stages: seconds by stage.
    """

    request_id: str
    received_at: float
    code: str = "ok"
    audio_s: float | None = None
    stages: dict[str, float] = field(default_factory=dict)


def current_record() -> Record:
    """Return the record of the current request."""
    from flask import request

    environ = request.environ
    if _RECORD not in environ:
        given = request.headers.get(ID_HEADER, "")
        environ[_RECORD] = Record(
            request_id=given if _SAFE_ID.fullmatch(given) else uuid.uuid4().hex,
            received_at=environ.get(RECEIVED_AT, time.monotonic()),
        )
    record: Record = environ[_RECORD]
    return record


def log_request(response: "Response") -> None:
    """Write the line of a request."""
    from flask import request

    record = current_record()
    stages = record.stages.copy()  # a prediction that timed out may still add some
    fields: dict[str, Any] = {
        "method": request.method,
        "route": request.url_rule.rule if request.url_rule else None,
        "status": response.status_code,
        "code": record.code,
        "bytes": request.content_length or 0,
        "audio_s": record.audio_s and round(record.audio_s, 3),
        **{f"{stage}_ms": _milliseconds(seconds) for stage, seconds in stages.items()},
        "total_ms": _milliseconds(time.monotonic() - record.received_at),
    }
    log.info("request", extra={"fields": fields})


def _milliseconds(seconds: float) -> float:
    return round(1000 * seconds, 1)


class JsonFormatter(logging.Formatter):
    """Writes a log record as one line of JSON, with the request's id where there is a request."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        flask = sys.modules.get("flask")
        if flask and flask.has_request_context():
            line["request_id"] = current_record().request_id
        line |= getattr(record, "fields", {})
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def configure_logging(level: str) -> None:
    """Write the log to stderr, from `level` on."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=level, handlers=[handler])
    # It warns of every request that waits for a thread; /metrics counts our own queue.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
