"""Whether a file ends before it should, where the decoder that reads it does not say.

libsndfile takes a cut-off WAV or Ogg for a shorter one. The other formats tell of it
by themselves: they declare a length, or ffmpeg complains.
"""

import struct
from collections.abc import Callable, Mapping

from ser.audio.containers import OGG, WAV, Container

# A file that ends early has lost at least this much of what its header declares.
LOST_SECONDS = 0.1
# Writers to a pipe, who cannot know the size, declare 0 or about the largest there is.
_STREAMED_BYTES = 0x7FFF_0000
_OGG_HEADER = 27  # bytes of a page before its segment table
_OGG_LAST = 4  # flag of a stream's last page


def is_truncated(data: bytes, container: Container) -> bool:
    """Say whether the end of the file `data` is missing, as far as `container` tells."""
    check = _CHECKS.get(container)
    return check is not None and check(data)


def _wav_is_cut_off(data: bytes) -> bool:
    at, bytes_per_second = 12, 0
    while at + 8 <= len(data):
        name, size = struct.unpack_from("<4sI", data, at)
        at += 8
        if name == b"fmt " and at + 12 <= len(data):
            (bytes_per_second,) = struct.unpack_from("<I", data, at + 8)
        elif name == b"data":
            lost = at + size - len(data)
            return size < _STREAMED_BYTES and lost > LOST_SECONDS * bytes_per_second
        at += size + size % 2
    return False


def _ogg_is_cut_off(data: bytes) -> bool:
    page = data.rfind(b"OggS\0")
    header = data[page : page + _OGG_HEADER]
    if len(header) < _OGG_HEADER:
        return True
    segments = data[page + _OGG_HEADER :][: header[-1]]
    end = page + _OGG_HEADER + header[-1] + sum(segments)
    return end > len(data) or not header[5] & _OGG_LAST


_CHECKS: Mapping[Container, Callable[[bytes], bool]] = {
    WAV: _wav_is_cut_off,
    OGG: _ogg_is_cut_off,
}
