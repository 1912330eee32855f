"""The decoder and the converter read files of every suffix that a scan takes for audio."""

import pytest
import soundfile

from ser.audio.decode import SAMPLE_RATE, load_audio
from ser.corpora import AUDIO_SUFFIXES, CORPORA, scan
from ser.corpora.convert import convert, plan
from tests import synth

# Encoders for the suffixes whose default encoder is missing in some builds of ffmpeg.
OPTIONS = {
    ".3gp": ("-c:a", "aac"), ".mkv": ("-c:a", "flac"), ".mpg": ("-c:a", "mp2"),
    ".ts": ("-c:a", "mp2"), ".wma": ("-c:a", "wmav2"),
}  # fmt: skip
SUFFIXES = sorted(AUDIO_SUFFIXES - {".amr"})  # few builds of ffmpeg can write AMR


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
    assert "code.ts: not of a known audio or video format" in str(fault)
