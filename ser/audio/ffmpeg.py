"""ffmpeg in a box: it decodes bytes that nobody vouches for.

The demuxer is the one sniffed, so that no playlist is ever followed, and only audio
decoders may be opened. The file has no name: it is ffmpeg's standard input, which is
seekable (an mp4 with its index at the end decodes to nothing from a pipe), so nothing is
left behind whatever ends us. The child has limits on CPU time and memory from its first
instruction, none of our environment, and can write nothing but its two pipes.
"""

import functools
import logging
import os
import selectors
import shutil
import signal
import struct
import subprocess
import tempfile
from collections.abc import Iterator
from types import TracebackType
from typing import Self

import numpy as np

from ser.audio.containers import Container
from ser.audio.limits import MEMORY_BYTES, Limits
from ser.errors import (
    Damaged,
    DecoderUnavailable,
    NoAudio,
    TooComplex,
    UnsupportedFormat,
)

log = logging.getLogger(__name__)

_MESSAGE_BYTES = 16_384  # of its messages that are kept
_PIPE_BYTES = 262_144  # fewer turns than with Linux's 64 KB
_AU_HEADER = 24  # bytes

# Set before ffmpeg's first instruction: `preexec_fn` is not safe in a process with
# threads, and `prlimit` from outside would come a moment late, and on Linux only.
_BOX = 'for l in "$1" "$2" "$3" "$4"; do ulimit $l 2>/dev/null; done; shift 4; exec "$@"'

_DECODERS = (
    "aac", "aac_latm", "ac3", "adpcm_g722", "adpcm_g726", "adpcm_ima_qt", "adpcm_ima_wav",
    "adpcm_ms", "adpcm_swf", "adpcm_yamaha", "alac", "amrnb", "amrwb", "ape", "eac3", "flac",
    "gsm", "gsm_ms", "libopus", "libspeex", "libvorbis", "mp1", "mp1float", "mp2", "mp2float",
    "mp3", "mp3float", "nellymoser", "opus", "pcm_alaw", "pcm_bluray", "pcm_dvd", "pcm_f32be",
    "pcm_f32le", "pcm_f64be", "pcm_f64le", "pcm_mulaw", "pcm_s16be", "pcm_s16be_planar",
    "pcm_s16le", "pcm_s16le_planar", "pcm_s24be", "pcm_s24le", "pcm_s24le_planar", "pcm_s32be",
    "pcm_s32le", "pcm_s32le_planar", "pcm_s8", "pcm_s8_planar", "pcm_u16be", "pcm_u16le",
    "pcm_u8", "speex", "vorbis", "wmalossless", "wmapro", "wmav1", "wmav2", "wmavoice",
)  # fmt: skip

_NOT_LISTED = "not on whitelist"  # of the video's decoder, too: no complaint
_NO_AUDIO = ("does not contain any stream", "matches no streams")
_NO_MEMORY = ("Cannot allocate memory", "pthread_create() failed")
_STOPPED = (255, -signal.SIGTERM, -signal.SIGINT, -signal.SIGHUP)  # 255: it was, and said so
_NOT_STARTED = (126, 127)  # the shell's: cannot be executed, cannot be found


@functools.cache
def ffmpeg_path() -> str:
    """Return the ffmpeg to call: the system's, else the one inside imageio-ffmpeg.

    Raises:
        DecoderUnavailable: there is neither.
    """
    if found := shutil.which("ffmpeg"):
        return found
    import imageio_ffmpeg

    try:
        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError as error:
        raise DecoderUnavailable(
            "ffmpeg is missing: install it, or `pip install imageio-ffmpeg`"
        ) from error


