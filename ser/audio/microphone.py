"""From a stream of sound to one utterance: wait for speech, stop at silence."""

from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ser.audio import SAMPLE_RATE, load_audio
from ser.errors import MicrophoneFault, Silent

BLOCK_S = 0.03
_ONSET_BLOCKS = 4  # loud ones in a row that are speech; a click has fewer
_PREROLL_S = 0.3  # kept from before the onset: consonants begin softly
_FLOOR_S = 2.0  # of the past, from which the level of the room is taken
_FLOOR_DB = (-80.0, -45.0)  # what the room is taken for at the least and at the most
_ABOVE_FLOOR_DB = 12.0  # where speech begins; it has ended 3 dB below that
_HYSTERESIS_DB = 3.0
_BELOW_SPEECH_DB = 40.0  # what is further below the loudest is silence in any room


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long to listen, in seconds.

    Attributes:
        wait: for speech to begin.
        silence: after speech, which ends it.
        longest: of an utterance; it is cut there.
    """

    wait: float = 30.0
    silence: float = 1.0
    longest: float = 30.0


def record(blocks: Iterable[np.ndarray], *, rate: int, patience: Patience) -> np.ndarray:
    """Return the first utterance of a stream.

    Args:
        blocks: of about `BLOCK_S`, each of shape (n,), float32; 1.0 is full scale.
        rate: in Hz.

    Returns:
        shape (n,), float32: from a little before the speech to a little after.

    Raises:
        Silent: nobody spoke for as long as `patience` has it, or to the end of the stream.
    """
    past: deque[np.ndarray] = deque(maxlen=round(_PREROLL_S / BLOCK_S) + _ONSET_BLOCKS)
    levels: deque[float] = deque(maxlen=round(_FLOOR_S / BLOCK_S))
    stream = iter(blocks)
    waited, loud = 0.0, 0
    for block in stream:
        level = _level_db(block)
        levels.append(level)
        past.append(block)
        threshold = float(np.clip(np.percentile(levels, 10), *_FLOOR_DB)) + _ABOVE_FLOOR_DB
        loud = loud + 1 if level >= threshold else 0
        if loud == _ONSET_BLOCKS:
            return _until_silence(list(past), stream, rate, threshold - _HYSTERESIS_DB, patience)
        waited += len(block) / rate
        if waited >= patience.wait:
            break
    raise Silent(f"nobody spoke within {waited:.1f} s")


def _until_silence(
    heard: list[np.ndarray],
    stream: Iterator[np.ndarray],
    rate: int,
    threshold: float,
    patience: Patience,
) -> np.ndarray:
    quiet_s, length_s = 0.0, sum(map(len, heard)) / rate
    loudest = max(map(_level_db, heard))
    for block in stream:
        heard.append(block)
        seconds, level = len(block) / rate, _level_db(block)
        length_s += seconds
        loudest = max(loudest, level)
        silent = level < max(threshold, loudest - _BELOW_SPEECH_DB)
        quiet_s = quiet_s + seconds if silent else 0.0
        if quiet_s >= patience.silence or length_s >= patience.longest:
            break
    # The silence that ended it is no part of it, but for a breath.
    surplus = round(max(0.0, quiet_s - _PREROLL_S) * rate)
    samples = np.concatenate(heard)
    return samples[: len(samples) - surplus]


def _level_db(block: np.ndarray) -> float:
    """Return the level of a block below full scale, without its constant offset."""
    power = float(np.var(block, dtype=np.float64))
    return 10 * np.log10(max(power, 1e-12))


def file_blocks(path: Path) -> tuple[int, Iterator[np.ndarray]]:
    """Return the rate and the blocks of an audio file, as a microphone would give them."""
    samples = load_audio(path).samples
    step = round(BLOCK_S * SAMPLE_RATE)
    return SAMPLE_RATE, (samples[i : i + step] for i in range(0, len(samples), step))


@contextmanager
def microphone_blocks(
    device: str | int | None = None,
) -> Iterator[tuple[int, Iterator[np.ndarray]]]:
    """Open a microphone; give its own rate, in Hz, and its blocks without end.

    Args:
        device: number or part of the name; None is the system's choice.

    Raises:
        MicrophoneFault: there is none, or nothing to open it with.
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
