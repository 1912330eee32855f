"""Any file to mono float32 at 22,050 Hz, or a clear error."""

import io
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

import imageio_ffmpeg
import librosa
import numpy as np
import pytest
import soundfile
import soxr

from ser import errors
from ser.audio import ffmpeg_process
from ser.audio.clip import Clip
from ser.audio.containers import AMR, CONTAINERS, FLAC, MP3, MP4, Container, detect_container
from ser.audio.decode import SAMPLE_RATE, load_audio
from ser.audio.extent import Extent
from ser.audio.ffmpeg import Decoding
from ser.audio.limits import Limits
from ser.audio.mixing import mix_and_resample
from tests import files, synth

RATE = files.RATE


@pytest.fixture(scope="module")
def voice():
    return files.voice()


@pytest.fixture(scope="session")
def packaged() -> str:
    """Return the path of the ffmpeg inside imageio-ffmpeg."""
    (path,) = Path(imageio_ffmpeg.__file__).parent.glob("binaries/ffmpeg-*")
    return str(path)


@pytest.mark.parametrize("format_", ["WAV", "AIFF", "FLAC", "AU", "CAF", "W64"])
def test_16_bits_are_the_floats_of_libsndfile(format_):
    every = np.arange(-(2**15), 2**15).astype(np.int16)  # each possible value
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
def test_blocks_give_the_same_as_the_whole_clip(tmp_path, extension):
    """Resampled block by block, a long clip equals, to the bit, one resampled at once."""
    path = tmp_path / f"clip.{extension}"
    data = synth.encoded(synth.voice(100.0, 44_100), 44_100, path)
    own = load_audio(data, rate=44_100).samples
    expected = soxr.resample(own, 44_100, SAMPLE_RATE, quality="HQ")
    audio = load_audio(data)
    assert audio.duration == pytest.approx(100, abs=0.1)
    np.testing.assert_array_equal(audio.samples, expected)


def test_a_short_clip_holds_no_larger_buffer(voice):
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
    # It is the same sound: its mean spectrum is like the original's.
    reference = load_audio(synth.wav(voice, RATE))
    a, b = (librosa.feature.mfcc(y=x.samples, n_mfcc=13).mean(axis=1) for x in (audio, reference))
    assert np.corrcoef(a, b)[0, 1] > 0.95


@pytest.mark.parametrize("container", ["wav", "flac", "mka"])
@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 48_000])
def test_a_constant_offset_is_silence(container, rate):
    """Whatever a resampler makes of its ends."""
    for offset in (0.001, 0.01, 0.5):
        data = synth.wav(np.full(rate, offset), rate)
        if container != "wav":
            codec = "flac" if container == "flac" else "pcm_s16le"
            data = files.made_by_ffmpeg(container, "-c:a", codec, source=data)
        with pytest.raises(errors.Silent):
            load_audio(data)


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


@pytest.fixture
def m4a() -> bytes:
    """Return a file that only ffmpeg reads."""
    return files.encoded("m4a")


@pytest.fixture
def search_again(m4a):
    """Let a test change where ffmpeg is: the search is repeated in the test and after it."""
    ffmpeg_process.ffmpeg_path.cache_clear()
    yield
    ffmpeg_process.ffmpeg_path.cache_clear()


@pytest.fixture
def no_packaged_ffmpeg(tmp_path, monkeypatch, search_again):
    """Hide the packaged ffmpeg, as on a platform for which imageio-ffmpeg has none."""
    monkeypatch.delitem(sys.modules, "imageio_ffmpeg", raising=False)
    monkeypatch.syspath_prepend(files.package_without_ffmpeg(tmp_path / "packages"))


def _only_program(folder: Path, monkeypatch) -> Path:
    """Return the path of `ffmpeg` in a new folder, and make that folder the whole PATH."""
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder / "ffmpeg"


