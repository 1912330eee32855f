"""waitress with limits, and a graceful shutdown: every request that arrived is answered."""

import socket
import time
from collections.abc import Callable, Sequence
from typing import Any

from flask import Flask

from ser.inference.model_loader import ModelLoader
from ser.web.connection import Channel, ConnectionSettings, Unavailable
from ser.web.prediction_queue import PredictionQueue
from ser.web.settings import Settings
from ser.web.supervisor import ConnectionCounts
from ser.web.waitress_internals import TcpWSGIServer, ThreadedTaskDispatcher, wasyncore

_SPARE_THREADS = 4  # for what is answered at once, while the others wait for predictions
_PROBES = {"/health", "/ready"}  # a platform ends an app that answers them late
_CONNECTIONS = 512
_SPARE_CONNECTIONS = 16  # of them, kept free by closing the slowest
_PATIENCE_S = 2  # a connection younger than that is not slow
_MEMORY_PER_UPLOAD = 65_536  # bytes of a long upload; the rest goes to disk
_RECEIVED_AT_ONCE = 131_072  # bytes
_HEADER_BYTES = 65_536
_TICK_S = 0.05
_LET_ACCEPT_S = 0.002  # for a less busy copy to accept first
# Shutdown: time on top of `SER_TIMEOUT_S` until running predictions are answered, then until the
# clients have read the answers. With the default it adds up to the 30 s that platforms give.
_ANSWER_S = 1
_FAREWELL_S = 2


class _Listener(TcpWSGIServer):
    channel_class = Channel
    stopping = False

    def __init__(
        self,
        *args: Any,
        probes: ThreadedTaskDispatcher,
        may_accept: Callable[[int], bool],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._probes = probes
        self._may_accept = may_accept

    def handle_accept(self) -> None:
        """Accept all waiting clients; waitress accepts one, then looks at every connection."""
        known = -1
        while known < len(self._map) < _CONNECTIONS and self._may_accept(len(self.active_channels)):
            known = len(self._map)
            super().handle_accept()

    def readable(self) -> bool:
        """Return whether to accept connections, and make room for them."""
        self._make_room()
        return super().readable()

    def _make_room(self) -> None:
        """Close the connections that have waited longest for their client, if few are left.

        A client that sends a byte now and then keeps its connection open for minutes. Enough of
        them would keep everybody else out.
        """
        wanted = len(self._map) - (_CONNECTIONS - _SPARE_CONNECTIONS)
        if wanted <= 0:
            return
        now = time.time()
        waits = [(c.waiting_for_client_s(now) or 0, c) for c in self.active_channels.values()]
        slow = sorted((w for w in waits if w[0] > _PATIENCE_S), key=lambda w: w[0], reverse=True)
        for _, channel in slow[:wanted]:
            channel.will_close = True

    def add_task(self, task: Channel) -> None:
        """Queue a request; a platform's probe does not wait behind the others."""
        if task.requests[0].path in _PROBES:
            self._probes.add_task(task)
        else:
            super().add_task(task)

    def maintenance(self, now: float) -> None:
        """Close slow and silent connections."""
        for channel in list(self.active_channels.values()):
            channel.close_if_slow(now)


class Server:
    """Serves an app on listening sockets, from `run` until `stop`."""

    def __init__(
        self,
        app: Flask,
        settings: Settings,
        sockets: Sequence[socket.socket],
        *,
        copy: int = 0,
        counts: ConnectionCounts | None = None,
    ) -> None:
        """Accept connections; `run` answers them.

        Args:
            sockets: listening, as `listen` returns them.
            copy: which of several copies this is.
            counts: the connections of all copies; None if this is the only one.
        """
        connection_settings = ConnectionSettings(
            threads=settings.threads + settings.queue + _SPARE_THREADS,
            ident=None,
            max_request_body_size=settings.max_body_bytes + 1,  # it refuses this size, too
            max_request_header_size=_HEADER_BYTES,
            inbuf_overflow=_MEMORY_PER_UPLOAD,
            recv_bytes=_RECEIVED_AT_ONCE,
            connection_limit=_CONNECTIONS,
            cleanup_interval=1,
            asyncore_use_poll=True,  # `select` ends at 1,024 files
            clear_untrusted_proxy_headers=False,  # the app ignores them unless told otherwise
            log_socket_errors=False,
        )
        self._copy, self._counts = copy, counts
        self._model: ModelLoader = app.extensions["model"]
        self._predictions: PredictionQueue = app.extensions["predictions"]
        self._work_s = settings.timeout_s + _ANSWER_S
        self._map: dict[int, wasyncore.dispatcher] = {}
        self._dispatcher, self._probes = ThreadedTaskDispatcher(), ThreadedTaskDispatcher()
        self._listeners = [
            _Listener(
                app,
                self._map,
                dispatcher=self._dispatcher,
                probes=self._probes,
                may_accept=self._may_accept,
                adj=connection_settings,
                _sock=listening,
                sockinfo=(listening.family, listening.type, 0, listening.getsockname()),
                bind_socket=False,
            )
            for listening in sockets
        ]
        self._dispatcher.set_thread_count(connection_settings.threads)
        self._probes.set_thread_count(1)
        self._stopped = False

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return int(self._listeners[0].effective_port)

    def stop(self) -> None:
        """Make `run` end; any thread or signal handler may call it."""
        if not self._stopped:
            self._stopped = True
            self._listeners[0].pull_trigger()

    def run(self) -> None:
        """Serve until stopped; then finish what had arrived, and turn the rest away."""
        while not self._stopped:
            self._serve(1)
        self._predictions.close()
        closed_at = time.monotonic()
        for listener in self._listeners:
            listener.stopping = True
        self._serve_while(lambda channel: channel.owes_since(closed_at), self._work_s)
        self._stop_listening()
        self._serve_while(lambda channel: channel.busy, _FAREWELL_S)
        wasyncore.close_all(self._map)
        for dispatcher in (self._dispatcher, self._probes):
            dispatcher.shutdown(timeout=_ANSWER_S)

    def _may_accept(self, connections: int) -> bool:
        """Return whether to accept a client, after a moment for a less busy copy to do so."""
        if self._counts is None:
            return True
        self._counts.set(self._copy, connections if self._model.predictor else None)
        if not self._counts.is_lowest(self._copy):
            time.sleep(_LET_ACCEPT_S)
        return self._stopped or not self._counts.is_loading_alone(self._copy)

    def _serve(self, timeout_s: float) -> None:
        wasyncore.loop(timeout=timeout_s, use_poll=True, map=self._map, count=1)

    def _serve_while(self, wanted: Callable[[Channel], bool], limit_s: float) -> None:
        """Serve while any connection is `wanted`, and until two ticks brought nothing new."""
        end = time.monotonic() + limit_s
        quiet = 0
        while quiet < 2 and time.monotonic() < end:
            self._serve(_TICK_S)
            for channel in self._channels():
                channel.refuse(Unavailable("shutting_down"))
            quiet = 0 if any(map(wanted, self._channels())) else quiet + 1

    def _channels(self) -> list[Channel]:
        return [c for listener in self._listeners for c in listener.active_channels.values()]

    def _stop_listening(self) -> None:
        for listener in self._listeners:
            listener.handle_accept()  # clients that are already connected are served
            # Not `listener.close()`: that would also close what wakes this loop up.
            wasyncore.dispatcher.close(listener)
