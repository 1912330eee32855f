"""Any file to mono float32 at 22,050 Hz, or a clear error."""

import struct
import subprocess

import librosa
import numpy as np
import pytest

from ser import errors, ffmpeg
from ser.audio import SAMPLE_RATE, load_audio
from ser.remarks import DAMAGED, WARNINGS
from ser.sniff import CONTAINERS, MP3, sniff
from tests import synth

RATE = 48_000


@pytest.fixture(scope="module")
def voice():
    return synth.voice(2.0, RATE)


@pytest.mark.parametrize("channels", [1, 2, 8])
@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 192_000])
def test_equals_librosa(tmp_path, rate, channels):
    samples = np.stack([synth.voice(1.0, rate, seed=c) for c in range(channels)], axis=1)
    path = tmp_path / "clip.wav"
    path.write_bytes(synth.wav(samples, rate))
    expected, _ = librosa.load(path)
    audio = load_audio(path)
    assert audio.samples.dtype == np.float32
    assert audio.samples.ndim == 1
    n = len(audio.samples)
    assert abs(len(expected) - n) <= 1  # librosa pads a sample
    np.testing.assert_array_equal(audio.samples, expected[:n])
    assert audio.duration == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize("extension", ["wav", "m4a"])
def test_another_rate(tmp_path, voice, extension):
    data = synth.encoded(voice, RATE, tmp_path / f"clip.{extension}")
    audio = load_audio(data, rate=16_000, max_seconds=1.5)
    assert audio.rate == 16_000
    assert audio.truncated
    assert (audio.duration, len(audio.samples)) == (1.5, 24_000)


@pytest.mark.parametrize(
    "subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW"]
)
def test_wav_subtypes(voice, subtype):
    audio = load_audio(synth.wav(voice, RATE, subtype))
    reference = load_audio(synth.wav(voice, RATE, "FLOAT"))
    assert audio.duration == pytest.approx(2.0, abs=1e-3)
    assert np.abs(audio.samples - reference.samples).max() < 0.05
    assert not audio.warnings


ENCODINGS = {
    "flac": [],
    "mp3": [],
    "ogg": ["-c:a", "libvorbis"],
    "opus": ["-c:a", "libopus"],
    "m4a": ["-c:a", "aac"],
    "mp4": ["-f", "lavfi", "-i", "color=s=32x32:d=2", "-c:a", "aac", "-shortest"],
    "webm": ["-c:a", "libopus"],
    "mkv": ["-c:a", "aac"],
    "aac": [],
    "wma": [],
    "ts": ["-c:a", "aac"],
    "avi": [],
    "mpg": [],
    "aiff": [],
    "caf": [],
    "au": [],
}


@pytest.mark.parametrize("extension", ENCODINGS)
def test_formats(tmp_path, voice, extension):
    data = synth.encoded(voice, RATE, tmp_path / f"clip.{extension}", *ENCODINGS[extension])
    audio = load_audio(data)
    assert audio.duration == pytest.approx(2.0, abs=0.1)
    assert not audio.warnings
    # The same sound: its spectrum follows the original's.
    reference = load_audio(synth.wav(voice, RATE))
    a, b = (librosa.feature.mfcc(y=x.samples, n_mfcc=13).mean(axis=1) for x in (audio, reference))
    assert np.corrcoef(a, b)[0, 1] > 0.95


def test_mp4_with_its_index_last(tmp_path, voice):
    data = synth.encoded(voice, RATE, tmp_path / "clip.mp4", "-c:a", "aac")
    assert data.index(b"moov") > data.index(b"mdat")
    assert load_audio(data).duration == pytest.approx(2.0, abs=0.1)


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF])
def test_streamed_wav(voice, size):
    data = bytearray(synth.wav(voice, RATE))
    data[4:8] = data[40:44] = struct.pack("<I", size)
    assert load_audio(bytes(data)).duration == pytest.approx(2.0, abs=0.01)