@pytest.mark.usefixtures("no_packaged_ffmpeg")
def test_no_ffmpeg_anywhere(tmp_path, m4a, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(errors.DecoderUnavailable, match="ffmpeg is missing"):
        load_audio(m4a)


@pytest.mark.usefixtures("no_packaged_ffmpeg")
def test_the_systems_ffmpeg_is_used_where_the_package_has_none(
    tmp_path, m4a, monkeypatch, packaged
):
    system = _only_program(tmp_path / "bin", monkeypatch)
    system.symlink_to(packaged)
    assert ffmpeg_process.ffmpeg_path() == str(system)
    assert load_audio(m4a).duration == pytest.approx(2.0, abs=0.1)


@pytest.mark.usefixtures("search_again")
def test_the_packaged_ffmpeg_is_used_where_the_system_has_none(
    tmp_path, m4a, monkeypatch, packaged
):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert ffmpeg_process.ffmpeg_path() == packaged
    assert load_audio(m4a).duration == pytest.approx(2.0, abs=0.1)


@pytest.mark.usefixtures("search_again")
def test_the_packaged_ffmpeg_is_used_where_the_system_has_another(
    tmp_path, m4a, monkeypatch, packaged
):
    system = _only_program(tmp_path / "bin", monkeypatch)
    system.write_text("#!/bin/sh\necho 'ffmpeg version 0.8.1'\nexit 1\n")
    system.chmod(0o755)
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(system))
    assert ffmpeg_process.ffmpeg_path() == packaged
    assert load_audio(m4a).duration == pytest.approx(2.0, abs=0.1)


