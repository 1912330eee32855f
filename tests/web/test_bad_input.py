"""Whatever strangers upload: each row of the contract's table that is about a file's content.

Through HTTP, against the real server.
"""

import json
import struct
import urllib.error
import urllib.request
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from ser.errors import DAMAGED
from tests import files, synth
from tests.conftest import Server
from tests.files import encoded, patched, wav_of
from tests.inference.test_predictor import check_answer

VOICE = synth.voice(0.5)


def post(server: Server, data: bytes, kind: str = "application/octet-stream") -> tuple[int, dict]:
    """Send a body as it is; return the status and the JSON."""
    request = urllib.request.Request(f"{server.url}/predict", data, {"Content-Type": kind})
    try:
        with urllib.request.urlopen(request, timeout=120) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as response:
        with response:
            assert (response.code == 503) == ("Retry-After" in response.headers)  # noqa: PT017
            return response.code, json.load(response)


def post_named(server: Server, data: bytes, name: bytes) -> tuple[int, dict]:
    """Send a form with a file of this name, which no client would let us send."""
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="%s"\r\n\r\n' % name
    return post(server, head + data + b"\r\n--x--\r\n", "multipart/form-data; boundary=x")


@pytest.fixture(scope="module")
def strict():
    """Return a server that analyses no more than two minutes."""
    server = Server(SER_MAX_SECONDS="120", SER_TIMEOUT_S="100")
    try:
        yield server.wait_ready(120)
    finally:
        server.stop()


@pytest.fixture(scope="module")
def labels(predictor):
    return predictor.model_file.metadata.labels


def _silent_video() -> bytes:
    return files.made_by_ffmpeg("mp4", "-f", "lavfi", "-i", "testsrc=d=1:s=64x64")


def _without_index() -> bytes:
    data = encoded("mp4")
    return data[: data.index(b"moov") - 4]


def _with_sample(value: float) -> bytes:
    return synth.wav(np.where(np.arange(len(VOICE)) == 7, value, VOICE), subtype="FLOAT")


def _wide_aiff(channels: int) -> bytes:
    data = synth.wav(VOICE, container="AIFF")
    return patched(data, data.index(b"COMM") + 8, struct.pack(">H", channels))


def _rare(*options: str, sound: np.ndarray = VOICE) -> bytes:
    """Return a Matroska file: not libsndfile's, so it is ffmpeg that tells what it is."""
    return files.made_by_ffmpeg("mka", *options, source=synth.wav(sound))


