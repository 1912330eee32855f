"""Bytes or a path to mono float32 at a given sample rate; the same for training and serving."""

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr

from ser import ffmpeg
from ser.errors import (
    EmptyFile,
    InvalidSamples,
    Silent,
    TooShort,
    UnsupportedFormat,
    UnsupportedMedia,
)
from ser.remarks import DAMAGED
from ser.sniff import HEAD_BYTES, Container, sniff

SAMPLE_RATE = 22_050  # Hz, unless features want another; librosa's default
MIN_SECONDS = 0.3  # shorter clips hold no emotion
MAX_SECONDS = 600.0  # of one file; the rest is left out and said to be
MIN_RATE, MAX_RATE = 4_000, 192_000  # Hz
MAX_CHANNELS = 8
SILENCE_PEAK = 1e-4  # of full scale (-80 dB), once a constant offset is taken off
DECODE_TIMEOUT_S = 25.0

# A file that ends early has lost at least this much of what its header declares.
_LOST_SECONDS = 0.1


@dataclass(frozen=True)
class Audio:
    """A decoded clip.

    Attributes:
        samples: shape (n,), float32, finite, mono, at `rate`; 1.0 is full scale.
        truncated: whether the file was longer than the limit.
        warnings: keys of `ser.remarks.WARNINGS`.
        rate: in Hz.
    """

    samples: np.ndarray
    truncated: bool = False
    warnings: tuple[str, ...] = ()
    rate: int = SAMPLE_RATE

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return len(self.samples) / self.rate


def load_audio(
    source: bytes | Path,
    *,
    rate: int = SAMPLE_RATE,
    max_seconds: float = MAX_SECONDS,
    timeout_s: float = DECODE_TIMEOUT_S,
) -> Audio:
    """Decode any audio or video file to mono float32 at `rate`, in Hz.

    libsndfile reads what it can (wav, flac, ogg, mp3 …), ffmpeg the rest. Channels are
    averaged, then resampled by soxr's HQ, as `librosa.load` does.

    Args:
        source: the file's bytes, or its path. The name's extension is not looked at.
        max_seconds: leave out what comes after.
        timeout_s: wall-clock limit of the decoder.

    Raises:
        AudioError: the file is at fault; each kind is a class of its own.
        DecoderFault: decoding failed for a reason of ours.
        OSError: `source` is a path that cannot be read.
    """
    data = source if isinstance(source, bytes) else source.read_bytes()
    if not data:
        raise EmptyFile("the file is empty (0 bytes)")
    container = sniff(data[:HEAD_BYTES])
    if container is None:
        raise UnsupportedMedia(
            "this is no audio or video file; wav, mp3, flac, ogg, m4a, mp4, webm and others work"
        )
    audio = _read_with_soundfile(data, rate, max_seconds) if container.soundfile else None
    if audio is None:
        audio = _read_with_ffmpeg(data, container, rate, max_seconds, timeout_s)
    _check(audio)
    return audio


def _read_with_soundfile(data: bytes, rate: int, max_seconds: float) -> Audio | None:
    """Return the clip, or None where ffmpeg should try: broken, streamed or exotic files."""
    try:
        with soundfile.SoundFile(io.BytesIO(data)) as file:
            own_rate, channels, declared = file.samplerate, file.channels, file.frames
            _check_format(own_rate, channels)
            wanted = int(max_seconds * own_rate)
            frames = file.read(min(wanted, declared), dtype="float32", always_2d=True)
    except soundfile.LibsndfileError:
        return None
    if not len(frames):
        return None
    lost = (min(wanted, declared) - len(frames)) / own_rate
    return Audio(
        _resample(frames.mean(axis=1), own_rate, rate),
        truncated=declared > wanted,
        warnings=(DAMAGED,) if lost > _LOST_SECONDS else (),
        rate=rate,
    )


def _read_with_ffmpeg(
    data: bytes, container: Container, rate: int, max_seconds: float, timeout_s: float
) -> Audio:
    # A second more than wanted tells a file at the limit from a longer one.
    decoded = ffmpeg.decode(
        data, container, rate=rate, max_seconds=max_seconds + 1, timeout_s=timeout_s
    )
    limit = int(max_seconds * rate)
    samples = decoded.samples[:limit]
    return Audio(
        samples,
        truncated=len(decoded.samples) > limit,
        warnings=(DAMAGED,) if decoded.complained else (),
        rate=rate,
    )


def _check_format(rate: int, channels: int) -> None:
    if not MIN_RATE <= rate <= MAX_RATE:
        raise UnsupportedFormat(
            f"a sample rate of {rate} Hz; {MIN_RATE} to {MAX_RATE} Hz are supported"
        )
    if not 1 <= channels <= MAX_CHANNELS:
        raise UnsupportedFormat(f"{channels} channels; 1 to {MAX_CHANNELS} are supported")


def _resample(samples: np.ndarray, rate: int, wanted: int) -> np.ndarray:
    return samples if rate == wanted else soxr.resample(samples, rate, wanted, quality="HQ")


def _check(audio: Audio) -> None:
    if not np.isfinite(audio.samples).all():
        raise InvalidSamples("the audio holds NaN or infinite samples")
    if audio.duration < MIN_SECONDS:
        raise TooShort(f"{audio.duration:.2f} s of audio; at least {MIN_SECONDS:g} s are needed")
    # In float64: the mean of huge float32 samples overflows.
    wide = audio.samples.astype(np.float64)
    if np.abs(wide - wide.mean()).max() < SILENCE_PEAK:
        raise Silent("nothing but silence in this file")
