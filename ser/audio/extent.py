"""Extent: how much sound a file holds, and how much is missing, as its own bytes tell.

libsndfile takes the length of an MP3 or Ogg file from an estimate, or from the file's first part,
and ffmpeg's messages do not say how much is lost. So both are measured here, in seconds, for the
containers whose structure tells.
"""

import math
import re
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ser.audio.containers import (
    AAC,
    AIFF,
    ASF,
    AU,
    AVI,
    CAF,
    FLAC,
    FLV,
    MP3,
    OGG,
    SPHERE,
    VOC,
    W64,
    WAV,
    Container,
)
from ser.audio.formats.frames import adts_frame, mpeg_frame, walk_frames
from ser.audio.formats.ogg import read_extent
from ser.audio.formats.riff import byte_order, is_streamed, w64_sound, wav_chunks
from ser.audio.formats.steps import Steps, TooManySteps

#: A file counts as damaged if it lacks more than this much sound.
MIN_LOST_SECONDS = 0.1
_MPEG_CODES = (0x50, 0x55)  # of WAV: layers I and II, layer III
_XING = re.compile(rb"(?:Xing|Info)\x00\x00\x00[\x00-\x0f].{4}", re.DOTALL)  # in a frame of MP3
_XING_OFFSETS = (13, 15, 21, 23, 36, 38)
_HEADER_BYTES = 65_536  # of a file that are searched for its header
_SPHERE_NUMBER = re.compile(rb"^(\w+) -i (\d{1,12})$", re.MULTILINE)
_SPHERE_SIZE = (b"sample_count", b"channel_count", b"sample_n_bytes")
_SPHERE_COMPRESSED = re.compile(rb"^sample_coding -s\d+ .*,", re.MULTILINE)  # "pcm,embedded-…"
_ASF_FILE_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")


@dataclass(frozen=True)
class Extent:
    """What the bytes of a file tell of its length.

    Attributes:
        seconds: sound that a decoder should find; None where the bytes do not tell.
        lost_seconds: sound that is missing.
        lost_ratio: bytes that are missing at the end, for each one that is there.
        in_one_piece: whether libsndfile may hear all of it; False where it would stop early.
        is_streamed: whether the declared length means nothing.
    """

    seconds: float | None = None
    lost_seconds: float = 0.0
    lost_ratio: float = 0.0
    in_one_piece: bool = True
    is_streamed: bool = False

    def lost_of(self, seconds: float) -> float:
        """Return how many seconds are missing beside those that were heard."""
        return self.lost_seconds + self.lost_ratio * seconds


def measure_extent(data: bytes, container: Container) -> Extent:
    """Return what the file `data`, which begins with its container, tells of its length."""
    measure = _MEASURES.get(container)
    try:
        return measure(data) if measure else Extent()
    except TooManySteps:
        return Extent(in_one_piece=False)  # ffmpeg has limits of its own


def _ogg_extent(data: bytes) -> Extent:
    ogg = read_extent(data, Steps())
    return Extent(ogg.seconds, ogg.lost_seconds, in_one_piece=ogg.is_one_link)


def _aac_extent(data: bytes) -> Extent:
    walk = walk_frames(data, 0, adts_frame, Steps())
    return Extent(walk.seconds, walk.lost_seconds)


def _mp3_extent(data: bytes) -> Extent:
    steps = Steps()
    walk = walk_frames(data, 0, mpeg_frame, steps)
    if not walk.n_frames:
        return Extent(in_one_piece=False)
    per_frame = walk.seconds / walk.n_frames
    headers = []
    for match in _XING.finditer(data):
        steps.take(len(_XING_OFFSETS))
        if xing := _read_xing(data, match.start()):
            headers.append(xing)
    # The frame with a header has no sound. Joined files have several; ffmpeg takes the tags
    # between them for frames, and fails at the next one.
    n_sound = walk.n_frames - len(headers)
    n_declared = sum(n_frames for n_frames, _ in headers)
    padding = sum(padding for _, padding in headers) / max(rate for rate, _ in walk.formats)
    lost = max(0, n_declared - n_sound) * per_frame if headers else 0.0
    return Extent(
        (n_sound - walk.n_gaps) * per_frame - (0.0 if lost else padding),
        walk.lost_seconds + lost,
        in_one_piece=len(walk.formats) == 1 and not walk.n_gaps and len(headers) <= 1,
    )


def _read_xing(data: bytes, position: int) -> tuple[int, int] | None:
    """Return the number of frames and of samples of padding that the header declares.

    None if it declares none, or if no frame begins where it should.
    """
    flags, n_frames = struct.unpack_from(">II", data, position + 4)
    # It stands behind the frame's header, its checksum and its side information.
    starts = (position - offset for offset in _XING_OFFSETS if position >= offset)
    if not flags & 1 or not any(mpeg_frame(data[start : start + 8]) for start in starts):
        return None
    encoder = position + 12 + sum(size for bit, size in ((2, 4), (4, 100), (8, 4)) if flags & bit)
    padding = int.from_bytes(data[encoder + 21 : encoder + 24])
    return n_frames, (padding >> 12) + (padding & 0xFFF)


