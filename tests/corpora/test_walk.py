"""Walking folders: links are followed once, what other programs left is skipped and counted."""

import os

import pytest

from ser.corpora import CORPORA, scan
from ser.corpora.files.convert import plan
from ser.corpora.files.walk import FolderWalk

HAPPY = "tea_happy.wav"


def touch(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def link(path, target):
    try:
        path.symlink_to(target, target_is_directory=True)
    except OSError:
        pytest.skip("links cannot be made here")


def found(folder):
    return [str(path.relative_to(folder)) for path in FolderWalk().files(folder)]


def test_files_come_before_subfolders_and_in_order(tmp_path):
    touch(tmp_path, "b/2.wav", "b/1.wav", "a/1.wav", "z.wav")
    assert found(tmp_path) == ["z.wav", "a/1.wav", "b/1.wav", "b/2.wav"]


@pytest.mark.parametrize(
    "name",
    [
        f"._{HAPPY}", ".DS_Store", "a/Thumbs.db", "Desktop.ini", f"__MACOSX/a/{HAPPY}",
        f".ipynb_checkpoints/{HAPPY}", f"a/.git/annex/objects/{HAPPY}", f".Trash/{HAPPY}",
        f"@eaDir/{HAPPY}",
    ],
)  # fmt: skip
def test_a_system_file_is_skipped_and_counted(tmp_path, name):
    touch(tmp_path, HAPPY, name)
    result = scan([tmp_path], CORPORA)
    assert [u.path.name for u in result.utterances] == [HAPPY]
    assert not result.copies
    assert not result.unknown
    assert not result.other
    assert result.skipped.total() == 1
    assert result.summary() == "1 custom, 1 system or hidden file skipped"
    assert [job.source for job in plan(tmp_path, tmp_path.parent / "wavs")] == [tmp_path / HAPPY]


def test_the_files_of_a_hidden_folder_are_counted_and_the_folder_is_named(tmp_path):
    touch(tmp_path, ".git/config", ".git/refs/one", f".git/refs/{HAPPY}", ".DS_Store", HAPPY)
    result = scan([tmp_path], CORPORA)
    assert result.skipped == {tmp_path / ".git": 3, tmp_path / ".DS_Store": 1}
    assert "4 system or hidden files skipped" in result.summary()


def test_a_hidden_folder_that_is_asked_for_is_read(tmp_path):
    touch(tmp_path, f".corpora/__MACOSX/{HAPPY}", f".corpora/{HAPPY}")
    assert len(scan([tmp_path / ".corpora"], CORPORA).utterances) == 1


@pytest.mark.parametrize("to_parent", [".", "..", "../.."])
def test_a_link_to_a_parent_does_not_loop(tmp_path, to_parent):
    top = tmp_path / "top"
    touch(tmp_path, "beside_sad.wav")
    touch(top, f"a/{HAPPY}")
    link(top / "a" / "loop", to_parent)
    assert found(top) == [f"a/{HAPPY}"]


def test_links_to_each_other_do_not_loop(tmp_path):
    touch(tmp_path, "a/1.wav", "b/2.wav")
    link(tmp_path / "a" / "to_b", tmp_path / "b")
    link(tmp_path / "b" / "to_a", tmp_path / "a")
    link(tmp_path / "nowhere", tmp_path / "gone")
    assert found(tmp_path) == ["nowhere", "a/1.wav", "b/2.wav"]


def test_a_linked_folder_is_read_once(tmp_path):
    touch(tmp_path, f"store/deep/{HAPPY}", "corpus/own_sad.wav")
    for name in ("one", "two"):
        link(tmp_path / "corpus" / name, tmp_path / "store")
    link(tmp_path / "corpus" / "three", tmp_path / "store" / "deep")
    result = scan([tmp_path / "corpus"], CORPORA)
    assert sorted(u.emotion for u in result.utterances) == ["happy", "sad"]
    assert not result.copies
    assert len(plan(tmp_path / "corpus", tmp_path / "wavs")) == 2


def test_a_link_gives_a_folder_its_name(tmp_path):
    touch(tmp_path, "store/s1/1.wav")
    (tmp_path / "corpus").mkdir()
    link(tmp_path / "corpus" / "happy", tmp_path / "store" / "s1")
    (utterance,) = scan([tmp_path / "corpus"], CORPORA).utterances
    assert utterance.emotion == "happy"


def test_a_folder_is_read_under_its_own_name(tmp_path):
    touch(tmp_path, "happy/1.wav")
    link(tmp_path / "a link", tmp_path / "happy")
    assert found(tmp_path) == ["happy/1.wav"]


def test_a_folder_given_twice_is_read_once(tmp_path):
    touch(tmp_path, f"a/{HAPPY}")
    result = scan([tmp_path / "a", tmp_path, tmp_path / "a" / ".." / "a"], CORPORA)
    assert len(result.utterances) == 1
    assert not result.copies


def test_names_that_are_not_utf_8_are_shown(tmp_path):
    try:
        touch(tmp_path, os.fsdecode(b"caf\xe9.wav"), os.fsdecode(b"caf\xe9_sad.wav"))
    except OSError:
        pytest.skip("the file system takes names in UTF-8 only")
    result = scan([tmp_path], CORPORA)
    (utterance,) = result.utterances
    assert utterance.path.is_file()
    assert utterance.take == f"{tmp_path.resolve()}/caf\\xe9_sad.wav"
    assert f"not of a known corpus: {tmp_path}/caf\\xe9.wav" in result.summary()
    (tmp_path / "m.csv").write_text("path,emotion\ncaf\\xe9.wav,happy\n")
    (utterance,) = scan([tmp_path / "m.csv"], CORPORA).utterances
    assert utterance.path.is_file()
