"""Requests with the answer that the table of bad input gives them, and how to send them."""

import functools
import http.client
import json
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from ser.web.errors import ERRORS
from tests import files, synth

# The settings of a server that takes small files only, and its limit in bytes.
SMALL = {"SER_MAX_UPLOAD_MB": "1"}
LIMIT = 1_000_000
EDGE = "an-edge"
FORM = {"Content-Type": f"multipart/form-data; boundary={EDGE}"}
WAV = {"Content-Type": "audio/wav"}


@dataclass(frozen=True)
class Request:
    """What is sent, and which status and code (of an error, or "ok") is to come."""

    name: str
    status: int
    code: str
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    method: str = "POST"
    path: str = "/predict"
    chunked: bool = False


@dataclass(frozen=True)
class Answer:
    """What came back, and when by `time.monotonic` the request had been sent."""

    status: int
    code: str
    headers: dict[str, str]
    body: dict
    sent_at: float
    seconds: float


def part(data: bytes, *, field_name: str = "file", name: str | None = "clip.wav") -> bytes:
    """Return a part of a form."""
    filename = "" if name is None else f'; filename="{name}"'
    head = f'--{EDGE}\r\nContent-Disposition: form-data; name="{field_name}"{filename}\r\n\r\n'
    return head.encode() + data + b"\r\n"


def form(*parts: bytes) -> bytes:
    """Return the body of a form."""
    return b"".join(parts) + f"--{EDGE}--\r\n".encode()


@functools.cache
def good_requests() -> tuple[Request, ...]:
    """Return voices that are told apart, some long, one for ffmpeg to decode."""
    voices = [synth.voice(s, pitch=90 + 30 * s, seed=s) for s in (1, 2, 3, 12)]
    clip = synth.wav(voices[1])
    return (
        *(Request(f"voice {i}", 200, "ok", synth.wav(v), WAV) for i, v in enumerate(voices)),
        Request("voice in a form", 200, "ok", form(part(synth.wav(voices[0]))), FORM),
        *(
            Request(f"voice in a file named {name}", 200, "ok", form(part(clip, name=name)), FORM)
            for name in (None, "")
        ),
        Request("voice in an m4a", 200, "ok", files.encoded("m4a"), {"Content-Type": "audio/mp4"}),
        Request(
            "several files, some of them bad",
            200,
            "ok",
            form(*(part(data) for data in (clip, b"hello " * 99, files.encoded("m4a"), clip[:44]))),
            FORM,
        ),
        Request(
            "two channels", 200, "ok", stereo(*voices[1:3]), WAV, path="/predict?channels=separate"
        ),
        Request(
            "voice with captions",
            200,
            "ok",
            form(part(synth.wav(voices[3])), part(CAPTIONS, field_name="cues", name="a.srt")),
            FORM,
        ),
    )


CAPTIONS = b"1\n00:00:00,500 --> 00:00:04,000\nOne\n\n2\n00:00:04,000 --> 00:00:09,000\nTwo\n"


def stereo(*channels: np.ndarray) -> bytes:
    """Return a WAV of channels; shorter ones end in silence."""
    n = max(len(samples) for samples in channels)
    return synth.wav(np.stack([np.pad(x, (0, n - len(x))) for x in channels], axis=1))


