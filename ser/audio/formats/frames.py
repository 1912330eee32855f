"""Frames of MPEG audio (mp1, mp2, mp3), AAC, AC-3, E-AC-3, DTS and LATM.

These formats have no magic number: a file is a row of frames, and each header tells where the
next frame begins. Sources: ISO 11172-3, 13818-3, 13818-7, 14496-3; ETSI TS 102 366 and 102 114.
"""

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from ser.audio.formats.steps import Steps

HEADER_BYTES = 8  # of a frame: enough for its length in each format


class Frame(NamedTuple):
    """What a frame's header says.

    Attributes:
        length: bytes, the header included.
        samples: for each channel; 0 where it is not read.
        rate: sample rate, in Hz; 0 where it is not read.
        channels: their number; 0 where it is not read.
    """

    length: int
    samples: int = 0
    rate: int = 0
    channels: int = 0


#: Reads a frame's header from the first `HEADER_BYTES` of it; None if this is no header.
ReadHeader = Callable[[bytes], Frame | None]

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
_AAC_RATES = (
    96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025,
    8_000, 7_350,
)  # fmt: skip
_AC3_KBITS = (
    32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640,
)  # fmt: skip


def mpeg_frame(header: bytes) -> Frame | None:
    """Read the header of a frame of MPEG audio, layers I to III."""
    return _mpeg_frame(header[1], header[2], header[3] >> 6) if header[0] == 0xFF else None


