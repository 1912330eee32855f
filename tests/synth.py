"""Synthesised sounds: no test needs a recording."""

import io
import subprocess
from pathlib import Path

import numpy as np
import soundfile

from ser.audio import ffmpeg_path


def voice(seconds: float = 2.0, rate: int = 22_050, pitch: float = 140.0, seed: int = 0):
    """Return a sound like a voice, float32: harmonics in the rhythm of syllables, and noise."""
    rng = np.random.default_rng(seed)
    t = np.arange(int(seconds * rate)) / rate
    glide = pitch * (1 + 0.1 * np.sin(2 * np.pi * 0.7 * t + seed))
    phase = 2 * np.pi * np.cumsum(glide) / rate
    harmonics = sum(np.sin(k * phase) / k for k in range(1, 12))
    rhythm = 0.55 + 0.45 * np.sin(2 * np.pi * 3.1 * t)
    samples = 0.12 * harmonics * rhythm + 0.004 * rng.standard_normal(len(t))
    return samples.astype(np.float32)


def wav(samples: np.ndarray, rate: int = 22_050, subtype: str = "PCM_16", container: str = "WAV"):
    """Return `samples` as the bytes of a file."""
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, rate, subtype=subtype, format=container)
    return buffer.getvalue()


def encoded(samples: np.ndarray, rate: int, path: Path, *options: str) -> bytes:
    """Let ffmpeg encode `samples` to `path`, in the format of its extension; return the bytes."""
    source = path.with_suffix(".source.wav")
    source.write_bytes(wav(samples, rate))
    command = [ffmpeg_path(), "-y", "-loglevel", "error", "-i", source, *options, path]
    subprocess.run(command, check=True)
    return path.read_bytes()
