"""Any file to mono float32 at 22,050 Hz, or a clear error."""

import io
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

import librosa
import numpy as np
import pytest
import soundfile
import soxr

from ser import errors
from ser.audio import ffmpeg
from ser.audio.containers import AMR, CONTAINERS, FLAC, MP3, MP4, Container, detect_container
from ser.audio.decode import SAMPLE_RATE, _read_with_soundfile, load_audio
from ser.audio.ffmpeg import Decoding
from ser.audio.limits import Limits
from tests import files, synth

RATE = files.RATE


@pytest.fixture(scope="module")
def voice():
    return files.voice()


@pytest.mark.parametrize("format_", ["WAV", "AIFF", "FLAC", "AU", "CAF", "W64"])
def test_16_bits_are_the_floats_of_libsndfile(format_):
    every = np.arange(-(2**15), 2**15).astype(np.int16)  # value that there is
    file = io.BytesIO()
    soundfile.write(file, every, SAMPLE_RATE, "PCM_16", format=format_)
    expected, _ = soundfile.read(io.BytesIO(file.getvalue()), dtype="float32")
    np.testing.assert_array_equal(load_audio(file.getvalue()).samples, expected)


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
def test_a_long_clip_is_one_whole(tmp_path, extension):
    """To the bit what resampling it at once gives, though it comes in blocks."""
    path = tmp_path / f"clip.{extension}"
    data = synth.encoded(synth.voice(100.0, 44_100), 44_100, path)
    own = load_audio(data, rate=44_100).samples
    expected = soxr.resample(own, 44_100, SAMPLE_RATE, quality="HQ")
    audio = load_audio(data)
    assert audio.duration == pytest.approx(100, abs=0.1)
    np.testing.assert_array_equal(audio.samples, expected)


def test_a_short_clip_keeps_no_more_than_itself(voice):
    assert load_audio(synth.wav(voice, RATE)).samples.base is None


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


@pytest.mark.parametrize("extension", files.ENCODINGS)
def test_formats(voice, extension):
    data = files.encoded(extension)
    audio = load_audio(data)
    assert audio.duration == pytest.approx(2.0, abs=0.1)
    assert not audio.warnings
    # The same sound: its spectrum follows the original's.
    reference = load_audio(synth.wav(voice, RATE))
    a, b = (librosa.feature.mfcc(y=x.samples, n_mfcc=13).mean(axis=1) for x in (audio, reference))
    assert np.corrcoef(a, b)[0, 1] > 0.95


def test_longer_than_the_limit(tmp_path, voice):
    for data in (synth.wav(voice, RATE), synth.encoded(voice, RATE, tmp_path / "clip.m4a")):
        audio = load_audio(data, max_seconds=1.2)
        assert audio.truncated
        assert audio.duration == pytest.approx(1.2, abs=1e-3)
        assert not load_audio(data, max_seconds=2.5).truncated


def test_a_path_that_is_empty(tmp_path):
    path = tmp_path / "clip.wav"
    path.touch()
    with pytest.raises(errors.EmptyFile):
        load_audio(path)


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


