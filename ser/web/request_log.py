"""The log, one JSON object a line: what is kept of a request is never its audio or file name."""

import json
import logging
import re
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from flask import Response, has_request_context, request

log = logging.getLogger(__name__)

ID_HEADER = "X-Request-ID"
#: Where the server puts when a request had come in whole, by `time.monotonic`.
RECEIVED_AT = "ser.received_at"
#: Where the server puts the status and reason of what it refuses by itself.
REFUSAL = "ser.refusal"
_RECORD = "ser.record"
_SAFE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


@dataclass
class Record:
    """One request: who it is, how it ended, and what took how long.

    Attributes:
        received_at: when it had come in whole, by `time.monotonic`.
        code: of the error, or "ok".
        audio_s: seconds of audio that were scored.
        stages: seconds by stage.
    """

    request_id: str
    received_at: float
    code: str = "ok"
    audio_s: float | None = None
    stages: dict[str, float] = field(default_factory=dict)


def current_record() -> Record:
    """Return the record of the request that is being answered."""
    environ = request.environ
    if _RECORD not in environ:
        given = request.headers.get(ID_HEADER, "")
        environ[_RECORD] = Record(
            request_id=given if _SAFE_ID.fullmatch(given) else uuid.uuid4().hex,
            received_at=environ.get(RECEIVED_AT, time.monotonic()),
        )
    record: Record = environ[_RECORD]
    return record


def log_request(response: Response) -> None:
    """Write the one line of a request."""
    record = current_record()
    stages = record.stages.copy()  # at once: a prediction that was given up may still add some
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
        if has_request_context():
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
