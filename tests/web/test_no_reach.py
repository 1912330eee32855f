"""Nothing that a stranger uploads makes the server open a connection or another file."""

import ctypes
import os
import socket
import struct
import subprocess
from pathlib import Path

import pytest

from ser.audio import ffmpeg_path
from tests import synth
from tests.files import box_at, encoded, made_by_ffmpeg
from tests.web.test_bad_input import post, post_named

_IN_OPEN_OR_ACCESS = 0x21  # of <sys/inotify.h>
EXTENSIONS = (
    "m3u8", "mpd", "ffconcat", "txt", "sdp", "svg", "wav", "mp3", "flac", "ogg", "m4a", "mp4",
    "mov", "webm", "mkv", "avi", "aac", "ts", "jpg", "html", "",
)  # fmt: skip


class Trap:
    """A listener on loopback and a canary file, which know whether they were touched."""

    def __init__(self, folder: Path) -> None:
        self.canary = folder / "canary.wav"
        self.canary.write_bytes(synth.wav(synth.voice(1.0)))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setblocking(False)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/canary.wav"
        libc = ctypes.CDLL(None, use_errno=True)
        self._inotify = libc.inotify_init1(os.O_NONBLOCK)
        assert libc.inotify_add_watch(self._inotify, bytes(self.canary), _IN_OPEN_OR_ACCESS) >= 0

    def connections(self) -> int:
        count = 0
        while True:
            try:
                self._listener.accept()[0].close()
            except BlockingIOError:
                return count
            count += 1

    def reads(self) -> int:
        """Return how often the canary was opened or read since the last call."""
        try:
            return len(os.read(self._inotify, 65_536))
        except BlockingIOError:
            return 0

    def close(self) -> None:
        os.close(self._inotify)
        self._listener.close()


@pytest.fixture
def trap(tmp_path):
    trap = Trap(tmp_path)
    yield trap
    trap.close()


def hls(target: str) -> bytes:
    return f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{target}\n#EXT-X-ENDLIST\n".encode()


def ffconcat(target: str) -> bytes:
    return f"ffconcat version 1.0\nfile '{target}'\n".encode()


def _dash(target: str) -> bytes:
    return (
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
        'mediaPresentationDuration="PT9S" profiles="urn:mpeg:dash:profile:isoff-main:2011">'
        '<Period><AdaptationSet mimeType="audio/mp4"><Representation id="0" bandwidth="9">'
        f"<BaseURL>{target}</BaseURL></Representation></AdaptationSet></Period></MPD>"
    ).encode()


def _sdp(target: str) -> bytes:
    lines = ("v=0", "o=- 0 0 IN IP4 127.0.0.1", "c=IN IP4 127.0.0.1", f"u={target}")
    return "\n".join((*lines, "m=audio 9 RTP/AVP 0", "")).encode()


def _svg(target: str) -> bytes:
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">'
        f'<image xlink:href="{target}" width="9" height="9"/></svg>'
    ).encode()


def _mp4(target: str) -> bytes:
    """Return an MP4 whose samples are said to lie at `target`: its data reference is a URL."""
    data = encoded("m4a")  # its index is last: no sample moves when that grows
    *parents, reference = box_at(data, (b"moov", b"trak", b"mdia", b"minf", b"dinf", b"dref"))
    entry = target.encode() + b"\0"
    entry = struct.pack(">I4sI", 12 + len(entry), b"url ", 0) + entry
    (size,) = struct.unpack_from(">I", data, reference)
    grown = struct.pack(">I4sII", 16 + len(entry), b"dref", 0, 1) + entry
    changed = bytearray(data[:reference] + grown + data[reference + size :])
    for parent in parents:
        (old,) = struct.unpack_from(">I", changed, parent)
        struct.pack_into(">I", changed, parent, old + len(grown) - size)
    return bytes(changed)