@functools.lru_cache(4096)  # a file has few different headers, and thousands of frames
def _mpeg_frame(second: int, third: int, mode: int) -> Frame | None:
    version, layer = (second >> 3) & 3, 4 - ((second >> 1) & 3)
    bitrate, rate_index = third >> 4, (third >> 2) & 3
    is_reserved = version == 1 or layer == 4 or bitrate in (0, 15) or rate_index == 3
    if second & 0xE0 != 0xE0 or is_reserved:
        return None
    is_mpeg1 = version == 3
    rate = _MPEG1_RATES[rate_index] >> (3 - version if version else 2)
    bits = _BITRATES[is_mpeg1, layer][bitrate - 1] * 1000
    padding = (third >> 1) & 1
    channels = 1 if mode == 3 else 2
    if layer == 1:
        return Frame((12 * bits // rate + padding) * 4, 384, rate, channels)
    samples = 576 if layer == 3 and not is_mpeg1 else 1152
    return Frame(samples // 8 * bits // rate + padding, samples, rate, channels)


def adts_frame(header: bytes) -> Frame | None:
    """Read the header of a frame of AAC in ADTS."""
    if header[0] != 0xFF or header[1] & 0xF6 != 0xF0:
        return None
    length = (header[3] & 3) << 11 | header[4] << 3 | header[5] >> 5
    rate_index = (header[2] >> 2) & 15
    if length < 7 or rate_index >= len(_AAC_RATES):
        return None
    channels = (header[2] & 1) << 2 | header[3] >> 6
    return Frame(length, 1024 * (1 + (header[6] & 3)), _AAC_RATES[rate_index], channels)


def ac3_frame(header: bytes) -> Frame | None:
    """Read the length of a frame of AC-3."""
    size, rate = header[4] & 63, header[4] >> 6
    if header[:2] != b"\x0b\x77" or header[5] >> 3 > 10 or rate == 3 or size >= 38:
        return None
    kbits = _AC3_KBITS[size >> 1]
    words = (2 * kbits, (320 * kbits // 147) + (size & 1), 3 * kbits)[rate]
    return Frame(2 * words)


def eac3_frame(header: bytes) -> Frame | None:
    """Read the length of a frame of E-AC-3."""
    if header[:2] != b"\x0b\x77" or not 10 < header[5] >> 3 <= 16:
        return None
    return Frame(2 * (((header[2] & 7) << 8 | header[3]) + 1))


def dts_frame(header: bytes) -> Frame | None:
    """Read the length of a frame of DTS in words of 16 bits, the high byte first."""
    if header[:4] != b"\x7f\xfe\x80\x01":
        return None
    return Frame(((header[5] & 3) << 12 | header[6] << 4 | header[7] >> 4) + 1)


def latm_frame(header: bytes) -> Frame | None:
    """Read the length of a frame of AAC in LATM with LOAS's sync word."""
    if header[0] != 0x56 or header[1] & 0xE0 != 0xE0:
        return None
    length = (header[1] & 31) << 8 | header[2]
    return Frame(3 + length) if length else None


def find_frames(
    data: bytes, start: int, stop: int, read_header: ReadHeader, n_frames: int, steps: Steps
) -> int | None:
    """Return the first offset in `start` to `stop` at which `n_frames` frames follow each other.

    Fewer are enough where the file ends with the last of them.

    Raises:
        TooManySteps: there are too many headers without such frames behind them.
    """
    for match in _SYNC[read_header].finditer(data, start, stop + HEADER_BYTES):
        if match.start() >= stop:
            break
        steps.take()
        if _are_frames(data, match.start(), read_header, n_frames):
            return match.start()
    return None


def _are_frames(data: bytes, position: int, read_header: ReadHeader, n_frames: int) -> bool:
    for n in range(n_frames):
        if n >= 2 and position == len(data):
            break
        frame = _frame_at(data, position, read_header)
        if frame is None:
            return False
        position += frame.length
    return True


def _frame_at(data: bytes, position: int, read_header: ReadHeader) -> Frame | None:
    header = data[position : position + HEADER_BYTES]
    return read_header(header) if len(header) == HEADER_BYTES else None


# Where a header may begin. Each pattern takes one byte, so that none is skipped, and passes over
# bytes that are all ones.
_SYNC: dict[ReadHeader, re.Pattern[bytes]] = {
    mpeg_frame: re.compile(rb"\xff(?=[\xe2-\xe7\xf2-\xf7\xfa-\xff][\x10-\xef])"),
    adts_frame: re.compile(rb"\xff(?=[\xf0\xf1\xf8\xf9])"),
    ac3_frame: re.compile(rb"\x0b(?=\x77)"),
    eac3_frame: re.compile(rb"\x0b(?=\x77)"),
    dts_frame: re.compile(rb"\x7f(?=\xfe\x80\x01)"),
    latm_frame: re.compile(rb"\x56(?=[\xe0-\xff])"),
}


@dataclass
class FrameWalk:
    """What was found on the way over all frames of a file.

    Attributes:
        first: offset of the first frame.
        n_frames: those that are whole.
        seconds: how long these frames sound.
        lost: bytes between frames that belong to no frame and to no tag.
        bytes: bytes of the frames.
        formats: the sample rates and channels that occur.
        n_gaps: places where anything else stands between two frames.
    """

    first: int
    n_frames: int = 0
    seconds: float = 0.0
    lost: int = 0
    bytes: int = 0
    formats: frozenset[tuple[int, int]] = frozenset()
    n_gaps: int = 0

    @property
    def lost_seconds(self) -> float:
        """The sound that the bytes between the frames would hold, in seconds."""
        return self.lost / self.bytes * self.seconds if self.bytes else 0.0


def walk_frames(data: bytes, first: int, read_header: ReadHeader, steps: Steps) -> FrameWalk:
    """Go from frame to frame, from the offset `first` to the end of the file.

    What follows the last frame is not counted: the last frame may be cut off, and programs
    append tags and zeros.

    Raises:
        TooManySteps: the file has too many frames, or what begins like frames.
    """
    walk, counts = FrameWalk(first), dict[Frame, int]()
    position = end = first  # `end` of the last frame
    gap = 0
    while position < len(data):
        steps.take()
        frame = _frame_at(data, position, read_header)
        if frame is not None and position + frame.length <= len(data):
            if position != end:
                walk.n_gaps, walk.lost = walk.n_gaps + 1, walk.lost + gap
            counts[frame] = counts.get(frame, 0) + 1
            position = end = position + frame.length
            gap = 0
        elif length := tag_bytes(data, position):
            position += length
        elif (
            found := find_frames(data, position + 1, len(data), read_header, 3, steps)
        ) is not None:
            gap += found - position
            position = found
        else:
            break
    walk.n_frames = sum(counts.values())
    walk.bytes = sum(frame.length * n for frame, n in counts.items())
    walk.seconds = sum(frame.samples / frame.rate * n for frame, n in counts.items())
    walk.formats = frozenset((frame.rate, frame.channels) for frame in counts)
    return walk


def tag_bytes(data: bytes, position: int) -> int:
    """Return the length of the tag at `position` (ID3v2, ID3v1 or APEv2); 0 if there is none."""
    head = data[position : position + 32]
    if head.startswith(b"ID3") and len(head) >= 10 and max(head[6:10]) < 0x80:
        # The tag's size is stored in four bytes of seven bits each; a footer repeats the header.
        size = functools.reduce(lambda size, byte: size << 7 | byte, head[6:10], 0)
        return 10 + size + (10 if head[5] & 0x10 else 0)
    if head.startswith(b"TAG") and len(data) - position >= 128:
        return 128
    if head.startswith(b"APETAGEX") and len(head) == 32:
        size, is_header = int.from_bytes(head[12:16], "little"), head[23] & 0x20
        return 32 + size if is_header else 32
    return 0