RATES = (4_000, 8_000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000, 192_000)
_RANDOM = np.random.default_rng(5).bytes
MEDIA = "no audio or video file"
BAD = {
    "0 bytes": (lambda: b"", 400, "empty_file", "0 bytes"),
    "text": (lambda: b"hello, this is no audio", 415, "unsupported_media", MEDIA),
    "text in UTF-16": (lambda: "Hello!".encode("utf-16"), 415, "unsupported_media", MEDIA),
    "HTML": (lambda: b"<!doctype html><audio src=/x>", 415, "unsupported_media", MEDIA),
    "random bytes": (lambda: _RANDOM(50_000), 415, "unsupported_media", MEDIA),
    "PNG": (partial(files.made_by_ffmpeg, "png", "-f", "lavfi", "-i", "testsrc=s=64x64",
                    "-frames:v", "1"), 415, "unsupported_media", MEDIA),
    "JPEG": (partial(files.made_by_ffmpeg, "jpg", "-f", "lavfi", "-i", "testsrc=s=64x64",
                     "-frames:v", "1"), 415, "unsupported_media", MEDIA),
    "HEIC": (lambda: b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + _RANDOM(4000),
             415, "unsupported_media", "a picture"),
    "header-only WAV": (lambda: synth.wav(VOICE[:0]), 422, "no_audio", "holds no audio"),
    "video without sound": (_silent_video, 422, "no_audio", "holds no audio"),
    "mp4 without its index": (_without_index, 422, "damaged", "looks like mov"),
    "garbage after a header": (
        lambda: b"\0\0\0\x18ftypisom" + _RANDOM(4000), 422, "damaged", "looks like mov"),
    "garbage after an Ogg header": (
        lambda: encoded("ogg")[:60] + _RANDOM(4000), 422, "damaged", "looks like ogg"),
    "garbage after a Matroska header": (
        lambda: encoded("webm")[:60] + _RANDOM(4000), 422, "damaged", "looks like matroska"),
    "0 Hz": (lambda: wav_of(rate=0), 422, "unsupported_format", "4000 to 192000 Hz"),
    "1 Hz": (lambda: wav_of(rate=1), 422, "unsupported_format", "a sample rate of 1 Hz; 4000"),
    "3,999 Hz": (lambda: wav_of(rate=3999), 422, "unsupported_format", "3999 Hz"),
    "192,001 Hz": (lambda: wav_of(rate=192_001), 422, "unsupported_format", "192001 Hz"),
    "4 GHz": (lambda: wav_of(rate=2**32 - 1), 422, "unsupported_format", "4000 to 192000 Hz"),
    "0 channels": (lambda: wav_of(channels=0), 422, "unsupported_format", "1 to 8"),
    "9 channels": (lambda: wav_of(channels=9), 422, "unsupported_format", "9 channels; 1 to 8"),
    "65,535 channels": (lambda: wav_of(channels=65_535), 422, "unsupported_format", "1 to 8"),
    "AIFF of 0 channels": (lambda: _wide_aiff(0), 422, "unsupported_format", "1 to 8"),
    "AIFF of 9 channels": (lambda: _wide_aiff(9), 422, "unsupported_format", "9 channels"),
    "Matroska at 1 Hz": (
        lambda: _rare("-af", "asetrate=1", "-c:a", "pcm_s16le"),
        422, "unsupported_format", "a sample rate of 1 Hz"),
    "Matroska of 9 channels": (
        lambda: _rare("-c:a", "copy", sound=np.tile(VOICE[:, None], (1, 9))),
        422, "unsupported_format", "9 channels"),
    "a codec that is not on the list": (
        lambda: _rare("-c:a", "dfpwm"), 422, "unsupported_format", "'dfpwm'"),
    "NaN": (lambda: _with_sample(np.nan), 422, "invalid_samples", "NaN"),
    "infinite": (lambda: _with_sample(np.inf), 422, "invalid_samples", "infinite"),
    "infinite, in Matroska": (
        lambda: files.made_by_ffmpeg("mka", "-c:a", "copy", source=_with_sample(-np.inf)),
        422, "invalid_samples", "infinite"),
    "too large": (
        lambda: synth.wav(VOICE * np.float32(1e30), subtype="FLOAT"),
        422, "invalid_samples", "overflow"),
    "DC at the edge of float32": (
        lambda: synth.wav(np.full(20_000, 3e38, np.float32), subtype="FLOAT"),
        422, "silent", "silence"),
    "0.29 s": (lambda: synth.wav(VOICE[:6394]), 422, "too_short", "at least 0.3 s"),
    "silence": (lambda: synth.wav(np.zeros(22_050)), 422, "silent", "silence"),
} | {
    f"DC at {rate} Hz": (partial(synth.wav, np.full(rate, 0.4), rate), 422, "silent", "silence")
    for rate in RATES
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_input(server, name):
    make, status, code, words = BAD[name]
    answer = post(server, make())
    assert (answer[0], answer[1]["error"]["code"]) == (status, code), answer
    assert words in answer[1]["error"]["message"]


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd", "/etc/passwd", "a\0b.wav", "голос.wav", "x" * 5000, "clip.txt", "none",
        "clip.m3u8", "-i.wav", "file:x", "http://x/y.wav", "$(id).wav", "CON",
    ],
)  # fmt: skip
def test_any_name_is_as_good_as_another(server, clip, labels, name):
    status, answer = post_named(server, clip, name.encode())
    assert status == 200, answer
    check_answer(answer, labels)


@pytest.mark.parametrize("extension", ["mp3", "ogg", "opus", "webm", "flac", "wav", "mkv"])
def test_cut_off_with_enough_left(server, labels, extension):
    data = encoded(extension)
    status, answer = post(server, data[: int(len(data) * 0.7)])
    assert status == 200, answer
    check_answer(answer, labels)
    assert 0.5 < answer["duration"] < 1.8
    assert DAMAGED in answer["warnings"]


