"""Every sound of every file: all of it is heard, at a player's times, and only real loss is damage.

The files are made here, by kind of fault; `tests/web/test_cases.py` has files that people sent.
"""

import base64
import struct
import time
from collections.abc import Callable
from functools import cache

import numpy as np
import pytest

from ser import errors
from ser.audio import ffmpeg_process, load_audio
from ser.audio.containers import APE, MATROSKA, detect_container
from ser.audio.ffmpeg import Decoding
from ser.audio.ffmpeg_log import FfmpegLog
from ser.audio.limits import Limits
from ser.errors import DAMAGED
from tests import files, synth

RATE = 44_100
TOLERANCE = 0.1  # seconds

#: ffmpeg's options for a format that may be cut, joined and tagged.
FORMATS = {
    "mp3": ("-f", "mp3", "-b:a", "64k"),
    "mp3 vbr": ("-f", "mp3", "-q:a", "5"),
    "aac": ("-f", "adts", "-b:a", "64k"),
    "opus": ("-f", "ogg", "-c:a", "libopus"),
    "vorbis": ("-f", "ogg", "-c:a", "libvorbis"),
    "flac": ("-f", "flac",),
    "webm": ("-f", "webm", "-c:a", "libopus"),
    "mkv": ("-f", "matroska", "-c:a", "aac"),
    "m4a": ("-f", "mp4", "-movflags", "+faststart"),
    "wav": ("-f", "wav",),
    "ts": ("-f", "mpegts", "-c:a", "aac"),
    "wma": ("-f", "asf", "-c:a", "wmav2"),
    "avi": ("-f", "avi", "-c:a", "mp3"),
    "flv": ("-f", "flv", "-c:a", "aac"),
    "aiff": ("-f", "aiff",),
    "caf": ("-f", "caf",),
    "ac3": ("-f", "ac3",),
}  # fmt: skip


def voice(seconds: float, seed: int = 0, rate: int = RATE) -> np.ndarray:
    return synth.voice(seconds, rate, seed=seed)


@cache
def encoded(name: str, seconds: float = 3.0, seed: int = 0) -> bytes:
    """Return a whole file, as a program writes it that can go back to the header."""
    extension = {"mp3 vbr": "mp3", "vorbis": "ogg"}.get(name, name)
    return files.made_by_ffmpeg(
        extension, *FORMATS[name], source=synth.wav(voice(seconds, seed), RATE)
    )


def check(data: bytes, seconds: float, *, damaged: bool = False) -> np.ndarray:
    """Assert that the file has this length and warning; return its samples."""
    audio = load_audio(data)
    assert audio.duration == pytest.approx(seconds, abs=TOLERANCE)
    assert (DAMAGED in audio.warnings) == damaged
    return audio.samples


def seconds_by_ffmpeg(data: bytes) -> float:
    """Return how long ffmpeg finds the file, on a player's time axis."""
    options = ("-vn", "-af", "aresample=async=1:first_pts=0", "-f", "s16le", "-ac", "1")
    return len(files.made_by_ffmpeg("raw", *options, "-ar", "8000", source=data)) / 2 / 8000


def sounds_like(samples: np.ndarray, original: np.ndarray, rate: int = RATE) -> float:
    """Return the correlation of the two loudness contours, in steps of 20 ms.

    The sound may be later by up to 0.2 s: encoders pad, and few formats say by how much.
    """
    contours = []
    for x, x_rate in ((samples, 22_050), (original, rate)):
        step = x_rate // 50
        power = np.square(x[: len(x) // step * step].reshape(-1, step)).mean(axis=1)
        contours.append(np.log10(power + 1e-6))
    heard, expected = contours

    def correlation(lag: int) -> float:
        n = min(len(heard) - lag, len(expected))
        return float(np.corrcoef(heard[lag : lag + n], expected[:n])[0, 1])

    return max(map(correlation, range(10)))


@pytest.mark.parametrize("name", FORMATS)
def test_a_whole_file(name):
    assert sounds_like(check(encoded(name), 3.0), voice(3.0)) > 0.8


@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000])
@pytest.mark.parametrize("quality", ["0", "2", "4", "5", "6", "7", "8", "9"])
def test_vbr_mp3_from_a_pipe(rate, quality):
    """Without a Xing header a reader takes the length from the first frames: here quiet ones."""
    sound = voice(4.0, rate=rate)
    sound[: 2 * rate] *= 0.001
    data = files.piped(sound, rate, "-f", "mp3", "-q:a", quality, "-write_xing", "0")
    own = seconds_by_ffmpeg(data)
    assert 4.0 <= own < 4.3
    assert sounds_like(check(data, own), sound, rate) > 0.9