class Decoding:
    """The first audio stream of a file, while ffmpeg decodes it; used in a `with` block.

    Attributes:
        rate: of the stream, in Hz; to be checked, as `channels`, before `blocks` is called.
        channels: of the stream.

    Args:
        data: the whole file.
        container: what `data` was sniffed to be.
        limits: of what may be spent on it.

    Raises:
        AudioError: nothing can be decoded, or not within the limits of the box.
        DecoderTimeout, DecoderUnavailable: the fault is not the file's.
    """

    def __init__(self, data: bytes, container: Container, limits: Limits) -> None:
        self._container, self._limits = container, limits
        self._messages = b""
        self._frames = 0
        self._process = _start(_argv(container, limits), data)
        try:
            self._pieces = self._read()
            # An AU file: magic, where the samples begin, their size, kind, rate, channels.
            self._buffer = bytearray()
            self._fill(_AU_HEADER)
            start, _, _, self.rate, self.channels = struct.unpack_from(">5I", self._buffer, 4)
            self._fill(start)
            del self._buffer[:start]
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End ffmpeg, if it still runs, with all that it may have started."""
        with self._process:  # closes the pipes, and waits
            if self._process.poll() is None:
                os.killpg(self._process.pid, signal.SIGKILL)

    @property
    def complained(self) -> bool:
        """Whether ffmpeg has found fault with the file so far."""
        return any(_NOT_LISTED not in line for line in self._lines()) or bool(
            self._process.returncode
        )

    def blocks(self) -> Iterator[np.ndarray]:
        """Yield the samples: shape (n, channels), float32, at `rate`; 1.0 is full scale."""
        size = 4 * self.channels
        while True:
            whole = len(self._buffer) // size * size
            if whole:
                block = np.frombuffer(self._buffer[:whole], ">f4")
                del self._buffer[:whole]
                self._frames += whole // size
                yield block.astype(np.float32).reshape(-1, self.channels)
            piece = next(self._pieces, None)
            if piece is None:
                break
            self._buffer += piece
        self._judge()

    def _fill(self, wanted: int) -> None:
        while len(self._buffer) < wanted:
            piece = next(self._pieces, None)
            if piece is None:
                self._judge()
                raise Damaged(self._nothing())
            self._buffer += piece

    def _read(self) -> Iterator[bytes]:
        """Yield what ffmpeg writes until it ends; keep the first of its messages."""
        output, messages = self._process.stdout, self._process.stderr
        assert output is not None  # noqa: S101 - for mypy: both are pipes
        assert messages is not None  # noqa: S101
        with selectors.DefaultSelector() as selector:
            selector.register(output, selectors.EVENT_READ)
            selector.register(messages, selectors.EVENT_READ)
            while selector.get_map():
                for key, _ in selector.select(self._limits.time_left()):
                    piece = os.read(key.fd, _PIPE_BYTES)
                    if not piece:
                        selector.unregister(key.fileobj)
                    elif key.fileobj is output:
                        yield piece
                    else:
                        self._messages = (self._messages + piece)[:_MESSAGE_BYTES]

    def _judge(self) -> None:
        """Raise the error that ffmpeg's end means, if any; what was read is whole, if not."""
        status = self._process.wait()
        text = "\n".join(self._lines())
        if status in _STOPPED:
            raise DecoderUnavailable("the decoder was stopped before it was done")
        if status in _NOT_STARTED:
            log.error("the decoder does not start: %s", text)
            raise DecoderUnavailable("the decoder could not be started")
        # The AAC decoder says "no memory" of a damaged frame, too, and goes on.
        no_memory = status and any(words in text for words in _NO_MEMORY)
        # It is the limit on CPU time that kills, or a machine that has no memory left.
        if status == -signal.SIGKILL or no_memory:
            raise TooComplex("decoding this file takes more time or memory than is allowed")
        if status < 0:
            log.warning("ffmpeg ended by signal %d", -status)
            raise Damaged(self._nothing())
        if self._frames:
            return
        if any(words in text for words in _NO_AUDIO) or not self.complained:
            raise NoAudio("the file holds no audio")
        if _NOT_LISTED in text and "opening decoder" in text:
            codec = text.rpartition("Codec (")[2].partition(")")[0]
            raise UnsupportedFormat(f"audio of the kind {codec!r}; no decoder for it is allowed")
        raise Damaged(self._nothing())

    def _lines(self) -> list[str]:
        return self._messages.decode("utf-8", "replace").splitlines()

    def _nothing(self) -> str:
        return f"the file looks like {self._container.demuxer}, but no audio can be read from it"


def _start(argv: list[str], data: bytes) -> subprocess.Popen[bytes]:
    try:
        with tempfile.TemporaryFile(prefix="ser-") as source:
            source.write(data)
            source.seek(0)
            return subprocess.Popen(
                argv,
                stdin=source,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                pipesize=_PIPE_BYTES,
                cwd="/",
                # One arena: each further one reserves address space for a thread.
                env={"MALLOC_ARENA_MAX": "1"}
                | {k: os.environ[k] for k in ("LD_LIBRARY_PATH",) if k in os.environ},
                start_new_session=True,
            )
    except OSError as error:
        log.error("the decoder could not be started: %s", error)
        raise DecoderUnavailable("the decoder could not be started") from error


def _argv(container: Container, limits: Limits) -> list[str]:
    # A second more than wanted tells a file at the limit from a longer one.
    seconds = f"{limits.max_seconds + 1:.3f}"
    box = [f"-t {limits.cpu_s}", f"-v {MEMORY_BYTES // 1024}", "-f 0", "-c 0"]
    return [
        "/bin/sh", "-c", _BOX, "sh", *box,
        ffmpeg_path(), "-nostdin", "-hide_banner", "-loglevel", "repeat+error", "-threads", "1",
        "-protocol_whitelist", "file", "-format_whitelist", container.demuxer,
        "-codec_whitelist", ",".join(_DECODERS),
        *(["-ignore_length", "1"] if container.demuxer == "wav" else []),
        "-f", container.demuxer, "-i", "file:/dev/stdin",
        "-map", "0:a:0", "-vn", "-sn", "-dn", "-t", seconds, "-map_metadata", "-1",
        # Neither resampled nor mixed: who reads it sees what it is before doing that.
        "-f", "au", "-c:a", "pcm_f32be", "pipe:1",
    ]  # fmt: skip
