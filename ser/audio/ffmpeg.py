"""One audio stream of a file, decoded by ffmpeg block by block."""

import logging
import os
import re
import selectors
import signal
import struct
from collections.abc import Iterator
from typing import Self

import numpy as np

from ser.audio import ffmpeg_process
from ser.audio.containers import Container
from ser.audio.ffmpeg_log import FfmpegLog
from ser.audio.limits import Limits
from ser.errors import Damaged, DecoderUnavailable, NoAudio, TooComplex, UnsupportedFormat

log = logging.getLogger(__name__)

_AU_HEADER = 24  # bytes

# Parts of ffmpeg's messages.
_NO_AUDIO = ("does not contain any stream", "matches no streams")
_OPENING = "opening decoder"
_CODEC = re.compile(r"Codec \((\w+)\)")
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


class Decoding:
    """One audio stream of a file, while ffmpeg decodes it; used in a `with` block.

    Attributes:
        rate: of the stream, in Hz; check it, and `channels`, before calling `blocks`.
        channels: of the stream.
        log: what ffmpeg says about the file; complete after the last block.

    Args:
        data: the whole file.
        container: the container that was detected in `data`.
        limits: how much may be spent on it.
        log: the log to write to, for what is said before an error, too.
        stream: index of the stream; None for the one that the file marks as default, or else
            the one with the most channels.
        fill_gaps: whether sound that begins late, or has a gap in its time stamps, gets silence
            there, as a player does it.
        ignore_length: whether the declared length of a WAV means nothing.

    Raises:
        AudioError: nothing can be decoded, or not within the limits.
        DecoderTimeout, DecoderUnavailable: the file is not at fault.
    """

    def __init__(
        self,
        data: bytes,
        container: Container,
        limits: Limits,
        *,
        log: FfmpegLog | None = None,
        stream: int | None = None,
        fill_gaps: bool = True,
        ignore_length: bool = False,
    ) -> None:
        self._container, self._limits = container, limits
        self.log = log or FfmpegLog()
        self._frames = 0
        chosen = [] if stream is None else ["-map", f"0:{stream}"]
        # Silence is added where the time stamps are more than 0.1 s ahead of the sound.
        filters = ["-af", "aresample=async=1:first_pts=0"] if fill_gaps else []
        length = ["-ignore_length", "1"] if ignore_length else []
        self._process = ffmpeg_process.start(
            ffmpeg_process.command_line(container, limits, length, [*chosen, *filters]), data
        )
        try:
            self._chunks = self._read()
            # An AU file: magic, offset of the samples, their size, encoding, rate, channels.
            self._buffer = bytearray()
            self._fill(_AU_HEADER)
            start, _, _, self.rate, self.channels = struct.unpack_from(">5I", self._buffer, 4)
            self._fill(start)
            del self._buffer[:start]
            self.log.rate = self.rate
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
        """Yield ffmpeg's output until it ends; read its messages meanwhile."""
        output, messages = self._process.stdout, self._process.stderr
        assert output is not None  # noqa: S101 - for mypy: both are pipes
        assert messages is not None  # noqa: S101
        with selectors.DefaultSelector() as selector:
            selector.register(output, selectors.EVENT_READ)
            selector.register(messages, selectors.EVENT_READ)
            while selector.get_map():
                for key, _ in selector.select(self._limits.time_left()):
                    chunk = os.read(key.fd, ffmpeg_process.PIPE_BYTES)
                    if not chunk:
                        selector.unregister(key.fileobj)
                    elif key.fileobj is output:
                        yield chunk
                    else:
                        self.log.add(chunk)
        self.log.close()

    def _check_end(self) -> None:
        """Wait for ffmpeg's end; raise the error that it means, unless the output is whole."""
        status = self._process.wait()
        _check_status(status, self.log.text)
        if self._frames:
            return
        text = self.log.text
        if any(words in text for words in _NO_AUDIO) or not (self.log.errors or status):
            raise NoAudio("the file holds no audio")
        for line in self.log.refused:
            if _OPENING in text and (codec := _CODEC.search(line)):
                raise UnsupportedFormat(
                    f"audio of the kind {codec[1]!r}; no decoder for it is allowed"
                )
        raise self._unreadable()

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
