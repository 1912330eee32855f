"""Truncation: whether the end of a WAV or Ogg file is missing.

libsndfile reads a truncated WAV or Ogg file as a shorter one, without an error. Other formats
need no check here: they declare a length, or ffmpeg reports an error.
"""

import struct
from collections.abc import Callable, Mapping

from ser.audio.containers import OGG, WAV, Container

# A file counts as truncated if it lacks at least this much of what its header declares.
MIN_LOST_SECONDS = 0.1
# A program that writes to a pipe does not know the size: it declares 0 or a size above this.
_STREAMED_BYTES = 0x7FFF_0000
_OGG_HEADER_BYTES = 27  # of a page, before its segment table
_OGG_LAST_PAGE = 4  # flag


def is_truncated(data: bytes, container: Container) -> bool:
    """Return whether the end of the file `data` is missing; False for other containers."""
    check = _CHECKS.get(container)
    return check is not None and check(data)


def _wav_is_truncated(data: bytes) -> bool:
    position, bytes_per_second = 12, 0
    while position + 8 <= len(data):
        name, size = struct.unpack_from("<4sI", data, position)
        position += 8
        if name == b"fmt " and position + 12 <= len(data):
            (bytes_per_second,) = struct.unpack_from("<I", data, position + 8)
        elif name == b"data":
            lost = position + size - len(data)
            return size < _STREAMED_BYTES and lost > MIN_LOST_SECONDS * bytes_per_second
        position += size + size % 2
    return False


def _ogg_is_truncated(data: bytes) -> bool:
    page = data.rfind(b"OggS\0")
    header = data[page : page + _OGG_HEADER_BYTES]
    if len(header) < _OGG_HEADER_BYTES:
        return True
    segments = data[page + _OGG_HEADER_BYTES :][: header[-1]]
    end = page + _OGG_HEADER_BYTES + header[-1] + sum(segments)
    return end > len(data) or not header[5] & _OGG_LAST_PAGE


_CHECKS: Mapping[Container, Callable[[bytes], bool]] = {
    WAV: _wav_is_truncated,
    OGG: _ogg_is_truncated,
}
