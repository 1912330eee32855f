"""Corpora without a readable clip: every command shows the first reasons."""

import os

import pytest

from ser.cli import evaluate, explore, extract
from ser.data.dataset import load_dataset
from ser.errors import UsageError
from ser.features import FEATURE_SETS
from tests import synth

FEATURES = FEATURE_SETS["mfcc40-mean"]
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize 98765\n"


@pytest.fixture
def pointers(tmp_path):
    """Return a TESS that was cloned without Git LFS."""
    folder = tmp_path / "tess"
    folder.mkdir()
    for n, word in enumerate(("back", "dog", "fit", "gap", "home")):
        (folder / f"OAF_{word}_sad.wav").write_text(POINTER.format(f"{n:064}"))
    return folder


def check(message: str, folder) -> None:
    first, *reasons = message.splitlines()
    assert first.endswith("none of the clips can be read:")
    *shown, more = reasons
    assert [line.partition(": ")[0] for line in shown] == [
        f"  {folder}/OAF_{word}_sad.wav" for word in ("back", "dog", "fit")
    ]
    assert all("this is a Git LFS pointer" in line and "`git lfs pull`" in line for line in shown)
    assert more == "  …"


def test_a_dataset(pointers):
    for _ in range(2):  # computed, and from the cache
        with pytest.raises(UsageError) as caught:
            load_dataset([pointers], FEATURES)
        check(str(caught.value), pointers)


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_extract(pointers, tmp_path, suffix):
    out = tmp_path / f"t{suffix}"
    out.write_text("old")
    with pytest.raises(UsageError) as caught:
        extract.main(["--data", str(pointers), "--features", FEATURES.name, "--out", str(out)])
    check(str(caught.value), pointers)
    assert out.read_text() == "old"


def test_explore(pointers, tmp_path):
    for _ in range(2):
        with pytest.raises(UsageError) as caught:
            explore.main(["--data", str(pointers), "--out", str(tmp_path / "page")])
        check(str(caught.value), pointers)


def test_evaluate(pointers):
    from ser.resources import DEFAULT_MODEL

    with pytest.raises(UsageError) as caught:
        evaluate.main([str(DEFAULT_MODEL), "--data", str(pointers)])
    check(str(caught.value), pointers)


def test_other_reasons(tmp_path):
    (tmp_path / "a_happy.wav").touch()
    (tmp_path / "b_happy.wav").symlink_to(tmp_path / "gone.wav")
    with pytest.raises(UsageError) as caught:
        load_dataset([tmp_path], FEATURES)
    assert str(caught.value).splitlines() == [
        "none of the clips can be read:",
        f"  {tmp_path}/a_happy.wav: the file is empty (0 bytes)",
        f"  {tmp_path}/b_happy.wav: No such file or directory",
    ]


def test_one_corpus_of_two(pointers, tmp_path):
    (tmp_path / "a_happy.wav").write_bytes(synth.wav(synth.voice(0.6)))
    dataset = load_dataset([tmp_path], FEATURES)
    assert [u.corpus for u in dataset.utterances] == ["custom"]
    assert dataset.notes[0] == "1 custom, 5 tess"
    assert "git lfs pull" in dataset.notes[1]
    assert dataset.notes[-1] == "no clip of tess can be read"


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may read everything")
def test_a_clip_without_permission_is_left_out(tmp_path):
    for name in ("a_happy.wav", "b_sad.wav"):
        (tmp_path / name).write_bytes(synth.wav(synth.voice(0.6)))
    (tmp_path / "b_sad.wav").chmod(0)
    dataset = load_dataset([tmp_path], FEATURES)
    assert dataset.notes[1] == f"left out {tmp_path}/b_sad.wav: Permission denied"