def test_no_file_has_a_name_while_it_is_decoded(tmp_path, monkeypatch):
    """So nothing is left behind, however the process ends."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with Decoding(files.encoded("m4a"), MP4, Limits.from_now(600, 60)) as decoding:
        assert list(tmp_path.iterdir()) == []
        assert sum(len(block) for block in decoding.blocks()) > 90_000


def _slow_file() -> tuple[bytes, Container]:
    """Return an hour of sound; either decoder needs many seconds for it."""
    return files.flac_bomb(400_000, 192_000, 8), FLAC


def test_limit_on_cpu_time():
    limits = Limits(max_seconds=7200, timeout_s=600, cpu_s=1, started=time.monotonic())
    with (
        Decoding(*_slow_file(), limits) as decoding,
        pytest.raises(errors.TooComplex),
    ):
        sum(len(block) for block in decoding.blocks())

    def mix(blocks, source_rate, channel):
        return mix_and_resample(blocks, source_rate, SAMPLE_RATE, limits, channel=channel)

    with pytest.raises(errors.TooComplex):
        Clip(*_slow_file(), Extent(), limits, mix).read_with_soundfile()


@pytest.mark.parametrize("megabytes", range(20, 270, 20))
def test_limit_on_memory(monkeypatch, m4a, megabytes):
    """From much less than ffmpeg itself needs to a little more: never `damaged`."""
    monkeypatch.setattr("ser.audio.ffmpeg_process.MEMORY_BYTES", megabytes * 2**20)
    try:
        audio = load_audio(m4a)
    except (errors.DecoderUnavailable, errors.TooComplex):
        pass
    else:
        assert megabytes > 40
        assert audio.duration == pytest.approx(2.0, abs=0.1)
        assert not audio.warnings
    monkeypatch.undo()
    assert load_audio(m4a).duration == pytest.approx(2.0, abs=0.1)


LIMIT = (errors.TooComplex, "more time or memory than is allowed")
CRASH = (errors.TooComplex, "the decoder crashed")
STOP = (errors.DecoderUnavailable, "stopped before it was done")
ENDS = {
    "SIGKILL": LIMIT, "SIGXCPU": LIMIT,
    "SIGSEGV": CRASH, "SIGBUS": CRASH, "SIGABRT": CRASH, "SIGFPE": CRASH, "SIGILL": CRASH,
    "SIGTRAP": CRASH,
    "SIGTERM": STOP, "SIGUSR1": STOP, "SIGALRM": STOP,
}  # fmt: skip


@pytest.mark.parametrize("name", ENDS)
def test_a_signal_before_the_first_samples(monkeypatch, m4a, name):
    start = ffmpeg_process.start
    by_signal = f'kill -{signal.Signals[name]:d} $$; exec "$@"'
    monkeypatch.setattr(
        ffmpeg_process,
        "start",
        lambda argv, data: start(["/bin/sh", "-c", by_signal, "sh", *argv], data),
    )
    error, message = ENDS[name]
    with pytest.raises(error, match=message):
        load_audio(m4a)


# ffmpeg handles SIGXCPU as it handles SIGTERM, and does not say which one it was. Linux sends
# SIGKILL at the limit on CPU time.
@pytest.mark.parametrize(("name", "end"), [*(ENDS | {"SIGXCPU": STOP}).items()])
def test_a_signal_after_the_first_samples(name, end):
    """What was decoded so far is never scored."""
    error, message = end
    with Decoding(*_slow_file(), Limits.from_now(600, 60)) as decoding:
        blocks = decoding.blocks()
        assert len(next(blocks))
        os.kill(decoding._process.pid, signal.Signals[name])
        with pytest.raises(error, match=message):
            sum(len(block) for block in blocks)


def test_ffmpeg_gets_none_of_our_environment_variables(monkeypatch):
    monkeypatch.setenv("FFREPORT", "file=/dev/full")  # ffmpeg would write a report there
    monkeypatch.setenv("SECRET", "x")
    with Decoding(*_slow_file(), Limits.from_now(600, 60)) as decoding:
        environment = Path(f"/proc/{decoding._process.pid}/environ").read_text()
    assert "MALLOC_ARENA_MAX" in environment
    assert "SECRET" not in environment
    assert "FFREPORT" not in environment


def test_text_is_not_detected_as_audio():
    assert detect_container(b"") is None
    assert detect_container(b"ffconcat version 1.0\nfile x") is None
    assert detect_container(b"v=0\r\no=- 0 0 IN IP4 127.0.0.1") is None
    assert detect_container(b"\xff\xfe" + "Hello".encode("utf-16le")) is None  # a legal MPEG header
    assert detect_container(b"Its free software, and here is how to get it") is None  # a box of MP4
    assert detect_container(b"ID3 is a tree-growing algorithm") is None
    assert detect_container(b"ID3\x04\0\0\0\0\0\0#EXTM3U\n") is None
    frame = b"\xff\xfb\x90\0" + bytes(413)
    assert detect_container(b"ID3\x04\0\0\0\0\0\0" + 2 * frame) == (MP3, 10)
    assert detect_container(frame + b"no second frame") is None


def _with_signature(name: bytes, offsets: Iterable[int], text: bytes) -> bytes:
    """Return `text` with `name` written at each offset."""
    data = bytearray(text)
    for offset in offsets:
        data[offset : offset + len(name)] = name
    return bytes(data)


@pytest.mark.parametrize("encoding", ["utf-8", "koi8-r", "shift-jis"])
@pytest.mark.parametrize(
    ("name", "offsets"), [(b"G", (0, 188, 376)), (b"\n\n\n\nfree", (0,)), (b"#!AMR\n#EXTM3U", (0,))]
)
def test_text_with_the_letters_of_a_signature_is_not_detected(name, offsets, encoding):
    words = "слова, which are text\r\n\t\f" * 40
    assert detect_container(_with_signature(name, offsets, words.encode(encoding))) is None


@pytest.mark.parametrize("extension", files.ENCODINGS)
def test_each_format_is_detected(extension):
    for sound in (files.voice(), 0 * files.voice()):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, f"clip.{extension}")
            assert detect_container(synth.encoded(sound, RATE, path, *files.ENCODINGS[extension]))


def test_utf_16_is_not_detected_as_a_transport_stream():
    assert (
        detect_container(_with_signature(b"G", (0, 188, 376), ("words " * 99).encode("utf-16-le")))
        is None
    )


def test_a_signature_of_letters_is_detected():
    frames = b"".join(b"<" + np.random.default_rng(n).bytes(31) for n in range(20))
    assert detect_container(b"#!AMR\n" + frames) == (AMR, 0)


def _ffmpeg_lists(option: str) -> str:
    command = [ffmpeg_process.ffmpeg_path(), "-hide_banner", option]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_ffmpeg_has_each_decoder_of_the_list():
    # Flags, then the name: " A....D aac   AAC (Advanced Audio Coding)".
    known = set(re.findall(r"^ A[.A-Z]{5} (\S+)", _ffmpeg_lists("-decoders"), re.MULTILINE))
    assert len(known) > 100
    assert set(ffmpeg_process.DECODERS) <= known


def test_ffmpeg_has_each_demuxer_of_the_containers():
    # Flags in two or three columns, then the names: " D   mov,mp4,m4a  QuickTime / MOV".
    rows = re.findall(r"^ D[E ][d ]? +(\S+)", _ffmpeg_lists("-demuxers"), re.MULTILINE)
    known = {name for names in rows for name in names.split(",")}
    assert {c.demuxer for c in CONTAINERS} <= known


@pytest.mark.parametrize("clip", ["Actor_01/03-01-02-01-01-02-01", "Actor_20/03-01-06-01-01-02-20"])
def test_the_stereo_clips_of_ravdess(real_data, clip):
    audio = load_audio(real_data / "ravdess" / f"{clip}.flac")
    assert audio.samples.ndim == 1
    assert 2.9 < audio.duration < 5.4
    assert audio.duration * SAMPLE_RATE == len(audio.samples)


def test_a_git_lfs_pointer_is_called_one():
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"
    with pytest.raises(errors.UnsupportedMedia, match=r"Git LFS pointer.*`git lfs pull`"):
        load_audio(pointer)
