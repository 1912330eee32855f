"""Chunks of WAV files (RIFF, RIFX, RF64, BW64) and of Sony's Wave64."""

import struct
from collections.abc import Iterator
from typing import NamedTuple

from ser.audio.containers import W64, WAV, Container

# A program that writes to a pipe does not know the size: it declares 0 or a size above this.
STREAMED_BYTES = 0x7FFF_0000
_MAX_CHUNKS = 100_000  # of a file; what follows is left to the decoders
_W64_DATA = b"data\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a"
_W64_HEAD = 24  # bytes of a chunk's name and size, which the size counts


class Chunk(NamedTuple):
    """A chunk: its name, the offset of its content, and the size that it declares."""

    name: bytes
    start: int
    size: int


def byte_order(data: bytes) -> str:
    """Return the byte order of the file's numbers, as `struct` writes it."""
    return ">" if data.startswith(b"RIFX") else "<"


def wav_chunks(data: bytes) -> Iterator[Chunk]:
    """Yield the chunks of a WAV file; the last one may declare more than there is."""
    order, position, large_size = byte_order(data), 12, 0
    for _ in range(_MAX_CHUNKS):
        if position + 8 > len(data):
            return
        name, size = struct.unpack_from(f"{order}4sI", data, position)
        position += 8
        if name == b"ds64" and position + 16 <= len(data):
            (large_size,) = struct.unpack_from(f"{order}Q", data, position + 8)
        if name == b"data" and size == 0xFFFF_FFFF and large_size:
            size = large_size
        yield Chunk(name, position, size)
        if name == b"data" and is_streamed(size):
            return
        position += size + size % 2


def w64_sound(data: bytes) -> Chunk | None:
    """Return the chunk of sound of a Wave64."""
    start = data.find(_W64_DATA)
    if start < 0 or start + _W64_HEAD > len(data):
        return None
    (size,) = struct.unpack_from("<Q", data, start + 16)
    return Chunk(b"data", start + _W64_HEAD, size - _W64_HEAD)


def is_streamed(size: int) -> bool:
    """Return whether this declared size means that the writer did not know it."""
    return not 0 < size < STREAMED_BYTES


def repaired(data: bytes, container: Container) -> bytes:
    """Return a file of which decoders hear everything.

    They hear the first chunk of sound of a WAV only, and refuse a Wave64 of unknown size.
    """
    if container == WAV:
        return _with_one_data_chunk(data)
    return _with_w64_size(data) if container == W64 else data


def _with_one_data_chunk(data: bytes) -> bytes:
    sound = [chunk for chunk in wav_chunks(data) if chunk.name == b"data" and chunk.size]
    if len(sound) < 2:
        return data
    joined = b"".join(data[chunk.start : chunk.start + chunk.size] for chunk in sound)
    head = data[: sound[0].start - 4]
    return head + struct.pack(f"{byte_order(data)}I", len(joined)) + joined


def _with_w64_size(data: bytes) -> bytes:
    chunk = w64_sound(data)
    if chunk is None or 0 < chunk.size < 1 << 62:
        return data
    there = len(data) - chunk.start + _W64_HEAD
    head = data[:16] + struct.pack("<Q", len(data)) + data[24 : chunk.start - 8]
    return head + struct.pack("<Q", there) + data[chunk.start :]