def test_no_file_has_a_name_while_it_is_decoded(tmp_path, monkeypatch):
    """So that nothing is left behind whatever ends us."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with Decoding(files.encoded("m4a"), MP4, Limits.of(600, 60)) as decoding:
        assert list(tmp_path.iterdir()) == []
        assert sum(len(block) for block in decoding.blocks()) > 90_000


def _wide() -> tuple[bytes, Container]:
    """Return an hour of sound whose decoding takes many seconds, either way."""
    return files.flac_bomb(400_000, 192_000, 8), FLAC


def test_a_decoding_that_was_cut_off_is_never_scored():
    with Decoding(*_wide(), Limits.of(600, 60)) as decoding:
        blocks = decoding.blocks()
        assert len(next(blocks))
        os.kill(decoding._process.pid, signal.SIGTERM)
        with pytest.raises(errors.DecoderUnavailable, match="stopped before"):
            sum(len(block) for block in blocks)


def test_limit_on_cpu_time():
    limits = Limits(max_seconds=7200, timeout_s=600, cpu_s=1, started=time.monotonic())
    with (
        Decoding(*_wide(), limits) as decoding,
        pytest.raises(errors.TooComplex),
    ):
        sum(len(block) for block in decoding.blocks())
    with pytest.raises(errors.TooComplex):
        _read_with_soundfile(*_wide(), SAMPLE_RATE, limits)


def test_limit_on_memory(monkeypatch):
    """Little more than ffmpeg itself needs, and then less than that."""
    data = files.encoded("m4a")
    monkeypatch.setattr("ser.audio.ffmpeg.MEMORY_BYTES", 40 * 2**20)
    with pytest.raises((errors.DecoderUnavailable, errors.TooComplex)):
        load_audio(data)
    monkeypatch.undo()
    assert load_audio(data).duration == pytest.approx(2.0, abs=0.1)


def test_the_decoder_sees_nothing_of_our_environment(monkeypatch):
    monkeypatch.setenv("FFREPORT", "file=/dev/full")  # ffmpeg would write a report there
    monkeypatch.setenv("SECRET", "x")
    with Decoding(*_wide(), Limits.of(600, 60)) as decoding:
        environment = Path(f"/proc/{decoding._process.pid}/environ").read_text()
    assert "MALLOC_ARENA_MAX" in environment
    assert "SECRET" not in environment
    assert "FFREPORT" not in environment


def test_sniff_does_not_take_text_for_audio():
    assert detect_container(b"") is None
    assert detect_container(b"ffconcat version 1.0\nfile x") is None
    assert detect_container(b"v=0\r\no=- 0 0 IN IP4 127.0.0.1") is None
    assert detect_container(b"\xff\xfe" + "Hello".encode("utf-16le")) is None  # a legal MPEG header
    assert detect_container(b"Its free software, and here is how to get it") is None  # a box of MP4
    assert detect_container(b"ID3 is a tree-growing algorithm") is None
    assert detect_container(b"ID3\x04\0\0\0\0\0\0#EXTM3U\n") is None
    frame = b"\xff\xfb\x90\0" + bytes(413)
    assert detect_container(b"ID3\x04\0\0\0\0\0\0" + 2 * frame) is MP3
    assert detect_container(frame + b"no second frame") is None


def _from(name: bytes, at: Iterable[int], text: bytes) -> bytes:
    """Return text with `name` written at some places."""
    data = bytearray(text)
    for place in at:
        data[place : place + len(name)] = name
    return bytes(data)


@pytest.mark.parametrize("encoding", ["utf-8", "koi8-r", "shift-jis"])
@pytest.mark.parametrize(
    ("name", "places"), [(b"G", (0, 188, 376)), (b"\n\n\n\nfree", (0,)), (b"#!AMR\n#EXTM3U", (0,))]
)
def test_letters_of_a_signature_make_no_media_of_text(name, places, encoding):
    words = "слова, which are text\r\n\t\f" * 40
    assert detect_container(_from(name, places, words.encode(encoding))) is None


@pytest.mark.parametrize("extension", files.ENCODINGS)
def test_no_format_looks_like_text(extension):
    for sound in (files.voice(), 0 * files.voice()):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, f"clip.{extension}")
            assert detect_container(synth.encoded(sound, RATE, path, *files.ENCODINGS[extension]))


def test_text_of_two_bytes_a_letter_is_no_transport_stream():
    assert detect_container(_from(b"G", (0, 188, 376), ("words " * 99).encode("utf-16-le"))) is None


def test_a_magic_number_in_letters_is_still_one():
    frames = b"".join(b"<" + np.random.default_rng(n).bytes(31) for n in range(20))
    assert detect_container(b"#!AMR\n" + frames) is AMR


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
