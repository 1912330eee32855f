"""Pages of an Ogg file: how much sound they hold, and how much of it is missing.

An Ogg file consists of links, one after the other; each holds one or more streams. The position
of a page says how many samples its stream has up to the page's end. Source: RFC 3533, and for
Opus RFC 7845.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from ser.audio.formats.steps import Steps

_HEADER_BYTES = 27  # of a page, before its segment table
_STEP_BYTES = 1_024  # whose checksum takes as long as the rest of a page
_FIRST_PAGE = 2  # flag
_NO_POSITION = -1  # of a page on which no packet ends
_OPUS_RATE = 48_000  # Hz, of positions, whatever the rate of the sound
# A stream that was recorded from the middle of a broadcast begins at a later position.
_MAX_FIRST_PAGE_SECONDS = 5
_PAGE_SECONDS = 1.0  # of a page that is cut off before it says so; what most programs write
_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


class Page(NamedTuple):
    """A page: where it is, what its header says, and whether all of it is there."""

    start: int
    end: int
    is_first: bool
    position: int
    serial: int
    number: int
    body: int
    is_whole: bool


@dataclass
class Stream:
    """One stream of sound.

    Attributes:
        rate: samples a second of its positions, in Hz.
        position: of the last page that is whole.
        start: position at which the sound begins.
        lost: samples that are missing.
        number: of the last page.
    """

    rate: int
    position: int = 0
    start: int = 0
    lost: float = 0.0
    number: int = 0
    n_pages: int = 0

    @property
    def seconds(self) -> float:
        """How long the pages that are there sound, in seconds."""
        return max(0.0, self.position - self.start - self.lost) / self.rate


@dataclass(frozen=True)
class OggExtent:
    """What the pages of a file hold.

    Of several streams side by side, any may be the one that is heard: each link counts as its
    shortest one.

    Attributes:
        seconds: sound that is there.
        lost_seconds: sound that is missing.
        is_one_link: whether the file is one stream of sound and nothing else.
    """

    seconds: float
    lost_seconds: float
    is_one_link: bool


def read_extent(data: bytes, steps: Steps) -> OggExtent:
    """Return how much sound the pages of an Ogg file hold, of all links together.

    Raises:
        TooManySteps: the file has too many pages, or what begins like pages.
    """
    links: list[dict[int, Stream]] = []  # each with its streams by their serial numbers
    others = end = 0
    is_one_piece, is_start = True, False
    cut_off = 0.0  # seconds
    for page in _pages(data, steps):
        is_one_piece &= page.start == end and page.is_whole
        end = page.end
        if end > len(data) and page.position <= 0:
            cut_off = _PAGE_SECONDS
        if page.is_first:
            if not is_start:  # the first pages of all streams of a link stand together
                links.append({})
            if stream := _sound_stream(data[page.body : page.body + 64]):
                stream.number = page.number
                links[-1][page.serial] = stream
            else:
                others += 1
        elif links and page.serial in links[-1]:
            _add(links[-1][page.serial], page)
        is_start = page.is_first
    if b"OggS\0".startswith(data[end : end + 5]) and end < len(data):
        cut_off = _PAGE_SECONDS  # within the header of a page
    found = [list(link.values()) for link in links if link]
    lost = sum(max(stream.lost / stream.rate for stream in link) for link in found)
    is_one_stream = [len(link) for link in found] == [1] and not others
    return OggExtent(
        seconds=sum(min(stream.seconds for stream in link) for link in found),
        lost_seconds=cut_off + lost,
        is_one_link=is_one_piece and end == len(data) and is_one_stream,
    )


def _add(stream: Stream, page: Page) -> None:
    """Count a page of the stream; what is between it and the page before is lost."""
    missing = max(0, page.number - stream.number - 1)
    stream.number = page.number
    is_sound = page.position > 0  # 0 on pages of headers
    if page.position == _NO_POSITION or (not is_sound and page.is_whole):
        return
    if not stream.n_pages and page.position > _MAX_FIRST_PAGE_SECONDS * stream.rate:
        stream.start = stream.position = page.position
    stream.n_pages += 1
    new = max(0, page.position - stream.position)
    if not page.is_whole:
        stream.lost += new
    elif missing:
        stream.lost += new * missing / (missing + 1)
    stream.position = max(stream.position, page.position)


def _pages(data: bytes, steps: Steps) -> Iterator[Page]:
    """Yield the pages in their order; damaged ones as far as their header can be read."""
    start = data.find(b"OggS\0")
    while 0 <= start <= len(data) - _HEADER_BYTES:
        flags, position, serial, number, crc, n_segments = struct.unpack_from(
            "<BqIIIB", data, start + 5
        )
        body = start + _HEADER_BYTES + n_segments
        end = body + sum(data[start + _HEADER_BYTES : body])
        steps.take(1 + (end - start) // _STEP_BYTES)  # pages that are none may overlap
        is_whole = end <= len(data) and crc == _checksum(data[start:end])
        yield Page(start, end, bool(flags & _FIRST_PAGE), position, serial, number, body, is_whole)
        start = (
            end
            if is_whole and data.startswith(b"OggS\0", end)
            else data.find(b"OggS\0", end if is_whole else start + 1)
        )


def _checksum(page: bytes) -> int:
    """Return the CRC of a page, whose own field counts as 0.

    It is zlib's, but for the order of bits, the start and the end.
    """
    blank = page[:22] + bytes(4) + page[26:]
    crc = zlib.crc32(blank.translate(_REVERSED), 0xFFFF_FFFF) ^ 0xFFFF_FFFF
    return int(f"{crc:032b}"[::-1], 2)


def _sound_stream(packet: bytes) -> Stream | None:
    """Return the stream that begins with `packet`; None if it is no sound."""
    rate = pre_skip = 0  # samples in front of the sound, for the decoder to begin with
    try:
        if packet.startswith(b"OpusHead"):
            rate, pre_skip = _OPUS_RATE, struct.unpack_from("<H", packet, 10)[0]
        elif packet.startswith(b"\x01vorbis"):
            (rate,) = struct.unpack_from("<I", packet, 12)
        elif packet.startswith(b"Speex   "):
            (rate,) = struct.unpack_from("<I", packet, 36)
        elif packet.startswith(b"\x7fFLAC"):
            rate = struct.unpack_from(">I", packet, 27)[0] >> 12
    except struct.error:
        pass
    return Stream(rate, start=pre_skip) if rate else None
