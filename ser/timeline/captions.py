"""Read captions, SubRip or WebVTT, into cues. Captions are untrusted input.

The text of a cue is plain: formatting is left out, and a voice of WebVTT becomes "Name: ".
"""

import codecs
import html
import re
from collections.abc import Callable
from pathlib import Path

from ser.errors import UsageError
from ser.inference.cues import Cue

MAX_BYTES = 1_000_000  # of a file; a film has about 100,000
MAX_CUES = 5_000  # a film has about 1,500
_ARROW = "-->"
_TIME = r"(?:(\d{1,3}):)?([0-5]?\d):([0-5]?\d)(?:[.,](\d{1,3}))?"
_TIMING = re.compile(rf"\s*{_TIME}[ \t]*{_ARROW}[ \t]*{_TIME}(?:[ \t].*)?", re.ASCII)
_LINE_END = re.compile(r"\r\n|\r|\n")
_VTT = re.compile(r"WEBVTT(?:[ \t]|$)")
_VOICE = re.compile(r"<v(?:\.[^\s<>]*)?[ \t]+([^<>]*)>")
_TAG = re.compile(r"<[^<>]*>")
# SubRip has no escapes: only these tags and the position of ASS are formatting.
_SRT_TAG = re.compile(r"</?(?:i|b|u|s|font)(?:\s[^<>]*)?>|\{\\[^{}]*\}", re.IGNORECASE)
_ENCODINGS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def read_cues(source: bytes | Path) -> list[Cue]:
    """Return the cues of captions, given their bytes or the path of a file.

    The content tells WebVTT from SubRip. It is UTF-8, or UTF-16 with a byte order mark.

    Raises:
        UsageError: they cannot be read, are too long, or hold no cue; the message says where.
        OSError: the path cannot be read.
    """
    if isinstance(source, Path):
        with source.open("rb") as file:
            source = file.read(MAX_BYTES + 1)
    if len(source) > MAX_BYTES:
        raise UsageError(f"captions of more than {MAX_BYTES:,} bytes")
    lines = _LINE_END.split(_decoded(source))
    cues = _vtt_cues(lines) if _VTT.match(lines[0]) else _srt_cues(lines)
    if not cues:
        raise UsageError("captions without a cue; SubRip (.srt) and WebVTT (.vtt) can be read")
    return cues


def _decoded(data: bytes) -> str:
    encoding = next((name for mark, name in _ENCODINGS if data.startswith(mark)), "utf-8")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise UsageError("captions that are not text in UTF-8: save them as UTF-8") from error
    if "\0" in text:
        raise UsageError("captions that are not text: SubRip (.srt) and WebVTT (.vtt) can be read")
    return text.replace("\ufeff", "")  # files that were joined have marks in the middle


def _srt_cues(lines: list[str]) -> list[Cue]:
    """Return the cues of SubRip. A blank line within a text does not end it, as in players."""
    cues: list[Cue] = []
    times: tuple[float, float] | None = None
    text: list[str] = []
    for number, line in enumerate(lines, start=1):
        if not _is_timing(line):
            if times is None and line.strip() and not line.strip().isdecimal():
                raise _wrong(number, line, "neither the number nor the times of a cue")
            text.append(line)
            continue
        if times is not None:
            _add(cues, times, _without_number(text, len(cues) + 2), _plain_srt)
        times, text = _parse_timing(number, line), []
    if times is not None:
        _add(cues, times, text, _plain_srt)
    return cues


def _without_number(text: list[str], expected: int) -> list[str]:
    """Return the lines of a text without the number of the cue that follows."""
    last = text[-1].strip() if text else ""
    if not last.isdecimal():
        return text
    stands_apart = len(text) > 1 and not text[-2].strip()
    return text[:-1] if stands_apart or last == str(expected) else text


def _vtt_cues(lines: list[str]) -> list[Cue]:
    """Return the cues of WebVTT; comments, styles and regions are passed over."""
    cues: list[Cue] = []
    number = 1  # of the last line that was read; the first is the signature
    while number < len(lines):
        first = number
        while number < len(lines) and lines[number].strip():
            number += 1
        block = lines[first:number]
        at = next((n for n, line in enumerate(block[:2]) if _ARROW in line), None)
        if at is not None:
            times = _parse_timing(first + at + 1, block[at])
            _add(cues, times, block[at + 1 :], _plain_vtt)
        number += 1
    return cues


def _is_timing(line: str) -> bool:
    before, arrow, _ = line.partition(_ARROW)
    return bool(arrow and before.strip()) and not before.strip("0123456789:., \t-")


def _parse_timing(number: int, line: str) -> tuple[float, float]:
    match = _TIMING.fullmatch(line)
    if match is None:
        raise _wrong(number, line, "not times such as 00:00:01,000 --> 00:00:02,500")
    start, end = _seconds(*match.groups()[:4]), _seconds(*match.groups()[4:])
    if end < start:
        raise _wrong(number, line, "a cue that ends before it begins")
    return start, end


def _seconds(hours: str | None, minutes: str, seconds: str, fraction: str | None) -> float:
    whole = 3600 * int(hours or 0) + 60 * int(minutes) + int(seconds)
    return whole + int((fraction or "0").ljust(3, "0")) / 1000


def _add(
    cues: list[Cue],
    times: tuple[float, float],
    lines: list[str],
    plain: Callable[[str], str],
) -> None:
    if len(cues) == MAX_CUES:
        raise UsageError(f"captions of more than {MAX_CUES:,} cues")
    text = (line.strip() for line in plain("\n".join(lines)).split("\n"))
    cues.append(Cue(*times, "\n".join(filter(None, text))))


def _plain_srt(text: str) -> str:
    return _SRT_TAG.sub("", text)


def _plain_vtt(text: str) -> str:
    return html.unescape(_TAG.sub("", _VOICE.sub(r"\1: ", text)))


def _wrong(number: int, line: str, what: str) -> UsageError:
    return UsageError(f"captions, line {number}: {line.strip()[:60]!r} is {what}")