@pytest.mark.parametrize("rate", [16_000, 44_100])
@pytest.mark.parametrize("options", ["libmp3lame -q:a 0", "libmp3lame -q:a 4", "mp2"])
def test_mpeg_audio_in_wav(rate, options):
    """A quiet beginning has small frames: whoever guesses the length by them is wrong."""
    sound = voice(4.0, rate=rate)
    sound[: 2 * rate] *= 0.001
    options = ("-f", "wav", "-c:a", *options.split())
    data = files.made_by_ffmpeg("wav", *options, source=synth.wav(sound, rate))
    for whole in (data, files.piped(sound, rate, *options)):
        assert sounds_like(check(whole, seconds_by_ffmpeg(data)), sound, rate) > 0.9
    assert DAMAGED in load_audio(data[: len(data) * 3 // 4]).warnings


@pytest.mark.parametrize("bytes_per_second", [0, 8_000, RATE, 16 * RATE])
def test_a_wav_that_declares_a_wrong_number_of_bytes_a_second(bytes_per_second):
    data = files.patched(synth.wav(voice(3.0), RATE), 28, struct.pack("<I", bytes_per_second))
    check(data, 3.0)
    check(data[: len(data) // 2], 1.5, damaged=True)


@pytest.mark.parametrize("name", ["mp3", "mp3 vbr", "aac", "opus", "vorbis", "flac"])
@pytest.mark.parametrize("n_parts", [2, 3, 4, 5])
def test_joined_files(name, n_parts):
    seconds = [1.0 + 0.3 * n for n in range(n_parts)]
    data = b"".join(encoded(name, s, seed) for seed, s in enumerate(seconds))
    original = np.concatenate([voice(s, seed) for seed, s in enumerate(seconds)])
    # An encoder may pad each part by a frame.
    audio = load_audio(data)
    assert audio.duration == pytest.approx(sum(seconds), abs=TOLERANCE * n_parts)
    assert DAMAGED not in audio.warnings
    assert len(original) / RATE == pytest.approx(sum(seconds))


@pytest.mark.parametrize("name", ["opus", "vorbis"])
def test_many_short_links(name):
    """The little that a decoder drops at the start of each link is no loss."""
    data = b"".join(encoded(name, 1.0, seed) for seed in range(4)) * 8
    audio = load_audio(data)
    assert audio.duration > 32.0 - TOLERANCE
    assert DAMAGED not in audio.warnings


@pytest.mark.parametrize("codec", ["libvorbis", "libopus", "flac"])
def test_streams_of_ogg_side_by_side(codec):
    source = synth.wav(voice(3.0), RATE)
    data = files.made_by_ffmpeg("ogg", "-map", "0", "-map", "0", "-c:a", codec, source=source)
    check(data, 3.0)
    check(data + data, 6.0)
    assert DAMAGED in load_audio(data[: len(data) // 2]).warnings
    both = (*OTHER_STREAMS["sound"], "-map", "0", "-map", "1")
    check(files.made_by_ffmpeg("ogg", *both, "-c:a", codec, source=source), 3.0)


def test_a_decoder_that_is_done_before_anybody_listens(monkeypatch):
    """As on a busy machine: then its last message is read before its first sample."""

    started = []
    start, time_left = ffmpeg_process.start, Limits.time_left

    def wait(limits):
        while started[-1].poll() is None:
            time.sleep(0.01)
        return time_left(limits)

    monkeypatch.setattr(
        ffmpeg_process, "start", lambda *a: started.append(start(*a)) or started[-1]
    )
    monkeypatch.setattr(Limits, "time_left", wait)
    check(encoded("flac", 0.6) + encoded("flac", 0.6, 1), 1.2)


@pytest.mark.parametrize(
    ("rates", "channels"),
    [((22_050, 44_100), (1, 1)), ((48_000, 24_000, 32_000), (1, 2, 1)), ((44_100, 44_100), (2, 1))],
)
@pytest.mark.parametrize("options", [("-f", "mp3"), ("-f", "adts", "-c:a", "aac")])
def test_joined_parts_of_other_rates_and_channels(options, rates, channels):
    parts = [
        files.piped(voice(2.0, seed, rate), rate, "-ac", str(n), *options)
        for seed, (rate, n) in enumerate(zip(rates, channels, strict=True))
    ]
    audio = load_audio(b"".join(parts))
    assert audio.duration == pytest.approx(2.0 * len(parts), abs=TOLERANCE * len(parts))
    assert DAMAGED not in audio.warnings


@pytest.mark.parametrize("name", [n for n in FORMATS if n != "ts"])
def test_cut_off_at_twenty_places(name):
    """What is left is heard; that the end is missing is said where the file can tell."""
    data = encoded(name, 4.0)
    unreadable = 0
    for cut in np.linspace(0, 1, 22)[1:-1]:
        try:
            audio = load_audio(data[: int(len(data) * cut)])
        except (errors.Damaged, errors.NoAudio, errors.TooShort, errors.UnsupportedMedia):
            unreadable += 1
            assert cut < 0.5
            continue
        missing = 4.0 - audio.duration
        assert missing > -TOLERANCE
        is_marked = DAMAGED in audio.warnings
        assert is_marked or missing < TOLERANCE or name in ("aac", "ac3"), (cut, missing)
        assert not is_marked or missing > TOLERANCE / 2, (cut, missing)
    assert unreadable < 10


@pytest.mark.parametrize("name", ["mp3", "aac", "opus", "vorbis", "flac", "m4a", "webm"])
@pytest.mark.parametrize("hole_s", [0.0, 0.02, 0.5, 1.0])
def test_a_hole_of_zeros_in_the_middle(name, hole_s):
    """All that ffmpeg can read is heard; what is lost is said if it is more than 0.1 s."""
    data = bytearray(encoded(name, 4.0))
    length = int(hole_s / 4.0 * len(data))
    start = len(data) // 2
    data[start : start + length] = bytes(length)
    audio = load_audio(bytes(data))
    by_ffmpeg = seconds_by_ffmpeg(bytes(data))
    # A page of Ogg holds a second, and its checksum tells that it is not whole. After zeros,
    # ffmpeg finds no further cluster of WebM.
    loses_more = name in ("opus", "vorbis") or by_ffmpeg < 4.0 - TOLERANCE
    assert (DAMAGED in audio.warnings) == (hole_s > 0 if loses_more else hole_s >= 0.5)
    assert audio.duration > by_ffmpeg - TOLERANCE


def _id3(n: int) -> bytes:
    size = bytes(n >> shift & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\x04\0\0" + size + np.random.default_rng(n).bytes(n)


IN_FRONT: dict[str, bytes] = {
    "10 zeros": bytes(10),
    "4,000 zeros": bytes(4000),
    "a tag": _id3(300),
    "a tag of 300 KB": _id3(300_000),
    "two tags": _id3(100) + _id3(40_000),
    "three tags and zeros": _id3(1) + _id3(20) + _id3(0) + bytes(100),
}


@pytest.mark.parametrize("front", IN_FRONT)
@pytest.mark.parametrize("name", [n for n in FORMATS if n != "ts"])
def test_anything_in_front(name, front):
    check(IN_FRONT[front] + encoded(name), load_audio(encoded(name)).duration)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 6])
def test_a_few_zeros_in_front(n):
    """Which may look like the size of a box of MP4 or the code of an MPEG stream."""
    names = ("wavpack", "tta", "voc", "w64", "avchd", "ac3 in mpeg")
    source = synth.wav(voice(3.0), RATE)
    others = [files.made_by_ffmpeg(*MORE_FORMATS[name], source=source) for name in names]
    for data in [encoded(name) for name in FORMATS] + others:
        expected, found = detect_container(data), detect_container(bytes(n) + data)
        assert expected is not None
        assert found == (expected.container, expected.start + n)


@pytest.mark.parametrize("version", [3_790, 3_800, 3_930, 3_950, 3_960, 3_980, 3_990, 4_000])
def test_each_version_of_monkeys_audio_that_ffmpeg_reads(version):
    found = detect_container(b"MAC " + struct.pack("<H", version) + bytes(100))
    assert found == ((APE, 0) if 3_800 <= version <= 3_990 else None)


@pytest.mark.parametrize("name", ["mp3", "mp3 vbr", "aac", "ac3", "ts"])
@pytest.mark.parametrize("start", [1, 7, 100, 1000, 1234])
def test_a_stream_that_begins_anywhere(name, start):
    assert 2.5 < load_audio(encoded(name)[start:]).duration < 3.1
    junk = np.random.default_rng(start).bytes(start)
    assert 2.8 < load_audio(junk + encoded(name)).duration < 3.1


@pytest.mark.parametrize(
    "behind",
    [b"TAG" + bytes(125), b"APETAGEX" + bytes(24), bytes(500), _id3(200), b"junk" * 100],
)
@pytest.mark.parametrize("name", FORMATS)
def test_anything_behind(name, behind):
    check(encoded(name) + behind, load_audio(encoded(name)).duration)


def test_random_bytes_are_no_stream():
    for seed in range(200):
        assert detect_container(np.random.default_rng(seed).bytes(70_000)) is None


@pytest.mark.parametrize("text", [b"#EXTM3U\nhttp://x/y", b"ffconcat version 1.0\nfile x\n"])
@pytest.mark.parametrize("front", IN_FRONT)
def test_no_text_behind_anything_is_decoded(text, front):
    with pytest.raises(errors.UnsupportedMedia):
        load_audio(IN_FRONT[front] + text * 50)
    with pytest.raises(errors.UnsupportedMedia):
        load_audio(b"NIST_1A\n   1024\n" + b" " * 1008 + text * 50)


MORE_FORMATS = {
    "avchd": ("mts", "-f", "mpegts", "-c:a", "ac3", "-mpegts_m2ts_mode", "1"),
    "ac3": ("ac3",),
    "eac3": ("eac3",),
    "dts": ("dts", "-c:a", "dca", "-strict", "-2"),
    "voc": ("voc",),
    "wavpack": ("wv",),
    "tta": ("tta",),
    "latm": ("loas", "-f", "latm", "-c:a", "aac"),
    "mxf": ("mxf", "-f", "mxf_opatom", "-c:a", "pcm_s16le", "-ar", "48000"),
    "realaudio": ("rm", "-c:a", "real_144", "-ar", "8000"),
    "rf64": ("wav", "-rf64", "always"),
    "g722": ("wav", "-c:a", "g722", "-ar", "16000"),
    "g726": ("wav", "-c:a", "g726", "-ar", "8000"),
    "adpcm": ("wav", "-c:a", "adpcm_ms"),
    "alac": ("m4a", "-c:a", "alac"),
    "w64": ("w64",),
    "mp2": ("mp2",),
    "ac3 in mpeg": ("mpg", "-c:a", "ac3"),
    "mka of flac": ("mka", "-c:a", "flac"),
}


@pytest.mark.parametrize("name", MORE_FORMATS)
def test_what_ffmpeg_reads(name):
    extension, *options = MORE_FORMATS[name]
    data = files.made_by_ffmpeg(extension, *options, source=synth.wav(voice(3.0), RATE))
    assert sounds_like(check(data, 3.0), voice(3.0)) > 0.8


@pytest.mark.parametrize(
    "format_", ["wav", "w64", "aiff", "au", "caf", "flac", "webm", "flv", "asf"]
)
def test_written_to_a_pipe(format_):
    """The writer could not go back to the header to write the length."""
    check(files.piped(voice(3.0), RATE, "-f", format_), 3.0)


def _rifx(samples: np.ndarray) -> bytes:
    data = np.int16(samples * 32767).astype(">i2").tobytes()
    head = struct.pack(">4sIHHIIHH", b"fmt ", 16, 1, 1, RATE, 2 * RATE, 2, 16)
    body = b"WAVE" + head + b"data" + struct.pack(">I", len(data)) + data
    return b"RIFX" + struct.pack(">I", len(body)) + body


def _sphere(samples: np.ndarray) -> bytes:
    fields = [
        "NIST_1A", "   1024", f"sample_rate -i {RATE}", f"sample_count -i {len(samples)}",
        "channel_count -i 1", "sample_n_bytes -i 2", "sample_byte_format -s2 01",
        "sample_coding -s3 pcm", "end_head", "",
    ]  # fmt: skip
    return "\n".join(fields).encode().ljust(1024) + np.int16(samples * 32767).tobytes()


def _two_data_chunks(samples: np.ndarray) -> bytes:
    data = synth.wav(samples, RATE)
    half = 44 + len(samples) // 2 * 2
    first = data[:40] + struct.pack("<I", half - 44) + data[44:half]
    second = b"data" + struct.pack("<I", len(data) - half) + data[half:]
    body = first[8:] + second
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _rf64(samples: np.ndarray) -> bytes:
    return files.made_by_ffmpeg("wav", "-rf64", "always", source=synth.wav(samples, RATE))


BY_HAND: dict[str, Callable[[np.ndarray], bytes]] = {
    "RIFX": _rifx,
    "SPHERE": _sphere,
    "BW64": lambda samples: b"BW64" + _rf64(samples)[4:],
    "two data chunks": _two_data_chunks,
}


@pytest.mark.parametrize("name", BY_HAND)
def test_rare_kinds_of_wav(name):
    assert sounds_like(check(BY_HAND[name](voice(3.0)), 3.0), voice(3.0)) > 0.8


def _voc(samples: np.ndarray) -> bytes:
    """Return a file of one block, in 8 bits at 20,000 Hz; others write many blocks."""
    data = np.uint8(samples * 127 + 128).tobytes()
    head = b"Creative Voice File\x1a" + struct.pack("<HHH", 26, 0x10A, 0x1129)
    block = b"\1" + (len(data) + 2).to_bytes(3, "little") + bytes([256 - 1_000_000 // 20_000, 0])
    return head + block + data + b"\0"


DECLARED: dict[str, Callable[[], bytes]] = {
    "W64": lambda: synth.wav(voice(3.0), RATE, container="W64"),
    "SPHERE": lambda: _sphere(voice(3.0)),
    "VOC of one block": lambda: _voc(voice(3.0, rate=20_000)),
    "VOC of many": lambda: files.made_by_ffmpeg("voc", source=synth.wav(voice(3.0), RATE)),
}


@pytest.mark.parametrize("name", DECLARED)
def test_cut_off_from_a_declared_length(name):
    data = DECLARED[name]()
    check(data, 3.0)
    check(data + bytes(100), 3.0)
    for cut in (0.3, 0.6, 0.9):
        check(data[: int(len(data) * cut)], 3.0 * cut, damaged=True)


def test_silence_up_to_the_limit_is_not_said_of_the_rest():
    sound = np.concatenate([np.zeros(2 * RATE, np.float32), voice(1.0)])
    with pytest.raises(errors.Silent, match=r"in the first 1\.5 s of this file"):
        load_audio(synth.wav(sound, RATE), max_seconds=1.5)
    with pytest.raises(errors.Silent, match="silence in this file"):
        load_audio(synth.wav(sound[: 2 * RATE], RATE), max_seconds=2.0)


UNSUPPORTED = {
    "SILK": b"#!SILK_V3" + bytes(100),
    "WeChat": b"\x02#!SILK_V3" + bytes(100),
    "MIDI": b"MThd\0\0\0\6" + bytes(100),
    "Musepack": b"MPCKSH" + bytes(100),
}


@pytest.mark.parametrize("name", UNSUPPORTED)
def test_a_refusal_names_the_kind(name):
    with pytest.raises(errors.UnsupportedMedia, match=f"{name}.* not supported"):
        load_audio(UNSUPPORTED[name])


@pytest.mark.parametrize("brand", [b"heic", b"heix", b"mif1", b"msf1", b"avif", b"avis", b"crx "])
def test_a_picture_in_a_container_of_films(brand):
    head = struct.pack(">I4s4s4x4s4s", 24, b"ftyp", brand, b"mif1", b"miaf")
    picture = head + struct.pack(">I4s4x", 12, b"meta") + np.random.default_rng(0).bytes(5000)
    with pytest.raises(errors.UnsupportedMedia, match="a picture, which is not supported"):
        load_audio(picture)
    check(files.patched(encoded("m4a"), 8, brand), 3.0)  # whatever it is called, it has sound


def test_protected_sound_is_called_protected():
    data = encoded("m4a")
    with pytest.raises(errors.UnsupportedMedia, match="DRM"):
        load_audio(data.replace(b"mp4a", b"drms", 1))
    wma = encoded("wma")
    guid = bytes.fromhex("fbb3112223bdd211b4b700a0c955fc6e")
    with pytest.raises(errors.UnsupportedMedia, match="DRM"):
        load_audio(wma[:30] + guid + wma[30:])


@pytest.mark.parametrize("kind", ["wav", "m4a", "ogg"])
def test_one_channel_inverted(kind):
    sound = voice(3.0)
    stereo = np.stack([sound, -sound], axis=1)
    data = files.made_by_ffmpeg(kind, source=synth.wav(stereo, RATE))
    samples = check(data, 3.0)
    assert sounds_like(samples, sound) > 0.8
    assert np.std(samples) == pytest.approx(np.std(sound), rel=0.1)


def test_channels_that_add_up_are_averaged():
    left, right = voice(3.0, 1), voice(3.0, 2)
    for other in (left, right, 0 * left):
        samples = load_audio(synth.wav(np.stack([left, other], axis=1), 22_050)).samples
        expected = load_audio(synth.wav((left + other) / 2, 22_050)).samples
        np.testing.assert_allclose(samples, expected, atol=1e-4)


@pytest.mark.parametrize("layout", ["mono", "stereo", "2.1", "quad", "5.0", "5.1", "7.1"])
@pytest.mark.parametrize("extension", ["wav", "flac", "mka"])
def test_channel_layouts(layout, extension):
    options = ("-af", f"aformat=channel_layouts={layout}")
    codec = ("-c:a", "pcm_s16le") if extension == "mka" else ()
    data = files.made_by_ffmpeg(extension, *options, *codec, source=synth.wav(voice(2.0), RATE))
    assert sounds_like(check(data, 2.0), voice(2.0)) > 0.8


def _tracks(options: list[str], *sounds: np.ndarray) -> bytes:
    """Return a Matroska file with these tracks."""
    n = len(sounds)
    both = synth.wav(np.stack(sounds, axis=1), RATE)
    split = ";".join(f"[0:a]pan=mono|c0=c{i}[t{i}]" for i in range(n))
    maps = [option for i in range(n) for option in ("-map", f"[t{i}]")]
    return files.made_by_ffmpeg("mka", "-filter_complex", split, *maps, *options, source=both)


def _louder(seconds: float) -> np.ndarray:
    return voice(seconds) * np.linspace(0.05, 1, int(seconds * RATE), dtype=np.float32)


def test_the_default_track_is_heard():
    first, second = _louder(3.0)[::-1], _louder(3.0)
    data = _tracks(["-disposition:a:0", "0", "-disposition:a:1", "default"], first, second)
    samples = check(data, 3.0)
    assert sounds_like(samples, second) > 0.9
    assert sounds_like(samples, first) < 0.5


def test_the_next_track_where_the_first_is_silent():
    silent, sound = np.zeros(3 * RATE, np.float32), _louder(3.0)
    assert sounds_like(check(_tracks([], silent, silent, sound), 3.0), sound) > 0.9
    with pytest.raises(errors.Silent):
        load_audio(_tracks([], silent, silent))


SUBTITLE = base64.b64encode(b"1\n00:00:00,500 --> 00:00:09,000\nhello\n\n").decode()
OTHER_STREAMS = {
    "sound": ("-f", "lavfi", "-i", "sine=d=9"),
    "picture": ("-f", "lavfi", "-i", "color=s=32x32:d=9"),
    "subtitles": ("-f", "srt", "-i", f"data:text/plain;base64,{SUBTITLE}"),
}


@pytest.mark.parametrize("kind", OTHER_STREAMS)
@pytest.mark.parametrize(
    "options", [("mp4", "-movflags", "+faststart", "-c:s", "mov_text"), ("mkv", "-c:s", "srt")]
)
def test_a_whole_track_beside_a_longer_one(kind, options):
    extension, *rest = options
    maps = ("-map", "0", "-map", "1", "-c:a", "aac")
    data = files.made_by_ffmpeg(
        extension, *OTHER_STREAMS[kind], *maps, *rest, source=synth.wav(voice(3.0), RATE)
    )
    check(data, 3.0)
    cut = load_audio(data[: len(data) * 3 // 10])
    assert cut.duration < 2.5
    assert DAMAGED in cut.warnings


@pytest.mark.parametrize(
    "title",
    [
        "How to fix the [error] in vim", "a\n[error] b", "[info]   Duration: 00:01:00.00,",
        "Reconfiguring filter graph", "Estimating duration from bitrate",
        "  Input stream #0:0 (audio): 9 packets read; 9 frames decoded; 9 decode errors "
        "(9 samples);",
    ],
)  # fmt: skip
def test_a_title_is_no_message_of_the_decoder(title):
    log = FfmpegLog()
    options = ("-c:a", "aac", "-metadata", f"title={title}", "-metadata", f"{title[:40]}=x")
    data = files.made_by_ffmpeg("mkv", *options, source=synth.wav(voice(3.0), RATE))
    with Decoding(data, MATROSKA, Limits.from_now(600, 60), log=log) as decoding:
        n = sum(len(block) for block in decoding.blocks())
    assert log.errors == []
    assert not log.format_changes
    assert log.declared_seconds == pytest.approx(3.0, abs=TOLERANCE)
    assert log.decoded_seconds == pytest.approx(n / RATE, abs=TOLERANCE)


@pytest.mark.parametrize("extension", ["webm", "mka", "flv"])
@pytest.mark.parametrize("gap_s", [0.5, 3.0, 20.0])
def test_a_gap_in_the_time_stamps_is_silence(extension, gap_s):
    """As in a recording of a call whose microphone was off for a while."""
    later = f"setts=ts=TS+gt(TS*TB\\,1.5)*{gap_s}/TB"
    codec = {"webm": "libopus", "mka": "flac", "flv": "aac"}[extension]
    rate = "44100" if extension == "flv" else "48000"
    options = ("-c:a", codec, "-ar", rate, "-bsf:a", later)
    data = files.made_by_ffmpeg(extension, *options, source=synth.wav(voice(3.0), RATE))
    samples = check(data, 3.0 + gap_s)
    assert np.abs(samples[int(1.8 * 22_050) : int((1.3 + gap_s) * 22_050)]).max(initial=0) < 1e-3
    assert np.abs(samples[int((1.8 + gap_s) * 22_050) :]).max() > 0.05


@pytest.mark.parametrize(("extension", "codec"), [("mp4", "aac"), ("webm", "libopus")])
def test_sound_that_begins_late_has_silence_before_it(extension, codec):
    late = ("-af", "asetpts=PTS+2/TB", "-c:a", codec)
    picture = ("-f", "lavfi", "-i", "color=s=32x32:d=5")
    data = files.made_by_ffmpeg(extension, *picture, *late, source=synth.wav(voice(3.0), RATE))
    samples = check(data, 5.0)
    assert np.abs(samples[: int(1.9 * 22_050)]).max() < 1e-3
    assert np.abs(samples[int(2.1 * 22_050) :]).max() > 0.05