def test_cut_off_mp3_is_read_with_a_warning(tmp_path, voice):
    data = synth.encoded(voice, RATE, tmp_path / "clip.mp3")
    audio = load_audio(data[: len(data) * 2 // 3])
    assert 1.0 < audio.duration < 1.6
    assert audio.warnings == (DAMAGED,)
    assert DAMAGED in WARNINGS


def test_longer_than_the_limit(tmp_path, voice):
    for data in (synth.wav(voice, RATE), synth.encoded(voice, RATE, tmp_path / "clip.m4a")):
        audio = load_audio(data, max_seconds=1.2)
        assert audio.truncated
        assert audio.duration == pytest.approx(1.2, abs=1e-3)
        assert not load_audio(data, max_seconds=2.5).truncated


def _wav_with(offset: int, packed: bytes) -> bytes:
    data = bytearray(synth.wav(synth.voice(0.5)))
    data[offset : offset + len(packed)] = packed
    return bytes(data)


_VOICE = synth.voice(0.5)
BAD = {
    "empty": (b"", errors.EmptyFile, "0 bytes"),
    "text": (b"hello, this is no audio", errors.UnsupportedMedia, "no audio or video"),
    "playlist": (b"#EXTM3U\n#EXTINF:1,\nhttp://x/\n", errors.UnsupportedMedia, "no audio"),
    "dash": (b"<?xml version='1.0'?><MPD></MPD>", errors.UnsupportedMedia, "no audio"),
    "image": (b"\x89PNG\r\n\x1a\n" + bytes(99), errors.UnsupportedMedia, "no audio"),
    "header only": (synth.wav(_VOICE[:0]), errors.NoAudio, "no audio"),
    "garbage after a header": (b"\0\0\0\x18ftypisom" + bytes(4000), errors.Damaged, "mov"),
    "1 Hz": (_wav_with(24, struct.pack("<I", 1)), errors.UnsupportedFormat, "1 Hz; 4000 to"),
    "9 channels": (
        synth.wav(np.tile(_VOICE[:, None], (1, 9))),
        errors.UnsupportedFormat,
        "9 channels; 1 to 8",
    ),
    "NaN": (
        synth.wav(np.where(np.arange(len(_VOICE)) == 7, np.nan, _VOICE), subtype="FLOAT"),
        errors.InvalidSamples,
        "NaN",
    ),
    "short": (synth.wav(_VOICE[:4000]), errors.TooShort, "at least 0.3 s"),
    "silence": (synth.wav(np.zeros(22_050)), errors.Silent, "silence"),
    "constant": (synth.wav(np.full(22_050, 0.4)), errors.Silent, "silence"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input(name):
    data, error, words = BAD[name]
    with pytest.raises(error, match=words):
        load_audio(data)


def test_video_without_sound(tmp_path):
    path = tmp_path / "silent.mp4"
    source = ["-f", "lavfi", "-i", "testsrc=d=1:s=64x64"]
    subprocess.run([ffmpeg.ffmpeg_path(), "-loglevel", "error", *source, path], check=True)
    with pytest.raises(errors.NoAudio):
        load_audio(path)


def test_mp4_cut_off_before_its_index(tmp_path, voice):
    data = synth.encoded(voice, RATE, tmp_path / "clip.mp4", "-c:a", "aac")
    with pytest.raises(errors.Damaged):
        load_audio(data[: data.index(b"moov") - 4])


def test_decoder_that_takes_too_long(tmp_path, voice):
    data = synth.encoded(voice, RATE, tmp_path / "clip.m4a")
    with pytest.raises(errors.DecoderTimeout, match="more than"):
        load_audio(data, timeout_s=0.001)


def test_no_ffmpeg_anywhere(tmp_path, voice, monkeypatch):
    data = synth.encoded(voice, RATE, tmp_path / "clip.m4a")
    ffmpeg.ffmpeg_path.cache_clear()
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(tmp_path / "gone"))
    try:
        with pytest.raises(errors.DecoderUnavailable):
            load_audio(data)
    finally:
        ffmpeg.ffmpeg_path.cache_clear()


def test_ffmpeg_of_the_package_serves_where_the_system_has_none(tmp_path, voice, monkeypatch):
    data = synth.encoded(voice, RATE, tmp_path / "clip.m4a")
    ffmpeg.ffmpeg_path.cache_clear()
    monkeypatch.setenv("PATH", str(tmp_path))
    try:
        assert "imageio_ffmpeg" in ffmpeg.ffmpeg_path()
        assert load_audio(data).duration == pytest.approx(2.0, abs=0.1)
    finally:
        ffmpeg.ffmpeg_path.cache_clear()


def test_no_temporary_file_is_left(tmp_path, voice, monkeypatch):
    data = synth.encoded(voice, RATE, tmp_path / "clip.m4a")
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    load_audio(data)
    with pytest.raises(errors.Damaged):
        load_audio(b"\0\0\0\x18ftypisom" + bytes(4000))
    assert list(folder.iterdir()) == []


def test_sniff_does_not_take_text_for_audio():
    assert sniff(b"") is None
    assert sniff(b"ffconcat version 1.0\nfile x") is None
    assert sniff(b"v=0\r\no=- 0 0 IN IP4 127.0.0.1") is None
    assert sniff(b"\xff\xfe" + "Hello".encode("utf-16le")) is None  # a legal MPEG header
    assert sniff(b"Its free software, and here is how to get it") is None  # a box of MP4
    assert sniff(b"ID3 is a tree-growing algorithm") is None
    assert sniff(b"ID3\x04\0\0\0\0\0\0#EXTM3U\n") is None
    frame = b"\xff\xfb\x90\0" + bytes(413)
    assert sniff(b"ID3\x04\0\0\0\0\0\0" + 2 * frame) is MP3
    assert sniff(frame + b"no second frame") is None


def test_the_sniffed_demuxers_are_ffmpegs():
    done = subprocess.run(
        [ffmpeg.ffmpeg_path(), "-hide_banner", "-demuxers"],
        capture_output=True,
        text=True,
        check=True,
    )
    known = {n for line in done.stdout.splitlines() for n in line[4:].split(" ")[0].split(",")}
    assert {c.demuxer for c in CONTAINERS} <= known


@pytest.mark.parametrize("clip", ["Actor_01/03-01-02-01-01-02-01", "Actor_20/03-01-06-01-01-02-20"])
def test_the_stereo_clips_of_ravdess(real_data, clip):
    audio = load_audio(real_data / "ravdess" / f"{clip}.flac")
    assert audio.samples.ndim == 1
    assert 2.9 < audio.duration < 5.4
    assert audio.duration * SAMPLE_RATE == len(audio.samples)
