"""One connection: whatever waitress refuses is answered in the app's own form.

A client that is refused while it still sends must see why. If the server closed at once, the
kernel would reset the connection. So only the server's side is shut, and the rest is dropped.
"""

import math
import socket
import time
import uuid
from typing import Any
from weakref import WeakSet

from flask import json

from ser.web.errors import ERRORS
from ser.web.request_log import RECEIVED_AT, REFUSAL
from ser.web.waitress_internals import (
    Adjustments,
    BadRequest,
    Error,
    HTTPChannel,
    HTTPRequestParser,
    WSGITask,
)

IDLE_S = 30  # before a silent connection is closed
UPLOAD_S = 300  # for an upload to arrive, and for the rest of a refused one
SHORT_BYTES = 2**20  # the largest upload kept in memory: a temporary file costs 1 to 2 ms
SHORT_AT_ONCE = 16  # uploads in memory at the same time; more go to disk


class ConnectionSettings(Adjustments):
    """waitress's settings, and the short uploads that are in memory now."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.short_uploads: WeakSet[Parser] = WeakSet()


class Unavailable(Error):
    """A request that is refused although it is right; `body` is the app's code for it."""

    code, reason = 503, "Service Unavailable"


class Parser(HTTPRequestParser):
    """Knows when its request arrived. Has what the app asks of a request with a broken head."""

    command, path, query, request_uri, url_scheme = "GET", "/", "", "/", "http"
    received_at = math.inf  # by `time.monotonic`

    def __init__(self, settings: ConnectionSettings) -> None:
        super().__init__(settings)
        self.begun_at = time.monotonic()

    def parse_header(self, header_plus: bytes) -> None:
        """Read the head, and decide whether the body may stay in memory."""
        super().parse_header(header_plus)
        in_memory = self.adj.short_uploads
        if 0 < self.content_length <= SHORT_BYTES and len(in_memory) < SHORT_AT_ONCE:
            self.body_rcv.getbuf().overflow = SHORT_BYTES + 1
            in_memory.add(self)

    def received(self, data: bytes) -> int:
        """Take the part of `data` that belongs to this request; return its length."""
        taken = super().received(data)
        if self.completed:
            self.received_at = time.monotonic()
        return taken


class Task(WSGITask):
    """A request that the app answers."""

    def execute(self) -> None:
        """Answer; while the server stops, also close, so that the client goes elsewhere."""
        if self.channel.server.stopping:
            self.set_close_on_finish()
        super().execute()

    def get_environment(self) -> dict[str, Any]:
        """Return the WSGI environment, with the time at which the request had arrived."""
        environ = super().get_environment()
        environ[RECEIVED_AT] = self.request.received_at
        return environ


class Refusal(Task):
    """A request that waitress refuses; the app writes the answer."""

    def execute(self) -> None:
        """Answer, and keep reading until the client has seen it."""
        self.channel.refused = True
        self.set_close_on_finish()
        if self.request.error.code == 500:  # the app itself failed, so it is not asked again
            self._answer_without_app()
        else:
            super().execute()

    def get_environment(self) -> dict[str, Any]:
        """Return the WSGI environment, with the reason of the refusal."""
        environ = super().get_environment()
        environ[REFUSAL] = self.request.error.code, self.request.error.body
        return environ

    def _answer_without_app(self) -> None:
        error = {
            "code": "internal",
            "message": ERRORS["internal"][1],
            "request_id": uuid.uuid4().hex,
        }
        body = json.dumps({"error": error}).encode()
        self.status = "500 Internal Server Error"
        self.response_headers.append(("Content-Type", "application/json"))
        self.content_length = len(body)
        self.complete = True
        self.write(body)


class Channel(HTTPChannel):
    """A connection."""

    task_class = Task
    error_task_class = Refusal
    parser_class = Parser
    request: Parser | None
    requests: list[Parser]
    will_close: bool
    close_when_flushed: bool
    refused = False
    _lingers_since: float | None = None

    @property
    def busy(self) -> bool:
        """Whether something is still to be answered, sent, or seen by the client."""
        return bool(
            self.requests
            or self.total_outbufs_len
            or self.close_when_flushed
            or self._lingers_since is not None
        )

    def waiting_for_client_s(self, now: float) -> float | None:
        """Return for how long the server has waited for the client; None if it does not wait.

        Args:
            now: by `time.time`, as waitress's own times are.
        """
        if self._lingers_since is not None:
            return now - self._lingers_since
        if self.busy or self.will_close:
            return None
        if self.request is not None:
            return time.monotonic() - self.request.begun_at
        return now - self.last_activity

    def owes_since(self, moment: float) -> bool:
        """Whether a request that had arrived before `moment` is still unanswered."""
        return any(request.received_at < moment for request in self.requests[:1])

    def refuse(self, error: Error) -> None:
        """Answer a request of which only a part has arrived."""
        with self.requests_lock:
            if self.request is None or self.requests or self.close_when_flushed:
                return
            self.request.error, self.request.received_at = error, time.monotonic()
            self.requests.append(self.request)
            self.request = None
        self.server.add_task(self)

    def close_if_slow(self, now: float) -> None:
        """Close the connection, or refuse its request, when its time is over."""
        silent_s = now - self.last_activity
        if self._lingers_since is not None:
            self.will_close |= now - self._lingers_since > UPLOAD_S or silent_s > IDLE_S
        elif self.request is not None:
            if silent_s > IDLE_S or time.monotonic() - self.request.begun_at > UPLOAD_S:
                self.refuse(BadRequest("the request took too long to arrive"))
        elif not self.requests and silent_s > IDLE_S:
            self.will_close = True

    def send_continue(self) -> None:
        """Ask for the body, unless the request is already refused or has none."""
        if self.request and not self.request.completed:
            super().send_continue()

    def received(self, data: bytes) -> bool:
        """Take bytes of the client; after a refusal drop them."""
        if self._lingers_since is not None:
            return False
        try:
            return super().received(data)
        except OSError:  # the disk is full
            self.refuse(Unavailable("unavailable"))
            return False

    def handle_write(self) -> None:
        """Send what is ready; after the last byte close, or linger."""
        # Read before sending: a thread that refuses may set it at any moment.
        last = self.close_when_flushed
        self._flush_exception(self._flush_some_if_lockable if self.requests else self._flush_some)
        if last and not self.total_outbufs_len:
            self.close_when_flushed = False
            if self.refused and not self.will_close:
                self._linger()
            else:
                self.will_close = True
        if self.will_close:
            self.handle_close()

    def _linger(self) -> None:
        """Shut our side only, and wait for the client to close."""
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:  # the client has gone
            self.handle_close()
        else:
            self._lingers_since = time.time()
