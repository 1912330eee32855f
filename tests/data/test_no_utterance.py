"""Folders in which no file says an emotion: every command shows the first ones, and the way out."""

import pytest

from ser.cli import evaluate, explore, extract, train
from ser.corpora import CORPORA
from ser.data.dataset import load_dataset
from ser.errors import UsageError
from ser.features import FEATURE_SETS
from ser.resources import DEFAULT_MODEL

COMMANDS = {
    "extract": (extract, "--features", "mfcc40-mean", "--out", "table.csv"),
    "explore": (explore, "--out", "page"),
    "evaluate": (evaluate, str(DEFAULT_MODEL)),
    "train": (train, "tree-mfcc40", "--out", "model.skops"),
}


def error(folder) -> list[str]:
    with pytest.raises(UsageError) as caught:
        load_dataset([folder], FEATURE_SETS["mfcc40-mean"])
    first, *lines = str(caught.value).splitlines()
    start = f"no utterance of {', '.join(CORPORA)} below {folder}; "
    assert first.startswith(start)
    return [first.removeprefix(start), *lines]


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_shows_the_first_files_and_the_way_out(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "clips").mkdir()
    for n in range(5):
        (tmp_path / "clips" / f"call_with_{n}_people.wav").touch()
    command, *arguments = COMMANDS[name]
    with pytest.raises(UsageError) as caught:
        command.main([*arguments, "--data", "clips"])
    first, *shown, more, way_out = str(caught.value).splitlines()
    assert first.endswith(" below clips; 5 audio files of another name")
    assert shown == [f"  clips/call_with_{n}_people.wav" for n in range(3)]
    assert more == "  …"
    assert all(words in way_out for words in ("tea_happy.wav", "happy/tea.wav", "columns path and"))


def test_a_file_in_doubt_and_a_word_that_is_nearly_one(tmp_path):
    for name in ("Joy/sad_story.wav", "x/tea_hapy_2.wav"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    count, doubtful, other, _, hint = error(tmp_path)
    assert count == "2 audio files of another name"
    assert doubtful == f"  {tmp_path}/Joy/sad_story.wav (its name says sad, its folder happy)"
    assert other == f"  {tmp_path}/x/tea_hapy_2.wav"
    assert hint == "'hapy' (1 file): did you mean 'happy'?"


def test_no_audio_file(tmp_path):
    (tmp_path / "notes.txt").touch()
    assert error(tmp_path) == ["no audio file there"]
