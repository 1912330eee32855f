"""Corruptions: they imitate poor recordings, to test how robust a model is."""

import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soxr

from ser.audio import SAMPLE_RATE, ffmpeg_path, load_audio
from ser.errors import DecoderUnavailable

#: Takes samples, shape (n,), float32, at `SAMPLE_RATE`, and a seeded generator; returns samples
#: of any length, float32.
Corruption = Callable[[np.ndarray, np.random.Generator], np.ndarray]

_PHONE_RATE = 8_000  # Hz
_PHONE_BAND = (300, 3400)  # Hz
_MU = 255  # of the µ-law
_ROOM_RT60_S = 0.4  # reverberation time: until the sound has decayed by 60 dB
_PAUSE_S = 1.0
_MIDDLE_S = 1.5


def level(gain_db: float) -> Corruption:
    """Change the level; samples beyond full scale are clipped, as in a recorder."""

    def apply(samples: np.ndarray, rng: np.random.Generator) -> np.ndarray:  # noqa: ARG001
        return np.clip(samples * 10 ** (gain_db / 20), -1, 1).astype(np.float32)

    return apply


def telephone(samples: np.ndarray, rng: np.random.Generator | None = None) -> np.ndarray:  # noqa: ARG001
    """Simulate a telephone line: 8 kHz, 300 to 3400 Hz, 8-bit µ-law (ITU-T G.711)."""
    from scipy.signal import butter, sosfiltfilt

    narrow = soxr.resample(samples, SAMPLE_RATE, _PHONE_RATE)
    band = butter(4, _PHONE_BAND, btype="bandpass", fs=_PHONE_RATE, output="sos")
    narrow = np.clip(sosfiltfilt(band, narrow), -1, 1)
    compressed = np.sign(narrow) * np.log1p(_MU * np.abs(narrow)) / np.log1p(_MU)
    steps = np.round(compressed * 127) / 127
    expanded = np.sign(steps) * np.expm1(np.abs(steps) * np.log1p(_MU)) / _MU
    return soxr.resample(expanded, _PHONE_RATE, SAMPLE_RATE).astype(np.float32)


def codec(extension: str, *options: str) -> Corruption:
    """Encode with ffmpeg, then decode as an upload is decoded.

    Args:
        extension: of the encoded file; it decides the format.
        options: of ffmpeg, for the encoder.

    The corruption raises `DecoderUnavailable` where ffmpeg has no such encoder.
    """

    def apply(samples: np.ndarray, rng: np.random.Generator) -> np.ndarray:  # noqa: ARG001
        with tempfile.TemporaryDirectory(prefix="ser-") as folder:
            out = Path(folder, f"clip.{extension}")
            source = ["-f", "f32le", "-ar", str(SAMPLE_RATE), "-ac", "1", "-i", "pipe:0"]
            done = subprocess.run(
                [ffmpeg_path(), "-loglevel", "error", *source, *options, str(out)],
                input=samples.astype("<f4").tobytes(),
                capture_output=True,
                check=False,
            )
            if done.returncode:
                raise DecoderUnavailable(
                    f"ffmpeg cannot encode {extension}: {done.stderr[-200:]!r}"
                )
            return load_audio(out).samples

    return apply


def noise(snr_db: float) -> Corruption:
    """Add white noise."""

    def apply(samples: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return mix(samples, rng.standard_normal(len(samples)), snr_db)

    return apply


def babble(snr_db: float, voices: np.ndarray) -> Corruption:
    """Add babble noise.

    Args:
        voices: shape (n,), float32: other clips, mixed. An excerpt from a random start is used.
    """

    def apply(samples: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        start = int(rng.integers(len(voices)))
        return mix(samples, voices[(start + np.arange(len(samples))) % len(voices)], snr_db)

    return apply


def room(samples: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Add the reverberation of a small room: its impulse response is noise that decays."""
    from scipy.signal import fftconvolve

    n = int(_ROOM_RT60_S * SAMPLE_RATE)
    decay = 10 ** (-3 * np.arange(n) / n)  # 60 dB
    response = 0.1 * rng.standard_normal(n) * decay
    response[0] = 1.0
    wet = fftconvolve(samples, response)[: len(samples) + n // 2]
    return (wet * np.abs(samples).max() / max(np.abs(wet).max(), 1e-9)).astype(np.float32)


def pauses(samples: np.ndarray, rng: np.random.Generator) -> np.ndarray:  # noqa: ARG001
    """Add a second of silence before and after the clip."""
    silence = np.zeros(round(_PAUSE_S * SAMPLE_RATE), np.float32)
    return np.concatenate([silence, samples, silence])


def middle(samples: np.ndarray, rng: np.random.Generator) -> np.ndarray:  # noqa: ARG001
    """Keep the middle 1.5 s of the clip."""
    n = round(_MIDDLE_S * SAMPLE_RATE)
    start = max(0, (len(samples) - n) // 2)
    return samples[start : start + n]


def mix(samples: np.ndarray, other: np.ndarray, snr_db: float) -> np.ndarray:
    """Add `other` at a signal-to-noise ratio; both have shape (n,). Returns float32."""
    power = np.mean(np.square(samples, dtype=np.float64))
    other_power = np.mean(np.square(other, dtype=np.float64))
    gain = np.sqrt(power / max(other_power, 1e-12) / 10 ** (snr_db / 10))
    return (samples + gain * other).astype(np.float32)


_FIXED: dict[str, Corruption] = {
    "level -20 dB": level(-20),
    "level +10 dB": level(10),
    "telephone": telephone,
    "mp3 64 kb/s": codec("mp3", "-b:a", "64k"),
    "opus 16 kb/s": codec("ogg", "-c:a", "libopus", "-b:a", "16k"),
    "white noise 20 dB": noise(20),
    "white noise 10 dB": noise(10),
    "small room": room,
    "1 s of silence around": pauses,
    "middle 1.5 s": middle,
}
_BABBLE_DB = {"babble 20 dB": 20, "babble 10 dB": 10}

#: The names of all corruptions.
CORRUPTIONS = (*_FIXED, *_BABBLE_DB)


def corruptions(voices: np.ndarray) -> dict[str, Corruption]:
    """Return every corruption by name; `voices` is the babble, as `babble` takes it."""
    return _FIXED | {name: babble(snr_db, voices) for name, snr_db in _BABBLE_DB.items()}
