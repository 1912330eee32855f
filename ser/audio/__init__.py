"""Audio: the bytes or the path of any file come in, a mono waveform goes out.

`load_audio` decodes a file, for training and for serving; `load_channels` keeps its channels
apart. An untrusted file reaches a decoder only after its container was detected, and the decoder
has limits.
"""

from ser.audio.decode import (
    DECODE_TIMEOUT_S,
    MAX_SECONDS,
    SAMPLE_RATE,
    Audio,
    load_audio,
    load_channels,
)
from ser.audio.ffmpeg_process import ffmpeg_path
from ser.audio.slots import FairSemaphore, MemorySlot

__all__ = [
    "DECODE_TIMEOUT_S",
    "MAX_SECONDS",
    "SAMPLE_RATE",
    "Audio",
    "FairSemaphore",
    "MemorySlot",
    "ffmpeg_path",
    "load_audio",
    "load_channels",
]
