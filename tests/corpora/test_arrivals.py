"""Files that arrive in a folder: each once, when it is complete."""

import os
from contextlib import suppress
from pathlib import Path

import pytest

from ser.corpora.files.arrivals import arrivals, audio_files
from ser.errors import UsageError


def test_the_audio_files_below_a_folder(tmp_path):
    for name in ("b.wav", "a.MP3", "d/c.ogg", "notes.txt", "d/._c.ogg", ".git/x.wav"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    found, skipped = audio_files(tmp_path)
    assert [str(p.relative_to(tmp_path)) for p in found] == ["a.MP3", "b.wav", "d/c.ogg"]
    assert skipped == 3
    with pytest.raises(UsageError, match="no such folder"):
        audio_files(tmp_path / "gone")


class _Clock:
    """Stands for `time.sleep`: each call lets the next change happen."""

    def __init__(self, *changes) -> None:
        self.changes = list(changes)

    def __call__(self, _seconds: float) -> None:
        if not self.changes:
            raise KeyboardInterrupt
        self.changes.pop(0)()


def _names(folder: Path, *changes) -> list[str]:
    found = []
    with suppress(KeyboardInterrupt):
        for path in arrivals(folder, sleep=_Clock(*changes)):
            found.append(path.name)
    return found


def _nothing() -> None:
    pass


def _write(path: Path, data: bytes, time_s: float):
    def write() -> None:
        path.write_bytes(data)
        os.utime(path, (time_s, time_s))

    return write


def test_files_that_are_there_come_first_and_each_once(tmp_path):
    (tmp_path / "b.wav").write_bytes(b"x")
    (tmp_path / "a.wav").write_bytes(b"x")
    new = _write(tmp_path / "new.wav", b"x", 1)
    assert _names(tmp_path, _nothing, new, _nothing, _nothing) == ["a.wav", "b.wav", "new.wav"]


def test_a_file_that_grows_is_waited_for(tmp_path):
    path = tmp_path / "a.wav"
    grows = [_write(path, b"x" * n, 1) for n in (1, 2, 3)]
    assert _names(tmp_path, *grows) == []
    path.unlink()
    assert _names(tmp_path, *grows, _nothing) == ["a.wav"]
    path.unlink()
    rewritten = [_write(path, b"x", time_s) for time_s in (1, 2, 3)]
    assert _names(tmp_path, *rewritten) == []


def test_an_empty_file_is_waited_for(tmp_path):
    path = tmp_path / "a.wav"
    path.touch()
    assert _names(tmp_path, _nothing, _nothing) == []
    assert _names(tmp_path, _write(path, b"x", 1), _nothing) == ["a.wav"]


def test_a_file_that_comes_back_is_a_new_one(tmp_path):
    path = tmp_path / "a.wav"
    write = _write(path, b"x", 1)
    assert _names(tmp_path, write, _nothing, path.unlink, write, _nothing) == ["a.wav", "a.wav"]


def test_what_is_no_audio_is_passed_over(tmp_path):
    write = _write(tmp_path / "a.wav.part", b"x", 1)
    assert _names(tmp_path, write, _nothing, _nothing) == []


def test_a_folder_that_goes_away(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    with pytest.raises(UsageError, match="no such folder"):
        list(arrivals(folder, sleep=_Clock(folder.rmdir)))
