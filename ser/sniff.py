"""Which container some bytes are, by their first bytes and never by a name.

Text of any kind (HTML, playlists such as HLS, DASH, ffconcat and SDP) matches no
signature, so it never reaches a decoder.
"""

import functools
from dataclasses import dataclass

#: As much of a file's head as `sniff` looks at, in bytes.
HEAD_BYTES = 4096

_ASF_GUID = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
_TS_PACKET = 188  # bytes


@dataclass(frozen=True)
class Container:
    """A container we take: the ffmpeg demuxer for it, and whether soundfile reads it."""

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
    (b"RF64", WAV),
    (b"fLaC", FLAC),
    (b"OggS", OGG),
    (b".snd", AU),
    (b"caff", CAF),
    (b"riff\x2e\x91\xcf\x11", W64),
    (b"\x1a\x45\xdf\xa3", MATROSKA),
    (b"#!AMR", AMR),
    (_ASF_GUID, ASF),
    (b"FLV\x01", FLV),
    (b"\x00\x00\x01\xba", MPEG_PS),
)
_MP4_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")


def sniff(head: bytes) -> Container | None:
    """Return the container whose file begins with `head`, or None.

    Args:
        head: the first `HEAD_BYTES` bytes of the file, or all of a shorter one.
    """
    for prefix, container in _PREFIXES:
        if head.startswith(prefix):
            return container
    if head[:4] == b"RIFF":
        return {b"WAVE": WAV, b"AVI ": AVI}.get(head[8:12])
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return AIFF
    if head[4:8] in _MP4_BOXES:
        return MP4
    if head[:3] == b"ID3":
        return _after_id3(head)
    if _is_mpeg_audio(head):
        return MP3
    if len(head) > 1 and head[0] == 0xFF and head[1] & 0xF6 == 0xF0:
        return AAC
    if len(head) > 2 * _TS_PACKET and {head[0], head[_TS_PACKET], head[2 * _TS_PACKET]} == {0x47}:
        return MPEG_TS
    return None


def _after_id3(head: bytes) -> Container:
    """Return what follows an ID3v2 tag: mp3, but some tools tag flac and aac as well."""
    if len(head) < 10:
        return MP3
    # The tag's size is in four bytes of seven bits.
    size = 10 + functools.reduce(lambda size, byte: size << 7 | byte & 0x7F, head[6:10], 0)
    body = head[size:]
    if body.startswith(b"fLaC"):
        return Container("flac")
    if len(body) > 1 and body[0] == 0xFF and body[1] & 0xF6 == 0xF0:
        return AAC
    return MP3


def _is_mpeg_audio(head: bytes) -> bool:
    """Say whether `head` is an MPEG audio frame header of layer I to III with legal fields."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return False
    version, layer = (head[1] >> 3) & 3, (head[1] >> 1) & 3
    bitrate, rate = head[2] >> 4, (head[2] >> 2) & 3
    return version != 1 and layer != 0 and bitrate != 15 and rate != 3
