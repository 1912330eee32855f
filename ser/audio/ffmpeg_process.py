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
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from ser.audio.containers import Container
from ser.audio.limits import MEMORY_BYTES, Limits
from ser.errors import DecoderUnavailable

log = logging.getLogger(__name__)

PIPE_BYTES = 262_144  # fewer reads than with Linux's 64 KB

# A shell sets the limits before ffmpeg's first instruction: `preexec_fn` is not safe in a
# process with threads, and `prlimit` from outside comes too late and exists on Linux only.
_LIMITED = 'for l in "$1" "$2" "$3" "$4"; do ulimit $l 2>/dev/null; done; shift 4; exec "$@"'

DECODERS = (
    "aac", "aac_latm", "ac3", "adpcm_ct", "adpcm_ima_qt", "adpcm_ima_wav", "adpcm_ms",
    "adpcm_sbpro_2", "adpcm_sbpro_3", "adpcm_sbpro_4", "adpcm_swf", "adpcm_yamaha", "alac",
    "amrnb", "amrwb", "ape", "atrac3", "cook", "dca", "eac3", "flac", "g722", "g723_1", "g726",
    "g726le", "g729", "gsm", "gsm_ms", "ilbc", "libopus", "libvorbis", "mlp", "mp1",
    "mp1float", "mp2", "mp2float", "mp3", "mp3float", "nellymoser", "opus", "pcm_alaw",
    "pcm_bluray", "pcm_dvd", "pcm_f32be", "pcm_f32le", "pcm_f64be", "pcm_f64le", "pcm_mulaw",
    "pcm_s16be", "pcm_s16be_planar", "pcm_s16le", "pcm_s16le_planar", "pcm_s24be", "pcm_s24le",
    "pcm_s24le_planar", "pcm_s32be", "pcm_s32le", "pcm_s32le_planar", "pcm_s8", "pcm_s8_planar",
    "pcm_u16be", "pcm_u16le", "pcm_u8", "qcelp", "real_144", "real_288", "s302m", "shorten", "sipr",
    "speex", "truehd", "truespeech", "tta", "vorbis", "wavpack", "wmalossless", "wmapro",
    "wmav1", "wmav2", "wmavoice",
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


def start(argv: list[str], data: bytes) -> subprocess.Popen[bytes]:
    """Start ffmpeg with the file `data` as its standard input, and pipes for what it writes.

    Raises:
        DecoderUnavailable: it cannot be started.
    """
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
                pipesize=PIPE_BYTES,
                cwd="/",
                # One arena: each further one reserves address space for a thread.
                env={"MALLOC_ARENA_MAX": "1"}
                | {k: os.environ[k] for k in ("LD_LIBRARY_PATH",) if k in os.environ},
                start_new_session=True,
            )
    except OSError as error:
        log.error("the decoder could not be started: %s", error)
        raise DecoderUnavailable("the decoder could not be started") from error


def command_line(
    container: Container, limits: Limits, of_input: Sequence[str], of_output: Sequence[str]
) -> list[str]:
    """Return the command line; `of_input` and `of_output` are further options."""
    # A second more than wanted tells a file at the limit from a longer one.
    seconds = f"{limits.max_seconds + 1:.3f}"
    ulimits = [f"-t {limits.cpu_s}", f"-v {MEMORY_BYTES // 1024}", "-f 0", "-c 0"]
    return [
        "/bin/sh", "-c", _LIMITED, "sh", *ulimits,
        ffmpeg_path(), "-nostdin", "-hide_banner", "-threads", "1",
        "-loglevel", "repeat+level+verbose",
        "-protocol_whitelist", "file", "-format_whitelist", container.demuxer,
        "-codec_whitelist", ",".join(DECODERS),
        *of_input, "-f", container.demuxer, "-i", "file:/dev/stdin",
        *of_output, "-vn", "-sn", "-dn", "-t", seconds, "-map_metadata", "-1",
        # Neither resampled nor mixed: the caller checks the rate and the channels first.
        "-f", "au", "-c:a", "pcm_f32be", "pipe:1",
    ]  # fmt: skip
