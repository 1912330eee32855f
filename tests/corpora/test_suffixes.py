"""Every suffix that a walk takes for audio is one that the decoder and the converter read."""

import pytest
import soundfile

from ser.audio.decode import SAMPLE_RATE, load_audio
from ser.corpora import AUDIO_SUFFIXES, CORPORA, scan
from ser.corpora.convert import convert, plan
from tests import synth

# What ffmpeg is told where its usual choice for the suffix is no encoder that every build has.
OPTIONS = {
    ".3gp": ("-c:a", "aac"), ".mkv": ("-c:a", "flac"), ".mpg": ("-c:a", "mp2"),
    ".ts": ("-c:a", "mp2"), ".wma": ("-c:a", "wmav2"),
}  # fmt: skip
MADE = sorted(AUDIO_SUFFIXES - {".amr"})  # ffmpeg writes AMR with a library few builds have


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder of one voice in every format, under names of clips of one's own."""
    folder = tmp_path_factory.mktemp("formats")
    voice = synth.voice(1.0)
    for suffix in MADE:
        path = folder / f"{suffix[1:]}_happy{suffix}"
        synth.encoded(voice, SAMPLE_RATE, path, *OPTIONS.get(suffix, ()))
        path.with_suffix(".source.wav").unlink()
    return folder


def test_a_walk_finds_each(folder):
    found = scan([folder], CORPORA)
    assert sorted(u.path.suffix for u in found.utterances) == MADE
    assert not found.unknown
    assert not found.other


@pytest.mark.parametrize("suffix", MADE)
def test_the_decoder_reads_each(folder, suffix):
    audio = load_audio(folder / f"{suffix[1:]}_happy{suffix}")
    assert audio.duration == pytest.approx(1.0, abs=0.15)


def test_the_converter_reads_each(folder, tmp_path):
    results = list(convert(plan(folder, tmp_path / "wavs")))
    assert [str(fault) for _, fault in results if fault] == []
    assert len(results) == len(MADE)
    for job, _ in results:
        assert soundfile.info(job.target).duration == pytest.approx(1.0, abs=0.15)


def test_what_is_no_audio_is_said_of_its_file(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "code.ts").write_text("export const one = 1")
    ((_, fault),) = convert(plan(tmp_path / "in", tmp_path / "out"))
    assert "code.ts: of no audio or video format known here" in str(fault)
