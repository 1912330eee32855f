"""Decoding by ffmpeg, called by us on bytes that nobody vouches for.

The demuxer is the one sniffed, so that no playlist is ever followed; the only
protocol is the file that we wrote. That file is seekable: an mp4 with its index at
the end decodes to nothing from a pipe.
"""

import functools
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ser.errors import Damaged, DecoderTimeout, DecoderUnavailable, NoAudio
from ser.sniff import Container

_NO_AUDIO_MESSAGES = ("does not contain any stream", "matches no streams")


@dataclass(frozen=True)
class Decoded:
    """What ffmpeg made of a file: float32 mono samples, and whether it complained."""

    samples: np.ndarray
    complained: bool


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


def decode(
    data: bytes, container: Container, *, rate: int, max_seconds: float, timeout_s: float
) -> Decoded:
    """Decode the first audio stream of `data` to mono.

    Args:
        data: the whole file.
        container: what `data` was sniffed to be.
        rate: sample rate to resample to, in Hz.
        max_seconds: decode no more than this.
        timeout_s: wall-clock limit, in seconds.

    Returns:
        samples of shape (n,), float32, at `rate`.

    Raises:
        NoAudio, Damaged: nothing can be decoded.
        DecoderTimeout, DecoderUnavailable: the fault is not the file's.
    """
    try:
        with tempfile.TemporaryDirectory(prefix="ser-") as folder:
            source = Path(folder, "input")
            source.write_bytes(data)
            done = subprocess.run(
                _argv(source, container, rate=rate, max_seconds=max_seconds),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=timeout_s,
                check=False,
            )
    except subprocess.TimeoutExpired as error:
        raise DecoderTimeout(f"decoding took more than {timeout_s:g} s") from error
    except OSError as error:
        raise DecoderUnavailable("the decoder could not be started") from error
    if done.returncode < 0 or done.returncode == 255:  # ffmpeg answers a signal with 255
        raise DecoderUnavailable("the decoder was stopped before it was done")
    samples = np.frombuffer(done.stdout[: len(done.stdout) // 4 * 4], dtype="<f4")
    complaints = done.stderr.decode("utf-8", "replace").strip()
    if not samples.size:
        if not complaints or any(message in complaints for message in _NO_AUDIO_MESSAGES):
            raise NoAudio("the file holds no audio")
        raise Damaged(f"the file looks like {container.demuxer}, but no audio can be read from it")
    return Decoded(samples, complained=bool(complaints) or done.returncode != 0)


def _argv(source: Path, container: Container, *, rate: int, max_seconds: float) -> list[str]:
    return [
        ffmpeg_path(), "-nostdin", "-hide_banner", "-loglevel", "error",
        "-threads", "1", "-protocol_whitelist", "file",
        *(["-ignore_length", "1"] if container.demuxer == "wav" else []),
        "-f", container.demuxer, "-i", f"file:{source}",
        "-map", "0:a:0", "-vn", "-sn", "-dn", "-t", f"{max_seconds:.3f}",
        "-ac", "1", "-ar", str(rate), "-f", "f32le", "-acodec", "pcm_f32le", "pipe:1",
    ]  # fmt: skip
