"""Containers: which one a file is, and where it begins, detected from its bytes, never its name.

Text (HTML, playlists such as HLS, DASH, ffconcat and SDP) is refused first, because some
signatures consist of letters: text never reaches a decoder. Tags and zeros in front of a file are
passed over. A format without a magic number is detected by its frames: each must begin where the
one before ends. Such a file may begin anywhere, in the middle of a frame too.
"""

import re
from dataclasses import dataclass
from typing import NamedTuple

from ser.audio.formats import frames
from ser.audio.formats.frames import ReadHeader, find_frames, tag_bytes
from ser.audio.formats.steps import Steps


@dataclass(frozen=True)
class Container:
    """A supported container.

    Attributes:
        demuxer: of ffmpeg.
        soundfile: whether libsndfile reads it.
        has_times: whether it says when each part of the sound is to be heard.
    """

    demuxer: str
    soundfile: bool = False
    has_times: bool = True


class Found(NamedTuple):
    """A container, and the offset at which it begins in the file."""

    container: Container
    start: int = 0


WAV = Container("wav", soundfile=True)
AIFF = Container("aiff", soundfile=True)
FLAC = Container("flac", soundfile=True)
OGG = Container("ogg", soundfile=True)
MP3 = Container("mp3", soundfile=True, has_times=False)
AU = Container("au", soundfile=True)
CAF = Container("caf", soundfile=True)
W64 = Container("w64", soundfile=True)
VOC = Container("voc")
SPHERE = Container("nistsphere", soundfile=True)
MP4 = Container("mov")
MATROSKA = Container("matroska")
AAC = Container("aac", has_times=False)
LATM = Container("loas", has_times=False)
AC3 = Container("ac3", has_times=False)
EAC3 = Container("eac3", has_times=False)
DTS = Container("dts", has_times=False)
AMR = Container("amr")
APE = Container("ape")
ASF = Container("asf")
AVI = Container("avi")
FLV = Container("flv")
MPEG_TS = Container("mpegts")
MPEG_PS = Container("mpeg")
MXF = Container("mxf")
REAL = Container("rm")
TTA = Container("tta")
WAVPACK = Container("wv")

CONTAINERS = (
    WAV, AIFF, FLAC, OGG, MP3, AU, CAF, W64, VOC, SPHERE, MP4, MATROSKA, AAC, LATM, AC3, EAC3, DTS,
    AMR, APE, ASF, AVI, FLV, MPEG_TS, MPEG_PS, MXF, REAL, TTA, WAVPACK,
)  # fmt: skip

_PREFIXES = (
    (b"fLaC\x00\x00\x00\x22", FLAC),
    (b"fLaC\x80\x00\x00\x22", FLAC),  # no other metadata follows
    (b"OggS\x00", OGG),
    (b".snd\x00", AU),
    (b"caff\x00\x01", CAF),
    (b"riff\x2e\x91\xcf\x11", W64),
    (b"Creative Voice File\x1a", VOC),
    (b"\x1a\x45\xdf\xa3", MATROSKA),
    (b"#!AMR\n", AMR),
    (b"#!AMR-WB\n", AMR),
    (bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c"), ASF),
    (b"FLV\x01", FLV),
    (b"\x00\x00\x01\xba", MPEG_PS),
    (bytes.fromhex("060e2b34020501010d010201"), MXF),
    (b".RMF\x00\x00\x00", REAL),
    (b".ra\xfd", REAL),
    (b"TTA1\x01\x00", TTA),
)
_IFF_TYPES = {  # of a file in chunks: its bytes 0 to 3 and 8 to 11
    (b"RIFF", b"WAVE"): WAV,
    (b"RIFX", b"WAVE"): WAV,
    (b"RF64", b"WAVE"): WAV,
    (b"BW64", b"WAVE"): WAV,
    (b"RIFF", b"AVI "): AVI,
    (b"FORM", b"AIFF"): AIFF,
    (b"FORM", b"AIFC"): AIFF,
}
_MP4_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"styp", b"moof")
# Bytes that are searched for control characters. Compressed sound has none in them once in 10^12.
_TEXT_HEAD = 256
# Control characters that no text contains, in UTF-8 or an older encoding. Text may contain tab,
# newline, form feed and carriage return.
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0e-\x1f\x7f]")
_ZEROS = re.compile(rb"\0+")
_MOST_ZEROS = 4  # that a file can begin with: the size of a box of MP4, the code of an MPEG stream
_APE_VERSIONS = range(3_800, 3_991)  # those that ffmpeg reads, times 1,000
_SPHERE = re.compile(rb"NIST_1A\n *(\d{3,5})\n")  # then a header of this many bytes, in text

