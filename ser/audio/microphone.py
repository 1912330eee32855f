"""Recording: a stream of sound comes in, one utterance goes out, from speech to silence."""

from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ser.audio import SAMPLE_RATE, load_audio
from ser.errors import MicrophoneFault, Silent

BLOCK_S = 0.03
_ONSET_BLOCKS = 4  # so many loud blocks in a row are speech; a click has fewer
_PREROLL_S = 0.3  # kept before the onset, because consonants begin softly
_NOISE_S = 2.0  # the last seconds, from which the noise level of the room is estimated
_NOISE_DB = (-80.0, -45.0)  # bounds of this estimate
_ONSET_DB = 12.0  # above the noise; speech begins there
_HYSTERESIS_DB = 3.0  # speech ends this far below the level of its onset
_SILENCE_DB = 40.0  # a block further below the loudest one is silent in any room


@dataclass(frozen=True, kw_only=True)
class RecordingLimits:
    """Limits of a recording, in seconds.

    Attributes:
        wait: the longest wait for speech.
        silence: so much silence ends an utterance.
        longest: the longest utterance; it is cut there.
    """

    wait: float = 30.0
    silence: float = 1.0
    longest: float = 30.0


def record(blocks: Iterable[np.ndarray], *, rate: int, limits: RecordingLimits) -> np.ndarray:
    """Return the first utterance of a stream.

    Args:
        blocks: of about `BLOCK_S` seconds, each of shape (n,), float32; 1.0 is full scale.
        rate: sample rate, in Hz.

    Returns:
        shape (n,), float32: the utterance with a little sound before and after it.

    Raises:
        Silent: nobody spoke within `limits.wait` seconds, or before the end of the stream.
    """
    past: deque[np.ndarray] = deque(maxlen=round(_PREROLL_S / BLOCK_S) + _ONSET_BLOCKS)
    levels: deque[float] = deque(maxlen=round(_NOISE_S / BLOCK_S))
    stream = iter(blocks)
    waited, loud = 0.0, 0
    for block in stream:
        level = _level_db(block)
        levels.append(level)
        past.append(block)
        threshold = float(np.clip(np.percentile(levels, 10), *_NOISE_DB)) + _ONSET_DB
        loud = loud + 1 if level >= threshold else 0
        if loud == _ONSET_BLOCKS:
            return _until_silence(list(past), stream, rate, threshold - _HYSTERESIS_DB, limits)
        waited += len(block) / rate
        if waited >= limits.wait:
            break
    raise Silent(f"nobody spoke within {waited:.1f} s")


def _until_silence(
    recorded: list[np.ndarray],
    stream: Iterator[np.ndarray],
    rate: int,
    threshold: float,
    limits: RecordingLimits,
) -> np.ndarray:
    """Add blocks to `recorded` until the utterance ends; return its samples, shape (n,)."""
    quiet_s, length_s = 0.0, sum(map(len, recorded)) / rate
    loudest = max(map(_level_db, recorded))
    for block in stream:
        recorded.append(block)
        seconds, level = len(block) / rate, _level_db(block)
        length_s += seconds
        loudest = max(loudest, level)
        silent = level < max(threshold, loudest - _SILENCE_DB)
        quiet_s = quiet_s + seconds if silent else 0.0
        if quiet_s >= limits.silence or length_s >= limits.longest:
            break
    # Most of the silence at the end is cut off.
    surplus = round(max(0.0, quiet_s - _PREROLL_S) * rate)
    samples = np.concatenate(recorded)
    return samples[: len(samples) - surplus]


def _level_db(block: np.ndarray) -> float:
    """Return the level of a block in dB of full scale, without a constant offset."""
    power = float(np.var(block, dtype=np.float64))
    return 10 * np.log10(max(power, 1e-12))


def file_blocks(path: Path) -> tuple[int, Iterator[np.ndarray]]:
    """Return the sample rate, in Hz, and the blocks of a file, as of a microphone."""
    samples = load_audio(path).samples
    step = round(BLOCK_S * SAMPLE_RATE)
    return SAMPLE_RATE, (samples[i : i + step] for i in range(0, len(samples), step))


@contextmanager
def microphone_blocks(
    device: str | int | None = None,
) -> Iterator[tuple[int, Iterator[np.ndarray]]]:
    """Open a microphone; yield its sample rate, in Hz, and its blocks without end.

    Args:
        device: number or part of the name; None is the system's default.

    Raises:
        MicrophoneFault: there is no microphone, or sounddevice or PortAudio is missing.
    """
    try:
        import sounddevice
    except ImportError as error:
        raise MicrophoneFault("sounddevice is missing: install requirements-train.txt") from error
    except OSError as error:
        raise MicrophoneFault(
            "the PortAudio library is missing (on Debian and Ubuntu: apt install libportaudio2)"
        ) from error
    try:
        rate = round(sounddevice.query_devices(device, "input")["default_samplerate"])
        step = round(BLOCK_S * rate)
        with sounddevice.InputStream(
            samplerate=rate, channels=1, dtype="float32", blocksize=step, device=device
        ) as stream:
            yield rate, (stream.read(step)[0][:, 0] for _ in iter(int, 1))
    except (sounddevice.PortAudioError, ValueError) as error:
        raise MicrophoneFault(
            f"no microphone can be opened ({error}); connect one, or choose by --device"
        ) from error
