"""What ffmpeg says about a file: its streams, its length, its errors, and how much it decoded."""

import re

_MAX_ERRORS = 100  # lines that are kept; a broken file has one for each frame
_MAX_STREAMS = 64
_MAX_LINE = 1_000  # bytes; metadata can be long

# A line: who says it, its level, what is said. The rest are further lines of a message.
_LINE = re.compile(r"((?:\[[^\]]* @ \w+\] )*)\[(\w+)\] ?(.*)")
_ERRORS = ("error", "fatal", "panic")
# Errors of the AU file that is written follow from changes of format within the file.
_WRITER = "[au @"
# Each is looked for where a message begins: titles and names in the file can hold any words.
_DURATION = re.compile(r"  Duration: (\d+):(\d\d):(\d\d\.\d+)")
_STREAM = re.compile(r"  Stream #0:(\d+)\S*: (\w+)(.*)")
_CHOSEN = re.compile(r"  Stream #0:(\d+) -> #0:0")
_SUMMARY = re.compile(r"  Input stream #0:\d+ \(audio\): (.*)")
_ESTIMATED = "Estimating duration from bitrate"
_OUTPUT = "Output #0"
_RECONFIGURED = "Reconfiguring filter graph"
_NOT_LISTED = "not on whitelist"  # it says so of a video's decoder too, which is no error


class FfmpegLog:
    """The messages of one run at `-loglevel level+verbose`; others than these are dropped.

    Attributes:
        errors: lines of errors in the file.
        refused: lines that say that a decoder is not on the list.
        audio_streams: indices of the streams of sound in the file.
        chosen: index of the stream that is decoded; None if there is none.
        declared_seconds: length that the container declares, in seconds; None if it is unknown.
        format_changes: whether the rate or the channels change within the stream.
        rate: sample rate of the stream, in Hz; 0 until it is known, which may be after the log.
    """

    def __init__(self) -> None:
        self.errors: list[str] = []
        self.refused: list[str] = []
        self.audio_streams: list[int] = []
        self.chosen: int | None = None
        self.declared_seconds: float | None = None
        self.format_changes = False
        self.rate = 0
        self._samples: int | None = None  # that the decoder yielded
        self._undecoded_samples = 0.0
        self._n_timed = 0  # streams that have a length
        self._is_input = True  # what is described: the streams of the input come first
        self._is_estimated = False
        self._rest = b""

    def add(self, chunk: bytes) -> None:
        """Read further output of ffmpeg."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        self._rest = self._rest[:_MAX_LINE]
        for line in lines:
            self._read_line(line[:_MAX_LINE].decode("utf-8", "replace"))

    def close(self) -> None:
        """Read the last line, which may have no end."""
        self.add(b"\n")

    @property
    def text(self) -> str:
        """All errors, a line each."""
        return "\n".join(self.errors + self.refused)

    @property
    def decoded_seconds(self) -> float | None:
        """Sound that the decoder yielded, without silence in gaps; None if unknown."""
        return self._samples / self.rate if self.rate and self._samples is not None else None

    @property
    def undecoded_seconds(self) -> float:
        """Sound of the frames that could not be decoded."""
        return self._undecoded_samples / self.rate if self.rate else 0.0

    @property
    def has_others(self) -> bool:
        """Whether the file has other streams, whose length may be another one."""
        return self._n_timed > 1

    def _read_line(self, line: str) -> None:
        if (match := _LINE.match(line)) is None:
            return
        context, level, message = match.groups()
        if level in _ERRORS:
            kind = self.refused if _NOT_LISTED in message else self.errors
            if len(kind) < _MAX_ERRORS and not context.startswith(_WRITER):
                kind.append(message)
        elif match := _DURATION.match(message):
            hours, minutes, seconds = map(float, match.groups())
            if not self._is_estimated:
                self.declared_seconds = 3600 * hours + 60 * minutes + seconds
        elif match := _CHOSEN.match(message):
            self.chosen = int(match[1])
        elif (match := _STREAM.match(message)) and self._is_input:
            # A picture of the cover is a stream of video, a font is one of attachments.
            self._n_timed += match[2] != "Attachment" and "attached pic" not in match[3]
            if match[2] == "Audio" and len(self.audio_streams) < _MAX_STREAMS:
                self.audio_streams.append(int(match[1]))
        elif match := _SUMMARY.match(message):
            self._read_summary(match[1])
        elif message.startswith(_OUTPUT):
            self._is_input = False
        elif message.startswith(_RECONFIGURED):
            self.format_changes = True
        elif message.startswith(_ESTIMATED):
            self._is_estimated = True

    def _read_summary(self, text: str) -> None:
        """Read "9 packets read (8 bytes); 7 frames decoded; 1 decode errors (600 samples);"."""

        def number(pattern: str) -> int | None:
            match = re.search(pattern, text)
            return int(match[1]) if match else None

        frames, samples = number(r"(\d+) frames decoded"), number(r"(\d+) samples")
        if samples is not None:
            self._samples = samples
            errors = number(r"(\d+) decode errors") or 0
            self._undecoded_samples = errors * samples / max(1, frames or 0)