def _mp4_alias(target: str) -> bytes:
    """Return an MP4 with a reference of QuickTime's kind, which names a path."""
    return _mp4(target).replace(b"url \0\0\0\0", b"alis\0\0\0\0")


def _avi(target: str) -> bytes:
    """Return an AVI that carries a playlist as its subtitles (GAB2)."""
    data = encoded("avi")
    gab2 = b"GAB2\0" + struct.pack("<HIHI", 2, 0, 4, len(hls(target))) + hls(target)
    chunk = b"01tx" + struct.pack("<I", len(gab2)) + gab2
    at = data.index(b"movi") + 4
    return data[:at] + chunk + bytes(len(chunk) % 2) + data[at:]


HOSTILE = {
    "HLS": hls,
    "HLS of a variant": lambda target: (
        b"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=9\n" + target.encode()
    ),
    "HLS with a key": lambda target: (
        b'#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI="%s"\n#EXTINF:9,\nx\n' % target.encode()
    ),
    "DASH": _dash,
    "ffconcat": ffconcat,
    "concat": lambda target: f"file '{target}'\n".encode(),
    "SDP": _sdp,
    "SVG": _svg,
    "M3U of a player": lambda target: target.encode() + b"\n",
    "HLS behind an ID3 tag": lambda target: b"ID3\x04\0\0\0\0\0\0" + hls(target),
    "mp4 with a URL": _mp4,
    "mp4 with an alias": _mp4_alias,
    "AVI with a playlist": _avi,
    "playlist in a WAV": lambda target: b"RIFF\0\1\0\0WAVE" + hls(target),
    "playlist in a Matroska": lambda target: encoded("mkv")[:200] + hls(target),
}
MEDIA = {"mp4 with a URL", "mp4 with an alias", "AVI with a playlist"}
DAMAGED = {"playlist in a WAV", "playlist in a Matroska"}


def test_the_trap_works(trap, tmp_path):
    """An ffmpeg that is not in a box does go for both."""
    for number, (text, options) in enumerate([
        (hls(trap.url), ["-f", "hls", "-protocol_whitelist", "file,http,tcp"]),
        (ffconcat(str(trap.canary)), ["-f", "concat", "-safe", "0"]),
    ]):  # fmt: skip
        path = tmp_path / str(number)
        path.write_bytes(text)
        command = [ffmpeg_path(), "-loglevel", "quiet", "-rw_timeout", "500000", *options]
        subprocess.run([*command, "-i", path, "-f", "null", "-"], check=False, timeout=60)
    assert trap.connections() > 0
    assert trap.reads() > 0


@pytest.mark.parametrize("name", HOSTILE)
def test_nothing_outside_the_upload_is_touched(server, trap, name):
    allowed = {(415, "unsupported_media")}
    if name in MEDIA | DAMAGED:
        allowed = {(422, "damaged"), (422, "no_audio")} | ({(200, "")} if name in MEDIA else set())
    targets = [trap.url, str(trap.canary), f"file:{trap.canary}", f"concat:{trap.canary}"]
    for target in targets:
        status, answer = post(server, HOSTILE[name](target))
        assert (status, answer.get("error", {}).get("code", "")) in allowed, answer
    for extension in EXTENSIONS:
        status, answer = post_named(server, HOSTILE[name](trap.url), f"x.{extension}".encode())
        assert (status, answer.get("error", {}).get("code", "")) in allowed, (extension, answer)
    assert (trap.connections(), trap.reads()) == (0, 0)


def test_a_real_file_beside_the_canary_is_not_read_either(server, trap):
    """The upload is decoded from an unnamed file: relative references lead nowhere."""
    for target in ("canary.wav", "../canary.wav", "/dev/stdin", "stdin"):
        post(server, _mp4(target))
        post(server, hls(target))
    assert made_by_ffmpeg("wav", source=_mp4("x"))  # the MP4 itself is a good one
    assert (trap.connections(), trap.reads()) == (0, 0)