_MAX_TAGS = 1_000  # and runs of zeros, in front of the sound
_MAX_PADDING = 65_536  # bytes of zeros, or of parts of frames, in front of the first frame
_TS_PACKETS = (188, 192, 204)  # bytes: MPEG-TS, with a time stamp (AVCHD), with a checksum
_N_TS_PACKETS = 5  # that must follow each other where the file does not begin with one
# A pack of MPEG-1 or MPEG-2, with the bits that each such header has, and a packet in it.
_PS_PACK = re.compile(
    rb"\x00\x00\x01\xba(?:[\x21-\x2f].{7}|[\x44-\x7f].{9})\x00\x00\x01[\xbb-\xef]", re.DOTALL
)
_N_FRAMES = 4  # the same for frames; in random bytes this happens once in 10^12

_FRAMES: tuple[tuple[ReadHeader, Container], ...] = (
    (frames.mpeg_frame, MP3),
    (frames.adts_frame, AAC),
    (frames.ac3_frame, AC3),
    (frames.eac3_frame, EAC3),
    (frames.dts_frame, DTS),
    (frames.latm_frame, LATM),
)


def detect_container(data: bytes) -> Found | None:
    """Return the container of the file `data`; None if it is text or of an unknown format."""
    start = _skip_tags(data)
    zeros = min(_MOST_ZEROS, start - len(data[:start].rstrip(b"\0")))
    for position in range(start - zeros, start):
        if found := _detect_signature(data, position):
            return found
    if (found := _detect_sphere(data, start)) or not _CONTROL.search(
        data, start, start + _TEXT_HEAD
    ):
        return found
    return _detect_signature(data, start) or _detect_frames(data, start)


def _detect_signature(data: bytes, start: int) -> Found | None:
    for prefix, container in _PREFIXES:
        if data.startswith(prefix, start):
            return Found(container, start)
    iff_type = (data[start : start + 4], data[start + 8 : start + 12])
    if iff_type in _IFF_TYPES:
        return Found(_IFF_TYPES[iff_type], start)
    # The size comes before the name. If it were letters, the box would be above 512 MB.
    if data[start + 4 : start + 8] in _MP4_BOXES and data[start] < 0x20:
        return Found(MP4, start)
    version = int.from_bytes(data[start + 4 : start + 6], "little")
    if data.startswith(b"MAC ", start) and version in _APE_VERSIONS:
        return Found(APE, start)
    if data.startswith(b"wvpk", start) and data[start + 9 : start + 10] in (b"\x04", b"\0"):
        return Found(WAVPACK, start)
    return None


def _skip_tags(data: bytes) -> int:
    """Return the offset behind all tags and zeros at the beginning."""
    start = 0
    for _ in range(_MAX_TAGS):
        if length := tag_bytes(data, start):
            start += length
        elif match := _ZEROS.match(data, start):
            start = match.end()
        else:
            break
    return min(start, len(data))


def _detect_sphere(data: bytes, start: int) -> Found | None:
    """Detect NIST SPHERE: its header is text, so the sound behind it must not be."""
    if (match := _SPHERE.match(data, start)) is None:
        return None
    sound = start + int(match[1])
    is_binary = _CONTROL.search(data, sound, sound + _TEXT_HEAD)
    return Found(SPHERE, start) if is_binary else None


def _detect_frames(data: bytes, start: int) -> Found | None:
    """Detect formats of frames or packets: first at the beginning, then further behind it."""
    for read_header, container in _FRAMES:
        if find_frames(data, start, start + 1, read_header, 2, Steps()) is not None:
            return Found(container, start)
    if _ts_packet_bytes(data, start, 3):
        return Found(MPEG_TS, start)
    stop = start + _MAX_PADDING
    found = [
        Found(container, position)
        for read_header, container in _FRAMES
        if (position := find_frames(data, start, stop, read_header, _N_FRAMES, Steps())) is not None
    ]
    position = data.find(b"\x47", start, stop)
    while position >= 0 and not _ts_packet_bytes(data, position, _N_TS_PACKETS):
        position = data.find(b"\x47", position + 1, stop)
    if position >= 0:
        found.append(Found(MPEG_TS, position))
    if match := _PS_PACK.search(data, start, stop):
        found.append(Found(MPEG_PS, match.start()))
    return min(found, key=lambda candidate: candidate.start, default=None)


def _ts_packet_bytes(data: bytes, start: int, n_packets: int) -> int:
    """Return the length of the packets of MPEG-TS that begin at `start`; 0 if there are none.

    A packet of 192 bytes begins with a time stamp of four.
    """
    for length in _TS_PACKETS:
        first = start + (4 if length == 192 and data[start : start + 1] != b"\x47" else 0)
        heads = [data[first + n * length : first + n * length + 4] for n in range(n_packets)]
        if all(_is_ts_header(head) for head in heads):
            return length
    return 0


def _is_ts_header(header: bytes) -> bool:
    """Return whether this is the header of an MPEG-TS packet that is not empty."""
    return len(header) == 4 and header[0] == 0x47 and header[3] & 0x30 != 0
