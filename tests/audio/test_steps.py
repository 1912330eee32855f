"""Files that are made to take work: reading their structure ends after a number of steps."""

import struct

import pytest

from ser.audio import load_audio
from ser.audio.containers import detect_container
from ser.audio.extent import Extent, measure_extent
from ser.audio.formats import ogg, riff, steps
from ser.audio.formats.frames import adts_frame, mpeg_frame, walk_frames
from ser.audio.formats.steps import MAX_STEPS, Steps
from tests import files, synth

OGG_HEADER = b"OggS\0" + struct.pack("<BqIIIB", 0, 0, 1, 0, 0, 255)
N = 20_000


@pytest.fixture
def few_steps(monkeypatch):
    monkeypatch.setattr(steps, "MAX_STEPS", N // 10)


def hostile(extension: str, part: bytes) -> bytes:
    """Return a whole file of this extension, with so many parts behind it."""
    return files.encoded(extension) + part * N


def extent_of(data: bytes) -> Extent:
    found = detect_container(data)
    assert found is not None
    return measure_extent(data[found.start :], found.container)


HOSTILE = {
    "headers of MPEG audio": ("mp3", b"\xff\xfb\x10\0\0"),
    "headers of Xing": ("mp3", b"Info\0\0\0\x0f\0\0\0\x01"),
    "tags": ("mp3", b"ID3\x04\0\0\0\0\0\0"),
    "headers of AAC": ("aac", b"\xff\xf1\x50\x80\0"),
    "frames of AAC": ("aac", bytes.fromhex("fff15080011ffcff")),
    "headers of Ogg": ("ogg", OGG_HEADER + b"\xff" * 37),
    "pages of Ogg": ("ogg", OGG_HEADER[:26] + b"\0"),
}


@pytest.mark.usefixtures("few_steps")
@pytest.mark.parametrize("name", HOSTILE)
def test_a_file_that_asks_for_too_many_steps_is_left_to_ffmpeg(name):
    data = hostile(*HOSTILE[name])
    extent = extent_of(data)
    assert extent.seconds is None
    assert not extent.in_one_piece


@pytest.mark.usefixtures("few_steps")
@pytest.mark.parametrize("extension", ["mp3", "aac", "ogg", "opus", "wav", "aiff", "caf"])
def test_a_whole_file_takes_few_steps(extension):
    data = files.encoded(extension)
    assert extent_of(data).in_one_piece
    assert load_audio(data).duration == pytest.approx(files.SECONDS, abs=0.1)


@pytest.mark.parametrize(("extension", "read"), [("mp3", mpeg_frame), ("aac", adts_frame)])
def test_bytes_that_are_all_ones_take_no_steps(extension, read):
    taken = Steps()
    walk = walk_frames(hostile(extension, b"\xff"), 0, read, taken)
    assert walk.n_frames
    assert MAX_STEPS - taken.left < walk.n_frames + 10


def test_pages_of_ogg_that_overlap_take_steps_by_their_bytes(monkeypatch):
    """Each of these headers declares up to 65 KB, and the next one is 64 bytes behind."""
    n_bytes = []
    checksum = ogg._checksum
    monkeypatch.setattr(
        ogg, "_checksum", lambda page: [n_bytes.append(len(page)), checksum(page)][1]
    )
    monkeypatch.setattr(steps, "MAX_STEPS", N)
    data = hostile("ogg", HOSTILE["headers of Ogg"][1])
    with pytest.raises(steps.TooManySteps):
        ogg.read_extent(data, Steps())
    assert sum(n_bytes) < 1100 * N


def test_chunks_of_wav_that_never_end(monkeypatch):
    monkeypatch.setattr(riff, "_MAX_CHUNKS", 100)
    data = synth.wav(synth.voice(1.0))
    junk = b"JUNK\0\0\0\0"
    for n in (50, 200):
        longer = data[:36] + junk * n + data[36:]
        assert len(list(riff.wav_chunks(longer))) == min(n + 2, 100)
        assert load_audio(longer).duration == pytest.approx(1.0, abs=0.1)
