"""Decoding: the bytes or the path of any file come in, a mono waveform goes out.

`load_audio` is the one way in, for training and serving alike. An untrusted file reaches a
decoder only after its container was detected, and within limits.
"""

from ser.audio.decode import SAMPLE_RATE, Audio, load_audio

__all__ = ["SAMPLE_RATE", "Audio", "load_audio"]
