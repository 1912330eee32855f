"""Files as users upload them: in every format, whole and damaged."""

import functools
import struct
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ser.audio import ffmpeg_path
from tests import synth

RATE = 48_000  # Hz
SECONDS = 2.0

#: ffmpeg's options for a file of each extension.
ENCODINGS = {
    "wav": [],
    "flac": [],
    "mp3": [],
    "ogg": ["-c:a", "libvorbis"],
    "opus": ["-c:a", "libopus"],
    "m4a": ["-c:a", "aac"],
    "mp4": ["-f", "lavfi", "-i", "color=s=32x32:d=2", "-c:a", "aac", "-shortest"],
    "webm": ["-c:a", "libopus"],
    "mkv": ["-c:a", "aac"],
    "aac": [],
    "wma": [],
    "ts": ["-c:a", "aac"],
    "avi": [],
    "mpg": [],
    "flv": ["-ar", "44100"],
    "aiff": [],
    "caf": [],
    "au": [],
}


@functools.cache
def voice() -> np.ndarray:
    """Return the sound in `encoded`: `SECONDS` of it at `RATE`."""
    return synth.voice(SECONDS, RATE)


@functools.cache
def encoded(extension: str, *options: str) -> bytes:
    """Return `voice` as a file of this extension, made with these options or its usual ones."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"clip.{extension}")
        return synth.encoded(voice(), RATE, path, *(options or ENCODINGS[extension]))


@functools.cache
def made_by_ffmpeg(extension: str, *options: str, source: bytes = b"") -> bytes:
    """Return the file that ffmpeg writes with these options; `source`, if any, is its input."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"made.{extension}")
        Path(folder, "source").write_bytes(source)
        source_options = ["-i", f"{folder}/source"] if source else []
        command = [ffmpeg_path(), "-loglevel", "error", *source_options, *options, path]
        subprocess.run(command, check=True)
        return path.read_bytes()


def piped(samples: np.ndarray, rate: int, *options: str) -> bytes:
    """Return what ffmpeg writes to a pipe, where it cannot go back to the header."""
    command = [ffmpeg_path(), "-loglevel", "error", "-i", "pipe:0", *options, "pipe:1"]
    done = subprocess.run(command, check=True, input=synth.wav(samples, rate), capture_output=True)
    return done.stdout


def package_without_ffmpeg(folder: Path) -> Path:
    """Make a package imageio_ffmpeg that holds no program; return the folder to import from.

    Its source package, which pip installs where no wheel fits the platform, is like that.
    """
    binaries = folder / "imageio_ffmpeg" / "binaries"
    binaries.mkdir(parents=True)
    (binaries.parent / "__init__.py").touch()
    (binaries / "__init__.py").touch()
    return folder


def patched(data: bytes, offset: int, packed: bytes) -> bytes:
    """Return `data` with the bytes at `offset` replaced by `packed`."""
    return data[:offset] + packed + data[offset + len(packed) :]


def streamed_wav(size: int) -> bytes:
    """Return a WAV whose header declares `size` bytes, as programs write it to a pipe."""
    data = synth.wav(voice(), RATE)
    return patched(patched(data, 4, struct.pack("<I", size)), 40, struct.pack("<I", size))


def wav_of(*, rate: int | None = None, channels: int | None = None) -> bytes:
    """Return a WAV whose header declares a wrong rate or number of channels."""
    data = synth.wav(synth.voice(0.5))
    if rate is not None:
        data = patched(data, 24, struct.pack("<I", rate))
    if channels is not None:
        data = patched(data, 22, struct.pack("<H", channels))
    return data


def flac_bomb(size: int, rate: int, channels: int) -> bytes:
    """Return about `size` bytes of FLAC that last very long: each frame is one constant."""
    block = 65_535
    n_frames = size // (14 + 3 * channels)
    kind = rate << 44 | (channels - 1) << 41 | 15 << 36 | n_frames * block
    data = bytearray(b"fLaC\x80\x00\x00\x22" + struct.pack(">HH6xQ16x", block, block, kind))
    for number in range(n_frames):
        header = struct.pack(">HBB", 0xFFF8, 0x70, (channels - 1) << 4 | 0b1000)
        header += chr(number).encode() + struct.pack(">H", block - 1)
        header += bytes([_crc(header, 0x07, 8)])
        level = 8000 if number % 2 else -8000
        frame = header + struct.pack(">xh", level) * channels
        data += frame + struct.pack(">H", _crc(frame, 0x8005, 16))
    return bytes(data)


def _crc(data: bytes, polynomial: int, bits: int) -> int:
    value = 0
    for byte in data:
        value ^= byte << (bits - 8)
        for _ in range(8):
            value <<= 1
            if value >> bits:
                value ^= 1 << bits | polynomial
    return value


def box_at(data: bytes, names: Iterable[bytes]) -> list[int]:
    """Return the offset of each box of a path such as (moov, trak) in an MP4."""
    position, offsets = 0, []
    for name in names:
        position = data.index(name, position) - 4
        offsets.append(position)
        position += 8
    return offsets
