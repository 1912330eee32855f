"""The decoder and the converter read files of the suffixes that a scan takes for audio."""

import pytest
import soundfile

from ser.audio.decode import SAMPLE_RATE, load_audio
from ser.corpora import AUDIO_SUFFIXES, CORPORA, scan
from ser.corpora.files.convert import convert, plan
from tests import synth

# Where ffmpeg does not know the suffix, or where some builds lack its default encoder.
OPTIONS = {
    ".3g2": ("-c:a", "aac"), ".3gp": ("-c:a", "aac"), ".aifc": ("-f", "aiff"),
    ".asf": ("-c:a", "wmav2"), ".bwf": ("-f", "wav"), ".f4v": ("-c:a", "aac", "-f", "mp4"),
    ".m4b": ("-f", "ipod"), ".m4r": ("-f", "ipod"), ".m4v": ("-c:a", "aac", "-f", "mp4"),
    ".mka": ("-c:a", "flac"), ".mkv": ("-c:a", "flac"), ".mpa": ("-f", "mp2"),
    ".mpeg": ("-c:a", "mp2"), ".mpg": ("-c:a", "mp2"), ".mpga": ("-f", "mp3"),
    ".mts": ("-c:a", "mp2", "-f", "mpegts"), ".qt": ("-f", "mov"),
    ".rf64": ("-f", "wav", "-rf64", "always"), ".snd": ("-f", "au"), ".ts": ("-c:a", "mp2"),
    ".vob": ("-c:a", "mp2"), ".weba": ("-f", "webm"), ".wma": ("-c:a", "wmav2"),
    ".wmv": ("-c:a", "wmav2"),
}  # fmt: skip
# Few builds of ffmpeg can write these.
NOT_WRITTEN = {".amr", ".ape", ".awb", ".dts", ".mp1", ".mxf", ".ra", ".rm", ".sph", ".spx"}
# A scan finds these; whether the decoder reads one depends on what the file holds.
RARE = {".ac3", ".eac3", ".latm", ".loas", ".m2ts", ".tta", ".voc", ".wv"}
SUFFIXES = sorted(AUDIO_SUFFIXES - NOT_WRITTEN - RARE)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with one voice in every format, under names of the custom corpus."""
    folder = tmp_path_factory.mktemp("formats")
    voice = synth.voice(1.0)
    for suffix in SUFFIXES:
        path = folder / f"{suffix[1:]}_happy{suffix}"
        synth.encoded(voice, SAMPLE_RATE, path, *OPTIONS.get(suffix, ()))
        path.with_suffix(".source.wav").unlink()
    return folder


def test_a_scan_finds_each(folder):
    found = scan([folder], CORPORA)
    assert sorted(u.path.suffix for u in found.utterances) == SUFFIXES
    assert not found.unknown
    assert not found.other


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_decoder_reads_each(folder, suffix):
    audio = load_audio(folder / f"{suffix[1:]}_happy{suffix}")
    assert audio.duration == pytest.approx(1.0, abs=0.15)


def test_the_converter_reads_each(folder, tmp_path):
    results = list(convert(plan(folder, tmp_path / "wavs")))
    assert [str(fault) for _, fault in results if fault] == []
    assert len(results) == len(SUFFIXES)
    for job, _ in results:
        assert soundfile.info(job.target).duration == pytest.approx(1.0, abs=0.15)


def test_a_file_that_is_not_audio_is_reported_by_name(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "code.ts").write_text("export const one = 1")
    ((_, fault),) = convert(plan(tmp_path / "in", tmp_path / "out"))
    assert "code.ts: this is no audio or video file" in str(fault)


@pytest.mark.parametrize("suffix", sorted(AUDIO_SUFFIXES))
def test_a_scan_takes_each_for_audio(tmp_path, suffix):
    for name in (f"a_happy{suffix}", f"b{suffix.upper()}", "c.txt"):
        (tmp_path / name).touch()
    found = scan([tmp_path], CORPORA)
    assert [u.path.suffix for u in found.utterances] == [suffix]
    assert [path.suffix for path in found.unknown] == [suffix.upper()]
    assert [path.name for path in found.other] == ["c.txt"]


def test_a_git_lfs_pointer_is_called_one(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.wav").write_text(
        "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n"
    )
    ((_, fault),) = convert(plan(tmp_path / "in", tmp_path / "out"))
    assert "a.wav: this is a Git LFS pointer" in str(fault)
    assert "`git lfs pull`" in str(fault)


def test_a_link_to_nothing_is_reported_by_name(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.wav").symlink_to(tmp_path / "gone")
    ((_, fault),) = convert(plan(tmp_path / "in", tmp_path / "out"))
    assert "a.wav: No such file or directory" in str(fault)
