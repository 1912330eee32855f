"""Containers: which one a file is, detected from its bytes, never from its name.

Text (HTML, playlists such as HLS, DASH, ffconcat and SDP) is refused first, because some
signatures consist of letters: text never reaches a decoder. A format without a magic number is
detected by two frames: the second must begin where the first one ends.
"""

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Container:
    """A supported container: its ffmpeg demuxer, and whether soundfile reads it."""

    demuxer: str
    soundfile: bool = False


WAV = Container("wav", soundfile=True)
AIFF = Container("aiff", soundfile=True)
FLAC = Container("flac", soundfile=True)
OGG = Container("ogg", soundfile=True)
MP3 = Container("mp3", soundfile=True)
AU = Container("au", soundfile=True)
CAF = Container("caf", soundfile=True)
W64 = Container("w64", soundfile=True)
MP4 = Container("mov")
MATROSKA = Container("matroska")
AAC = Container("aac")
AMR = Container("amr")
ASF = Container("asf")
AVI = Container("avi")
FLV = Container("flv")
MPEG_TS = Container("mpegts")
MPEG_PS = Container("mpeg")

CONTAINERS = (
    WAV, AIFF, FLAC, OGG, MP3, AU, CAF, W64, MP4, MATROSKA, AAC, AMR, ASF, AVI, FLV, MPEG_TS,
    MPEG_PS,
)  # fmt: skip

_PREFIXES = (
    (b"fLaC\x00\x00\x00\x22", FLAC),
    (b"fLaC\x80\x00\x00\x22", FLAC),  # no other metadata follows
    (b"OggS\x00", OGG),
    (b".snd\x00", AU),
    (b"caff\x00\x01", CAF),
    (b"riff\x2e\x91\xcf\x11", W64),
    (b"\x1a\x45\xdf\xa3", MATROSKA),
    (b"#!AMR\n", AMR),
    (b"#!AMR-WB\n", AMR),
    (bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c"), ASF),
    (b"FLV\x01", FLV),
    (b"\x00\x00\x01\xba", MPEG_PS),
)
_IFF_TYPES = {  # of a file in chunks: its bytes 0 to 3 and 8 to 11
    (b"RIFF", b"WAVE"): WAV,
    (b"RF64", b"WAVE"): WAV,
    (b"RIFF", b"AVI "): AVI,
    (b"FORM", b"AIFF"): AIFF,
    (b"FORM", b"AIFC"): AIFF,
}
_MP4_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")
# Bytes that are searched for control characters. Compressed sound has none in them once in 10^12.
_TEXT_HEAD = 256
# Control characters that no text contains, in UTF-8 or an older encoding. Text may contain tab,
# newline, form feed and carriage return.
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0e-\x1f\x7f]")
_LFS_POINTER = b"version https://git-lfs.github.com/spec/v1"
_TS_PACKET = 188  # bytes
_MAX_PADDING = 4096  # bytes; some programs leave padding after an ID3 tag
_FRAME_HEADER = 6  # bytes of an MPEG or AAC frame that contain its length

# kbit/s, by the index in the frame header; from ISO 11172-3 and 13818-3.
_BITRATES = {  # (MPEG 1, layer)
    (True, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_MPEG1_RATES = (44_100, 48_000, 32_000)  # Hz; halved in MPEG 2, quartered in MPEG 2.5


def detect_container(data: bytes) -> Container | None:
    """Return the container of the file `data`; None if it is text or of an unknown format."""
    if not _CONTROL.search(data, 0, _TEXT_HEAD):
        return None
    for prefix, container in _PREFIXES:
        if data.startswith(prefix):
            return container
    if (iff_type := (data[:4], data[8:12])) in _IFF_TYPES:
        return _IFF_TYPES[iff_type]
    # The size comes before the name. If it were letters, the box would be above 512 MB.
    if data[4:8] in _MP4_BOXES and data[0] < 0x20:
        return MP4
    if data.startswith(b"ID3"):
        return _after_id3(data)
    if _two_frames(data, 0, _mpeg_frame_bytes):
        return MP3
    if _two_frames(data, 0, _adts_frame_bytes):
        return AAC
    if all(_is_ts_header(data[n * _TS_PACKET : n * _TS_PACKET + 4]) for n in range(3)):
        return MPEG_TS
    return None


def describe_unknown(data: bytes) -> str:
    """Return in words what a file is whose container is not known."""
    if data.startswith(_LFS_POINTER):
        return "this is a Git LFS pointer, not the file itself; `git lfs pull` fetches the file"
    return "this is no audio or video file; wav, mp3, flac, ogg, m4a, mp4, webm and others work"


def _is_ts_header(header: bytes) -> bool:
    """Return whether this is the header of an MPEG-TS packet that is not empty."""
    return len(header) == 4 and header[0] == 0x47 and header[3] & 0x30 != 0


def _after_id3(data: bytes) -> Container | None:
    """Return the container after an ID3v2 tag: mp3, or flac and aac from some programs."""
    if len(data) < 10 or max(data[6:10]) > 0x7F:
        return None
    # The tag's size is stored in four bytes of seven bits each.
    start = 10 + functools.reduce(lambda size, byte: size << 7 | byte, data[6:10], 0)
    if data.startswith(b"fLaC", start):
        return Container("flac")
    for position in range(start, start + _MAX_PADDING):
        if _two_frames(data, position, _mpeg_frame_bytes):
            return MP3
        if _two_frames(data, position, _adts_frame_bytes):
            return AAC
    return None


def _two_frames(data: bytes, start: int, frame_bytes: Callable[[bytes], int]) -> bool:
    """Return whether a frame begins at `start`, and another one where it ends."""
    length = frame_bytes(data[start : start + _FRAME_HEADER])
    return length > 0 and frame_bytes(data[start + length : start + length + _FRAME_HEADER]) > 0


def _mpeg_frame_bytes(header: bytes) -> int:
    """Return the length of the MPEG audio frame (layers I to III) with this header; 0 if none."""
    if len(header) < _FRAME_HEADER or header[0] != 0xFF or header[1] & 0xE0 != 0xE0:
        return 0
    version, layer = (header[1] >> 3) & 3, 4 - ((header[1] >> 1) & 3)
    bitrate, rate = header[2] >> 4, (header[2] >> 2) & 3
    if version == 1 or layer == 4 or bitrate in (0, 15) or rate == 3:
        return 0
    hertz = _MPEG1_RATES[rate] >> (3 - version if version else 2)
    bits = _BITRATES[version == 3, layer][bitrate - 1] * 1000
    padding = (header[2] >> 1) & 1
    if layer == 1:
        return (12 * bits // hertz + padding) * 4
    return (72 if layer == 3 and version != 3 else 144) * bits // hertz + padding


def _adts_frame_bytes(header: bytes) -> int:
    """Return the length of the AAC frame with this ADTS header; 0 if none."""
    if len(header) < _FRAME_HEADER or header[0] != 0xFF or header[1] & 0xF6 != 0xF0:
        return 0
    length = (header[3] & 3) << 11 | header[4] << 3 | header[5] >> 5
    return length if length >= 7 else 0
