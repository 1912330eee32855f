"""Every name of waitress that its documentation does not promise, in one place.

waitress's public `serve` has no setting for what this app needs: errors in the app's own form,
backpressure per connection, short uploads in memory, and a graceful shutdown. So `connection`
and `server` subclass its classes. A new version may move what they rely on;
`tests/web/test_waitress_internals.py` then names it.
"""

from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.buffers import OverflowableBuffer
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.receiver import ChunkedReceiver, FixedStreamReceiver
from waitress.server import BaseWSGIServer, TcpWSGIServer
from waitress.task import Task, ThreadedTaskDispatcher, WSGITask
from waitress.utilities import BadRequest, Error

__all__ = [
    "Adjustments",
    "BadRequest",
    "Error",
    "HTTPChannel",
    "HTTPRequestParser",
    "TcpWSGIServer",
    "ThreadedTaskDispatcher",
    "WSGITask",
    "wasyncore",
]

#: What is called, overridden or set, by class: methods and attributes of instances.
RELIED_ON: dict[type, tuple[str, ...]] = {
    HTTPChannel: (
        "_flush_exception", "_flush_some", "_flush_some_if_lockable", "adj", "close_when_flushed",
        "error_task_class", "handle_close", "handle_write", "last_activity", "parser_class",
        "received", "request", "requests", "requests_lock", "send_continue", "server",
        "task_class", "total_outbufs_len", "will_close",
    ),
    HTTPRequestParser: (
        "adj", "body_rcv", "completed", "content_length", "error", "parse_header", "received",
    ),
    FixedStreamReceiver: ("getbuf",),
    ChunkedReceiver: ("getbuf",),
    OverflowableBuffer: ("overflow",),
    Task: (
        "channel", "complete", "content_length", "request", "response_headers",
        "set_close_on_finish", "status", "write",
    ),
    WSGITask: ("execute", "get_environment"),
    BaseWSGIServer: (
        "_map", "active_channels", "add_task", "channel_class", "effective_port", "handle_accept",
        "maintenance", "readable", "trigger",
    ),
    TcpWSGIServer: ("pull_trigger",),
    ThreadedTaskDispatcher: ("add_task", "set_thread_count", "shutdown"),
    wasyncore.dispatcher: ("close",),
}  # fmt: skip
