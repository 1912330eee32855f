"""ffmpeg as a child process with limits: it decodes untrusted input.

ffmpeg may use only the demuxer that was detected, so that it follows no playlist, and only
audio decoders. The file has no name, so that nothing is left behind however we end. It is
ffmpeg's standard input, which is seekable: an mp4 with its index at the end cannot be decoded
from a pipe. The child has limits on CPU time and memory from its first instruction, none of
our environment, and can write to its two pipes only.
"""

import functools
import importlib.util
import logging
import os
import selectors
import shutil
import signal
import struct
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import numpy as np

from ser.audio.containers import Container
from ser.audio.limits import MEMORY_BYTES, Limits
from ser.errors import Damaged, DecoderUnavailable, NoAudio, TooComplex, UnsupportedFormat

log = logging.getLogger(__name__)

_MESSAGE_BYTES = 16_384  # of ffmpeg's messages that are kept
_PIPE_BYTES = 262_144  # fewer reads than with Linux's 64 KB
_AU_HEADER = 24  # bytes

# A shell sets the limits before ffmpeg's first instruction: `preexec_fn` is not safe in a
# process with threads, and `prlimit` from outside comes too late and exists on Linux only.
_LIMITED = 'for l in "$1" "$2" "$3" "$4"; do ulimit $l 2>/dev/null; done; shift 4; exec "$@"'

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

# Parts of ffmpeg's messages.
_NOT_LISTED = "not on whitelist"  # it says so of a video's decoder too, which is no error
_NO_AUDIO = ("does not contain any stream", "matches no streams")
_NO_MEMORY = ("Cannot allocate memory", "pthread_create() failed")

# How the child can end: statuses, where a negative one is minus the number of a signal.
_NOT_STARTED = (126, 127)  # the shell's: the program cannot be executed, cannot be found
_STOPPED = (123, 255)  # ffmpeg's own, after a signal that it handles, such as SIGTERM
# The limit on CPU time kills, and so does a machine that has no memory left.
_OVER_LIMIT = (-signal.SIGKILL, -signal.SIGXCPU)
# A crash: an allocation over the limit that nobody checked, or a fault of ffmpeg. The file may
# be a good one, so this is not `damaged`; a second try would crash too, so this is no 503.
_CRASHED = (
    -signal.SIGSEGV, -signal.SIGBUS, -signal.SIGABRT, -signal.SIGFPE, -signal.SIGILL,
    -signal.SIGTRAP,
)  # fmt: skip


@functools.cache
def ffmpeg_path() -> str:
    """Return the ffmpeg to call: the one inside the package imageio-ffmpeg.

    The system's ffmpeg is used only where that package has no binary for the platform: what
    was tested is what serves.

    Raises:
        DecoderUnavailable: there is neither.
    """
    if path := _packaged_ffmpeg() or shutil.which("ffmpeg"):
        return path
    raise DecoderUnavailable(
        "ffmpeg is missing: `pip install imageio-ffmpeg`; where that package holds no ffmpeg "
        "for the platform, install ffmpeg"
    )


def _packaged_ffmpeg() -> str | None:
    # Not `imageio_ffmpeg.get_ffmpeg_exe`: it prefers what an environment variable names, and
    # falls back to any other ffmpeg. A wheel holds one binary; a source package holds none.
    package = importlib.util.find_spec("imageio_ffmpeg")
    if package is None or package.origin is None:
        return None
    return next(map(str, Path(package.origin).parent.glob("binaries/ffmpeg-*")), None)


