"""waitress's side of one connection, so that whatever it refuses is answered in our form."""

import math
import socket
import time
import uuid
from typing import Any

from flask import json
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.task import WSGITask
from waitress.utilities import BadRequest, Error

from ser.web.errors import ERRORS
from ser.web.request_log import RECEIVED_AT, REFUSAL

IDLE_S = 30  # until a connection on which nothing comes is closed
UPLOAD_S = 300  # until an upload must be there, or what is left of a refused one is dropped
SHORT_BYTES = 2**20  # an upload of no more stays in memory: a file costs a millisecond or two
SHORT_AT_ONCE = 16  # that do, of all that are under way; the others are on disk


class Unavailable(Error):
    """A request that is refused for no fault of its own; `body` is our code for it."""

    code, reason = 503, "Service Unavailable"


class Parser(HTTPRequestParser):
    """Knows when its request came, and has what the app asks of one whose head is broken."""

    command, path, query, request_uri, url_scheme = "GET", "/", "", "/", "http"
    received_at = math.inf  # by `time.monotonic`

    def __init__(self, adj: Any) -> None:
        super().__init__(adj)
        self.begun_at = time.monotonic()

    def parse_header(self, header_plus: bytes) -> None:
        """Read the head, and see whether what follows may stay in memory."""
        super().parse_header(header_plus)
        in_memory = self.adj.short_uploads
        if 0 < self.content_length <= SHORT_BYTES and len(in_memory) < SHORT_AT_ONCE:
            self.body_rcv.getbuf().overflow = SHORT_BYTES + 1
            in_memory.add(self)

    def received(self, data: bytes) -> int:
        """Take what is ours of `data`."""
        taken = super().received(data)
        if self.completed:
            self.received_at = time.monotonic()
        return taken


class Task(WSGITask):
    """A request that the app answers."""

    def execute(self) -> None:
        """Answer; when the server is being stopped, the client shall go elsewhere then."""
        if self.channel.server.stopping:
            self.set_close_on_finish()
        super().execute()

    def get_environment(self) -> dict[str, Any]:
        """Return the WSGI environment, with when the request had come in."""
        environ = super().get_environment()
        environ[RECEIVED_AT] = self.request.received_at
        return environ


class Refusal(Task):
    """A request that waitress refuses: the app gives the answer."""

    def execute(self) -> None:
        """Answer, and read on until the client has seen it."""
        self.channel.refused = True
        self.set_close_on_finish()
        if self.request.error.code == 500:  # the app itself failed; it is not asked again
            self._answer_without_app()
        else:
            super().execute()

    def get_environment(self) -> dict[str, Any]:
        """Return the WSGI environment, with why the request is refused."""
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
    """A connection.

    One that is closed while its client still sends is reset by the kernel, and the client
    never sees why. So after a refusal only our side is shut, and what comes is dropped.
    """

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
        """Whether something is still to be answered, sent or seen."""
        return bool(
            self.requests
            or self.total_outbufs_len
            or self.close_when_flushed
            or self._lingers_since is not None
        )

    def kept_waiting_s(self, now: float) -> float | None:
        """Say how long the client has taken for a request, or to leave; None when it is our turn.

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
        """Whether a request that had come in before `moment` is still to be answered."""
        return any(request.received_at < moment for request in self.requests[:1])

    def refuse(self, error: Error) -> None:
        """Answer a request of which only a part has come."""
        with self.requests_lock:
            if self.request is None or self.requests or self.close_when_flushed:
                return
            self.request.error, self.request.received_at = error, time.monotonic()
            self.requests.append(self.request)
            self.request = None
        self.server.add_task(self)

    def give_up_if_slow(self, now: float) -> None:
        """Close the connection, or refuse its request, when its time is over."""
        silent_s = now - self.last_activity
        if self._lingers_since is not None:
            self.will_close |= now - self._lingers_since > UPLOAD_S or silent_s > IDLE_S
        elif self.request is not None:
            if silent_s > IDLE_S or time.monotonic() - self.request.begun_at > UPLOAD_S:
                self.refuse(BadRequest("the request took too long to come in"))
        elif not self.requests and silent_s > IDLE_S:
            self.will_close = True

    def send_continue(self) -> None:
        """Ask for the body, unless the request is already refused or has none."""
        if self.request and not self.request.completed:
            super().send_continue()

    def received(self, data: bytes) -> bool:
        """Take bytes of the client; after a refusal they are dropped."""
        if self._lingers_since is not None:
            return False
        try:
            return super().received(data)
        except OSError:  # no room on the disk for an upload
            self.refuse(Unavailable("unavailable"))
            return False

    def handle_write(self) -> None:
        """Send what is to be sent; after the last of it close, or linger."""
        # Looked at once, before sending: a thread may set it at any moment, having refused.
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
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:  # the client has gone
            self.handle_close()
        else:
            self._lingers_since = time.time()
