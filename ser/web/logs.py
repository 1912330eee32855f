"""The log: one JSON object a line, on stderr."""

import json
import logging
from datetime import UTC, datetime

from flask import has_request_context

from ser.web.record import current_record


class JsonFormatter(logging.Formatter):
    """Writes a record as one line of JSON, with the request's id where there is a request."""

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
    """Send the log to stderr from `level` on."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=level, handlers=[handler])
    # It warns of every request that waits for a thread; our own queue is counted in /metrics.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