WHOLE = {
    "WAV of declared size 0": lambda: files.streamed_wav(0),
    "WAV of declared size 0xFFFFFFFF": lambda: files.streamed_wav(0xFFFF_FFFF),
    "WAV written to a pipe": partial(
        files.made_by_ffmpeg, "wav", "-f", "wav", "-fflags", "+bitexact", source=encoded("flac")
    ),
    "WebM without duration": lambda: encoded("webm", "-c:a", "libopus", "-live", "1"),
    "mp4 with its index last": lambda: encoded("mp4"),
    "mp4 with its index first": lambda: encoded("m4a", "-c:a", "aac", "-movflags", "+faststart"),
    "mp4 in fragments": lambda: encoded("m4a", "-c:a", "aac", "-movflags", "frag_keyframe"),
    "mp3 with a long tag": lambda: b"ID3\x04\0\0\0\x01\x7f\x7f" + bytes(32_767) + encoded("mp3"),
    "flac that does not know its length": lambda: patched(
        encoded("flac"), 21, bytes([encoded("flac")[21] & 0xF0, 0, 0, 0, 0])
    ),
} | {extension: partial(encoded, extension) for extension in files.ENCODINGS}


@pytest.mark.parametrize("name", WHOLE)
def test_whole_files(server, labels, name):
    status, answer = post(server, WHOLE[name]())
    assert status == 200, answer
    check_answer(answer, labels)
    assert answer["duration"] == pytest.approx(files.SECONDS, abs=0.1)
    assert not answer["truncated"]
    assert DAMAGED not in answer["warnings"]


@pytest.mark.parametrize(
    "subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW"]
)
def test_every_kind_of_sample_rate_and_channels(server, labels, subtype):
    for rate in RATES:
        for channels in (1, 2, 5, 8):
            samples = np.tile(synth.voice(0.4, rate)[:, None], (1, channels))
            status, answer = post(server, synth.wav(samples, rate, subtype))
            assert status == 200, (rate, channels, answer)
            check_answer(answer, labels)
            assert answer["duration"] == pytest.approx(0.4, abs=1e-3)
            assert DAMAGED not in answer["warnings"]


BOMBS = {
    "hours": lambda: files.flac_bomb(100_000, 8_000, 1),
    "hours, through ffmpeg": lambda: files.made_by_ffmpeg(
        "mka", "-c", "copy", source=files.flac_bomb(30_000, 8_000, 1)
    ),
    "8 channels at 192 kHz": lambda: files.flac_bomb(100_000, 192_000, 8),
    "8 channels at 192 kHz, through ffmpeg": lambda: files.made_by_ffmpeg(
        "mka", "-c", "copy", source=files.flac_bomb(80_000, 192_000, 8)
    ),
}


def _peak_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1000


@pytest.mark.parametrize("name", BOMBS)
def test_memory_is_bounded_by_the_seconds_analysed_and_not_by_the_file(strict, name):
    """Two minutes of 8 channels at 192 kHz are 737 MB; of what is analysed, 11 MB."""
    data = BOMBS[name]()
    assert len(data) < 130_000
    post(strict, synth.wav(synth.voice(130.0)))  # what the analysis itself needs
    Path(f"/proc/{strict.process.pid}/clear_refs").write_text("5")  # begin the peak anew
    before = _peak_mb(strict.process.pid)
    status, answer = post(strict, data)
    assert status == 200, answer
    assert answer["truncated"]
    assert answer["duration"] == pytest.approx(120, abs=1e-3)
    assert _peak_mb(strict.process.pid) - before < 100


def test_longer_than_the_limit_through_both_decoders(strict, labels):
    long = synth.wav(synth.voice(125.0))
    for data in (long, files.made_by_ffmpeg("m4a", source=long)):
        status, answer = post(strict, data)
        assert status == 200
        check_answer(answer, labels)
        assert answer["truncated"]
        assert answer["duration"] == pytest.approx(120, abs=1e-3)


def test_a_decoder_over_its_limits(strict):
    """A million frames of AAC, each of them empty: old ffmpegs hoard, new ones toil."""
    frame = bytes.fromhex("fff15080011ffcff")
    status, answer = post(strict, frame * 1_000_000)
    assert (status, answer["error"]["code"]) == (422, "too_complex"), answer