def bad_requests() -> list[Request]:
    """Return what a server of `SMALL` refuses by HTTP, and some of it by its content."""
    clip = synth.wav(synth.voice(0.5))
    large = clip + bytes(LIMIT)
    field = part(b"", field_name="a", name=None)
    foreign = {"Origin": "https://elsewhere.example"}
    ours = {"Host": "emotion.example:8000"}
    return [
        Request("no file", 400, "bad_request", form(), FORM),
        Request("another field", 400, "bad_request", form(part(clip, field_name="a")), FORM),
        Request("no file chosen", 400, "bad_request", form(part(b"", name="")), FORM),
        Request("two files on the page", 400, "bad_request", form(part(clip), part(clip)), FORM,
                path="/"),
        Request("two files as captions", 400, "bad_request", form(part(clip), part(clip)), FORM,
                path="/predict?format=vtt"),
        Request("too many files", 400, "bad_request", form(*[part(b"x")] * 33), FORM),
        Request("several over the limit", 413, "too_large",
                form(*[part(large[: LIMIT // 2])] * 3), FORM),
        Request("unreadable captions", 400, "bad_request",
                form(part(clip), part(b"hello", field_name="cues")), FORM),
        Request("an unknown form", 400, "bad_request", clip, WAV, path="/predict?format=docx"),
        Request("unknown channels", 400, "bad_request", clip, WAV, path="/predict?channels=left"),
        Request("a broken form", 400, "bad_request", part(clip)[:200], FORM),
        Request("a form without its edge", 400, "bad_request", form(part(clip)), WAV | {
            "Content-Type": "multipart/form-data"}),
        Request("JSON", 400, "bad_request", b"{}", {"Content-Type": "application/json"}),
        Request("no type", 400, "bad_request", clip),
        Request("no body", 400, "bad_request"),
        Request("0 bytes", 400, "empty_file", b"", WAV),
        Request("0 bytes in a form", 400, "empty_file", form(part(b"")), FORM),
        Request("a negative length", 400, "bad_request", b"", WAV | {"Content-Length": "-1"}),
        Request("a broken header", 400, "bad_request", b"", {"Na me": "x"}),
        Request("long headers", 400, "bad_request", b"", {"X-Long": "x" * 70_000}),
        Request("an unknown coding", 400, "bad_request", b"", {"Transfer-Encoding": "gzip"}),
        Request("over the limit", 413, "too_large", large, WAV),
        Request("over the limit, chunked", 413, "too_large", large, WAV, chunked=True),
        Request("over the limit, in a form", 413, "too_large", form(part(large)), FORM),
        Request("far over the limit", 413, "too_large", large * 20, WAV),
        Request("far over the limit, chunked", 413, "too_large", large * 20, WAV, chunked=True),
        Request("too many fields", 413, "too_large", form(*[field] * 50), FORM),
        Request("text", 415, "unsupported_media", b"hello " * 99, WAV),
        Request("header only", 422, "no_audio", clip[:44], WAV),
        Request("too short", 422, "too_short", synth.wav(synth.voice(0.1)), WAV),
        Request("silence", 422, "silent", synth.wav(0 * synth.voice(1.0)), WAV),
        Request("a foreign page", 403, "cross_origin", clip, WAV | foreign),
        Request("a foreign form", 403, "cross_origin", form(part(clip)), FORM | foreign, path="/"),
        Request("no page", 403, "cross_origin", clip, WAV | {"Origin": "null"}),
        Request("a foreign port", 403, "cross_origin", clip, WAV | ours | {
            "Origin": "http://emotion.example"}),
        Request("a foreign site", 403, "cross_origin", clip, WAV | {
            "Sec-Fetch-Site": "cross-site"}),
        Request("an unknown path", 404, "not_found", clip, WAV, path="/nothing"),
        Request("two slashes", 404, "not_found", method="GET", path="/static//style.css"),
        Request("out of the folder", 404, "not_found", method="GET", path="/static/../app.py"),
        Request("a wrong method", 405, "method_not_allowed", method="GET"),
        Request("PUT", 405, "method_not_allowed", clip, WAV, method="PUT", path="/"),
        Request("OPTIONS", 405, "method_not_allowed", method="OPTIONS", path="/health"),
    ]  # fmt: skip


def send(port: int, request: Request, *, timeout_s: float = 60) -> Answer:
    """Send a request on a connection of its own.

    Raises:
        OSError, http.client.HTTPException: there is no answer.
    """
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout_s)
    start = time.monotonic()
    try:
        body = _pieces(request.body) if request.chunked else request.body or None
        connection.request(request.method, request.path, body, request.headers)
        sent_at = time.monotonic()
        response = connection.getresponse()
        data = json.loads(response.read())
    finally:
        connection.close()
    code = data["error"]["code"] if response.status >= 400 else "ok"
    seconds = time.monotonic() - start
    return Answer(response.status, code, dict(response.headers), data, sent_at, seconds)


def _pieces(body: bytes) -> Iterator[bytes]:
    for start in range(0, len(body), 50_000):
        yield body[start : start + 50_000]


def raw(port: int, data: bytes) -> bytes:
    """Send bytes as they are, end, and return all that comes back."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: client.recv(65_536), b""))


def check_error(status: int, headers: dict, body: dict) -> None:
    """Assert the one form of an error."""
    error = body["error"]
    assert set(error) == {"code", "message", "request_id"}
    assert ERRORS[error["code"]][0] == status
    assert error["message"]
    assert headers["X-Request-Id"] == error["request_id"]
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert ("Retry-After" in headers) == (status == 503)
    assert ("Allow" in headers) == (status == 405)


def headers_of(head: bytes) -> dict[str, str]:
    """Return the headers of the head of an answer."""
    return dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