class Decoding:
    """The first audio stream of a file, while ffmpeg decodes it; used in a `with` block.

    Attributes:
        rate: of the stream, in Hz; check it, and `channels`, before calling `blocks`.
        channels: of the stream.

    Args:
        data: the whole file.
        container: the container that was detected in `data`.
        limits: how much may be spent on it.

    Raises:
        AudioError: nothing can be decoded, or not within the limits.
        DecoderTimeout, DecoderUnavailable: the file is not at fault.
    """

    def __init__(self, data: bytes, container: Container, limits: Limits) -> None:
        self._container, self._limits = container, limits
        self._messages = b""
        self._frames = 0
        self._process = _start(_argv(container, limits), data)
        try:
            self._chunks = self._read()
            # An AU file: magic, offset of the samples, their size, encoding, rate, channels.
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

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """End ffmpeg, if it still runs, with all processes that it may have started."""
        with self._process:  # closes the pipes, and waits
            if self._process.poll() is None:
                os.killpg(self._process.pid, signal.SIGKILL)

    @property
    def reported_errors(self) -> bool:
        """Whether ffmpeg has reported an error in the file so far."""
        return any(_NOT_LISTED not in line for line in self._lines()) or bool(
            self._process.returncode
        )

    def blocks(self) -> Iterator[np.ndarray]:
        """Yield the samples: shape (n, channels), float32, at `rate`; 1.0 is full scale.

        Raises:
            AudioError, DecoderFault: ffmpeg did not finish: use nothing of what was yielded.
        """
        frame_bytes = 4 * self.channels
        while True:
            n = len(self._buffer) // frame_bytes
            if n:
                block = np.frombuffer(self._buffer[: n * frame_bytes], ">f4")
                del self._buffer[: n * frame_bytes]
                self._frames += n
                yield block.astype(np.float32).reshape(n, self.channels)
            chunk = next(self._chunks, None)
            if chunk is None:
                break
            self._buffer += chunk
        self._check_end()

    def _fill(self, n_bytes: int) -> None:
        while len(self._buffer) < n_bytes:
            chunk = next(self._chunks, None)
            if chunk is None:
                self._check_end()
                raise self._unreadable()
            self._buffer += chunk

    def _read(self) -> Iterator[bytes]:
        """Yield ffmpeg's output until it ends; keep the first of its messages."""
        output, messages = self._process.stdout, self._process.stderr
        assert output is not None  # noqa: S101 - for mypy: both are pipes
        assert messages is not None  # noqa: S101
        with selectors.DefaultSelector() as selector:
            selector.register(output, selectors.EVENT_READ)
            selector.register(messages, selectors.EVENT_READ)
            while selector.get_map():
                for key, _ in selector.select(self._limits.time_left()):
                    chunk = os.read(key.fd, _PIPE_BYTES)
                    if not chunk:
                        selector.unregister(key.fileobj)
                    elif key.fileobj is output:
                        yield chunk
                    else:
                        self._messages = (self._messages + chunk)[:_MESSAGE_BYTES]

    def _check_end(self) -> None:
        """Wait for ffmpeg's end; raise the error that it means, unless the output is whole."""
        status = self._process.wait()
        text = "\n".join(self._lines())
        _check_status(status, text)
        if self._frames:
            return
        if any(words in text for words in _NO_AUDIO) or not self.reported_errors:
            raise NoAudio("the file holds no audio")
        if _NOT_LISTED in text and "opening decoder" in text:
            codec = text.rpartition("Codec (")[2].partition(")")[0]
            raise UnsupportedFormat(f"audio of the kind {codec!r}; no decoder for it is allowed")
        raise self._unreadable()

    def _lines(self) -> list[str]:
        return self._messages.decode("utf-8", "replace").splitlines()

    def _unreadable(self) -> Damaged:
        demuxer = self._container.demuxer
        return Damaged(f"the file looks like {demuxer}, but no audio can be read from it")


def _check_status(status: int, text: str) -> None:
    """Raise unless ffmpeg came to its own end; `text` is what it wrote to stderr."""
    if status < 0:
        log.warning("ffmpeg ended by signal %d", -status)
    if status in _NOT_STARTED:
        log.error("the decoder does not start: %s", text)
        raise DecoderUnavailable("the decoder could not be started")
    # The AAC decoder also says "no memory" of a damaged frame, and goes on.
    no_memory = status and any(words in text for words in _NO_MEMORY)
    if status in _OVER_LIMIT or no_memory:
        raise TooComplex("decoding this file takes more time or memory than is allowed")
    if status in _CRASHED:
        raise TooComplex(
            "the decoder crashed: this file needs more memory than is allowed, or holds "
            "something that the decoder cannot handle"
        )
    if status < 0 or status in _STOPPED:
        raise DecoderUnavailable("the decoder was stopped before it was done")


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
    ulimits = [f"-t {limits.cpu_s}", f"-v {MEMORY_BYTES // 1024}", "-f 0", "-c 0"]
    return [
        "/bin/sh", "-c", _LIMITED, "sh", *ulimits,
        ffmpeg_path(), "-nostdin", "-hide_banner", "-loglevel", "repeat+error", "-threads", "1",
        "-protocol_whitelist", "file", "-format_whitelist", container.demuxer,
        "-codec_whitelist", ",".join(_DECODERS),
        *(["-ignore_length", "1"] if container.demuxer == "wav" else []),
        "-f", container.demuxer, "-i", "file:/dev/stdin",
        "-map", "0:a:0", "-vn", "-sn", "-dn", "-t", seconds, "-map_metadata", "-1",
        # Neither resampled nor mixed: the caller checks the rate and the channels first.
        "-f", "au", "-c:a", "pcm_f32be", "pipe:1",
    ]  # fmt: skip
