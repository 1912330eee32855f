"""The errors of the library, in one tree, and the warnings of a prediction.

HTTP and the command line report each by its code.
"""

DAMAGED = "damaged"
UNCERTAIN = "uncertain"
REFERENCE_MISMATCH = "reference_mismatch"

#: The text of each warning, by its code.
WARNINGS = {
    DAMAGED: "The file is damaged; only the part that could be read was analysed.",
    UNCERTAIN: "The model is not sure: such answers are wrong more often than right.",
    REFERENCE_MISMATCH: (
        "The normal voice does not fit this recording: another microphone or line, another "
        "speaker, or too short. The answer is without it."
    ),
}


class SerError(Exception):
    """Base of all errors that the library raises on purpose."""

    code = "internal"


class UsageError(SerError):
    """A name, path or setting of the user is wrong; the message says what is allowed."""

    code = "usage"


class DownloadFault(SerError):
    """A corpus cannot be downloaded, or its files are not as published."""

    code = "download"


class MicrophoneFault(SerError):
    """There is no microphone, or it cannot be opened."""

    code = "microphone"


class ModelFileError(SerError):
    """A model file cannot be served."""

    code = "model_file"


class AudioError(SerError):
    """The input cannot be analysed, and the fault is in the input."""


class EmptyFile(AudioError):
    """The input has 0 bytes."""

    code = "empty_file"


class UnsupportedMedia(AudioError):
    """The bytes are not of a supported audio or video container."""

    code = "unsupported_media"


class NoAudio(AudioError):
    """The container is valid but has no audio: only a header, or only video."""

    code = "no_audio"


class Damaged(AudioError):
    """The container is supported, but nothing in it can be decoded."""

    code = "damaged"


class UnsupportedFormat(AudioError):
    """The sample rate or the number of channels is outside the limits."""

    code = "unsupported_format"


class InvalidSamples(AudioError):
    """Some samples are NaN, infinite, or so large that the features overflow."""

    code = "invalid_samples"


class TooShort(AudioError):
    """The audio is too short to contain an emotion."""

    code = "too_short"


class Silent(AudioError):
    """The audio is only silence or a constant offset."""

    code = "silent"


class TooComplex(AudioError):
    """Decoding takes more CPU time or memory than is allowed."""

    code = "too_complex"


class DecoderFault(SerError):
    """Decoding failed, and the input may be fine."""


class DecoderTimeout(DecoderFault):
    """The decoder reached its wall-clock limit."""

    code = "timeout"


class DecoderUnavailable(DecoderFault):
    """There is no ffmpeg, or no space for a temporary file."""

    code = "unavailable"
