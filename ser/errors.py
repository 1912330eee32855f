"""The errors of the library, one small tree, and the warnings that an answer can carry.

HTTP and the command lines report each under its code.
"""

DAMAGED = "damaged"
UNCERTAIN = "uncertain"

#: Each warning by its code, in plain words.
WARNINGS = {
    DAMAGED: "The file is damaged; only the part that could be read was analysed.",
    UNCERTAIN: "The model is not sure: such answers are wrong more often than right.",
}


class SerError(Exception):
    """Base of every error the library raises on purpose."""

    code = "internal"


class UsageError(SerError):
    """A name, path or setting given by the user is wrong; the message lists the way out."""

    code = "usage"


class DownloadFault(SerError):
    """A corpus cannot be fetched, or is not what its publisher says it is."""

    code = "download"


class MicrophoneFault(SerError):
    """There is no microphone, or no way to open it."""

    code = "microphone"


class ModelFileError(SerError):
    """A model file is not one that can be served."""

    code = "model_file"


class AudioError(SerError):
    """The input is at fault: it holds nothing that can be scored."""


class EmptyFile(AudioError):
    """The input has 0 bytes."""

    code = "empty_file"


class UnsupportedMedia(AudioError):
    """The bytes are of no audio or video container known here."""

    code = "unsupported_media"


class NoAudio(AudioError):
    """A valid container without audio: a header alone, or video only."""

    code = "no_audio"


class Damaged(AudioError):
    """The container is known, but nothing of it can be decoded."""

    code = "damaged"


class UnsupportedFormat(AudioError):
    """The sample rate or the number of channels is outside the limits."""

    code = "unsupported_format"


class InvalidSamples(AudioError):
    """Samples are NaN, infinite, or so large that the features overflow."""

    code = "invalid_samples"


class TooShort(AudioError):
    """Too short to hold an emotion."""

    code = "too_short"


class Silent(AudioError):
    """Nothing but silence or a constant offset."""

    code = "silent"


class TooComplex(AudioError):
    """Decoding it takes more CPU time or memory than is allowed."""

    code = "too_complex"


class DecoderFault(SerError):
    """The input may be fine; decoding it failed for a reason of ours."""


class DecoderTimeout(DecoderFault):
    """The decoder ran past its wall-clock limit."""

    code = "timeout"


class DecoderUnavailable(DecoderFault):
    """There is no ffmpeg, or no room for its temporary file."""

    code = "unavailable"