def _flac_extent(data: bytes) -> Extent:
    if len(data) < 26:
        return Extent()
    kind = int.from_bytes(data[18:26])  # rate, channels, bits and number of samples
    rate, n_samples = kind >> 44, kind & (1 << 36) - 1
    is_joined = data.find(b"fLaC\0\0\0\x22", 4) > 0
    if not rate or not n_samples or is_joined:
        return Extent(in_one_piece=not is_joined)
    return Extent(n_samples / rate)


def _wav_extent(data: bytes) -> Extent:
    code = 0
    for chunk in wav_chunks(data):
        if chunk.name == b"fmt " and chunk.start + 2 <= len(data):
            (code,) = struct.unpack_from(f"{byte_order(data)}H", data, chunk.start)
        elif chunk.name == b"data":
            there = min(chunk.size, len(data) - chunk.start)
            # No decoder goes by the number of bytes a second, which is often wrong; but libsndfile
            # stops at its estimate of how long MPEG audio is.
            in_one_piece = code not in _MPEG_CODES
            if is_streamed(chunk.size) or not there:
                return Extent(in_one_piece=in_one_piece, is_streamed=True)
            return Extent(lost_ratio=(chunk.size - there) / there, in_one_piece=in_one_piece)
    return Extent()


def _declared(start: int, size: int, data: bytes) -> Extent:
    """Return the extent of a file that declares `size` bytes of sound from the offset `start`."""
    there = len(data) - start
    if is_streamed(size) or there <= 0:
        return Extent()
    return Extent(lost_ratio=max(0, size - there) / there)


def _aiff_extent(data: bytes) -> Extent:
    position, steps = 12, Steps()
    while position + 8 <= len(data):
        steps.take()
        name, size = struct.unpack_from(">4sI", data, position)
        if name == b"SSND":
            return _declared(position + 8, size, data)
        position += 8 + size + size % 2
    return Extent()


def _caf_extent(data: bytes) -> Extent:
    position, steps = 8, Steps()
    while position + 12 <= len(data):
        steps.take()
        name, size = struct.unpack_from(">4sq", data, position)
        if name == b"data" or size < 0:
            return _declared(position + 12, size, data)
        position += 12 + size
    return Extent()


def _au_extent(data: bytes) -> Extent:
    start, size = struct.unpack_from(">II", data.ljust(12, b"\0"), 4)
    return _declared(start, size, data)


def _w64_extent(data: bytes) -> Extent:
    chunk = w64_sound(data)
    return _declared(chunk.start, chunk.size, data) if chunk else Extent()


def _voc_extent(data: bytes) -> Extent:
    start = position = int.from_bytes(data[20:22], "little")
    n_blocks, steps = 0, Steps()
    while position + 4 <= len(data) and data[position]:  # 0 is the end
        steps.take()
        position += 4 + int.from_bytes(data[position + 1 : position + 4], "little")
        n_blocks += 1
    if position > len(data) and n_blocks > 1:
        return Extent(lost_seconds=math.inf)  # nothing tells how many more blocks there were
    return _declared(start, position - start, data)


def _sphere_extent(data: bytes) -> Extent:
    header = data[:_HEADER_BYTES]
    numbers = dict(_SPHERE_NUMBER.findall(header[: header.find(b"end_head")]))
    if _SPHERE_COMPRESSED.search(header):
        return Extent()
    size = math.prod(int(numbers.get(name, 0)) for name in _SPHERE_SIZE)
    return _declared(int(header.split(b"\n", 2)[1]), size, data)


def _avi_extent(data: bytes) -> Extent:
    position = data.find(b"movi", 0, _HEADER_BYTES)
    if position < 8:
        return Extent()
    (size,) = struct.unpack_from("<I", data, position - 4)
    return _declared(position, size, data)


def _asf_extent(data: bytes) -> Extent:
    position = data.find(_ASF_FILE_PROPERTIES, 0, _HEADER_BYTES)
    if not 0 <= position <= len(data) - 48:
        return Extent()
    (header,) = struct.unpack_from("<Q", data, 16)
    (size,) = struct.unpack_from("<Q", data, position + 40)
    return _declared(header, size - header, data)


def _flv_extent(data: bytes) -> Extent:
    position = data.find(b"filesize\0", 0, _HEADER_BYTES)
    if not 0 <= position <= len(data) - 17:
        return Extent()
    (size,) = struct.unpack_from(">d", data, position + 9)
    return _declared(0, int(size) if 0 < size < 2**31 else 0, data)


_MEASURES: Mapping[Container, Callable[[bytes], Extent]] = {
    AAC: _aac_extent,
    AIFF: _aiff_extent,
    ASF: _asf_extent,
    AU: _au_extent,
    AVI: _avi_extent,
    CAF: _caf_extent,
    FLAC: _flac_extent,
    FLV: _flv_extent,
    MP3: _mp3_extent,
    OGG: _ogg_extent,
    SPHERE: _sphere_extent,
    VOC: _voc_extent,
    W64: _w64_extent,
    WAV: _wav_extent,
}
