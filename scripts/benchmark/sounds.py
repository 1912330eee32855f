"""The files that bench.py sends: synthesised speech-like sounds in common formats."""

import io
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import soundfile

from ser.audio import ffmpeg_path

CLIP_S, CLIP_HZ = 3.7, 48_000  # as RAVDESS


def voice(seconds: float, rate: int, seed: int = 0) -> np.ndarray:
    """Return harmonics in the rhythm of syllables, with noise: shape (n,), float32."""
    rng = np.random.default_rng(seed)
    t = np.arange(int(seconds * rate)) / rate
    pitch = rng.uniform(90, 250) * (1 + 0.1 * np.sin(4 * t))
    phase = 2 * np.pi * np.cumsum(pitch) / rate
    tone = sum(np.sin(n * phase) / n for n in range(1, 8))
    breath = 0.01 * rng.standard_normal(len(t))
    return (0.1 * tone * (0.6 + 0.4 * np.sin(19 * t)) + breath).astype(np.float32)


def wav(samples: np.ndarray, rate: int) -> bytes:
    """Return a 16-bit WAV."""
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, rate, format="WAV")
    return buffer.getvalue()


def encoded(data: bytes, extension: str, *options: str) -> bytes:
    """Return a WAV as another format, by ffmpeg with these options."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, f"clip.{extension}")
        command = [ffmpeg_path(), "-loglevel", "error", "-i", "pipe:0", *options, str(out)]
        subprocess.run(command, input=data, check=True)
        return out.read_bytes()


def bodies() -> dict[str, bytes]:
    """Return the files by their names in the table."""
    clip = wav(voice(CLIP_S, CLIP_HZ), CLIP_HZ)
    return {
        "wav": clip,
        "mp3": encoded(clip, "mp3"),
        # A pipe cannot go back to write the length of a variable bit rate at the beginning.
        "mp3 from a pipe": encoded(clip, "mp3", "-q:a", "4", "-write_xing", "0"),
        "opus": encoded(clip, "ogg", "-c:a", "libopus"),
        "m4a": encoded(clip, "m4a"),
        "mp4": encoded(clip, "mp4"),
        "60 s": wav(voice(60, 16_000), 16_000),
        "600 s": wav(np.tile(voice(60, 16_000), 10), 16_000),
    }


def write_corpus(folder: Path, clips: int) -> None:
    """Write clips with names as in RAVDESS, each with a different sound."""
    folder.mkdir()
    for n in range(clips):
        name = f"03-01-{n % 8 + 1:02}-01-01-{n // 192 + 1:02}-{n // 8 % 24 + 1:02}.wav"
        (folder / name).write_bytes(wav(voice(CLIP_S, CLIP_HZ, seed=n), CLIP_HZ))
