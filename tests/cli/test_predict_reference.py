"""`ser predict` and `ser record` with --reference."""

import csv
import json
from pathlib import Path

import pytest

from ser.augmentation.corruptions import telephone
from ser.cli import predict, record
from ser.errors import UsageError
from tests import synth


@pytest.fixture
def folder(tmp_path, monkeypatch, clip) -> Path:
    """Return the current folder: a clip, its speaker in a neutral voice, and another line."""
    neutral = synth.voice(2.0, pitch=130, seed=5)
    sounds = {"a": synth.voice(1.5, pitch=128, seed=5), "other": telephone(neutral)}
    sounds |= {f"neutral{n}": neutral[n * 10 :] for n in range(5)}
    for name, samples in sounds.items():
        (tmp_path / f"{name}.wav").write_bytes(synth.wav(samples))
    (tmp_path / "broken.wav").write_bytes(b"no sound")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def ask(folder, relative_model, capsys):
    """Return a function that runs the command in this folder and returns what it prints."""

    def ask(*arguments: str, status: int = 0) -> str:
        assert predict.main(["--model", str(relative_model), *arguments]) == status
        return capsys.readouterr().out

    return ask


def test_the_answer_is_another_one_and_says_so(ask):
    plain, answer = (
        json.loads(ask("a.wav", "--format", "json", *more))
        for more in ((), ("--reference", "neutral0.wav", "neutral1.wav"))
    )
    assert "reference" not in plain
    assert answer["reference"] == {"seconds": 4.0, "used": True}
    assert answer["probabilities"] != plain["probabilities"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("a.wav", "neutral1.wav", "--reference", "neutral0.wav"),
        ("--reference", "neutral0.wav", "--", "a.wav", "neutral1.wav"),
        ("--reference", "neutral0.wav", "--format", "text", "a.wav", "neutral1.wav"),
    ],
)
def test_where_the_files_of_the_reference_end(ask, arguments):
    lines = ask(*arguments).splitlines()
    assert [line.split(":")[0] for line in lines] == ["a.wav", "neutral1.wav"]
    assert all(line.endswith(", with reference") for line in lines)


def test_a_mismatch_is_shown_in_every_format(ask):
    given = ("a.wav", "--reference", "other.wav", "--format")
    assert ask(*given, "text").rstrip().endswith("%), reference_mismatch")
    answer = json.loads(ask(*given, "json"))
    assert answer["reference"]["used"] is False
    assert "reference_mismatch" in answer["warnings"]
    (row,) = csv.DictReader(ask(*given, "csv").splitlines())
    assert (row["reference_used"], row["warnings"]) == ("false", "reference_mismatch")


def test_the_csv_says_whether_it_was_used(ask):
    answered = ask(
        "a.wav", "broken.wav", "--format", "csv", "--reference", "neutral0.wav", status=1
    )
    good, bad = csv.DictReader(answered.splitlines())
    assert (good["reference_used"], good["warnings"], good["error"]) == ("true", "", "")
    assert (bad["reference_used"], bad["warnings"]) == ("", "")
    assert bad["error"].startswith("unsupported_media")
    (plain,) = csv.DictReader(ask("a.wav", "--format", "csv").splitlines())
    assert plain["reference_used"] == ""


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (["gone.wav"], "No such file or directory: 'gone.wav'"),
        (["neutral0.wav", "broken.wav"], "clip 2: this is no audio or video file"),
        ([f"neutral{n}.wav" for n in range(5)], "1 to 4 clips, not 5"),
    ],
)
def test_a_reference_that_cannot_be_made(ask, files, words):
    with pytest.raises(UsageError, match="--reference: ") as caught:
        ask("a.wav", "--reference", *files)
    assert words in str(caught.value)


def test_a_model_that_takes_none(folder, classic_model):
    with pytest.raises(UsageError, match="takes no reference"):
        predict.main(["a.wav", "--reference", "neutral0.wav", "--model", str(classic_model)])


def test_a_recording_with_a_reference(folder, relative_model, capsys):
    silence = [0.0] * 22_050
    take = [*silence, *synth.voice(2.0, pitch=128, seed=5), *silence, *silence]
    (folder / "take.wav").write_bytes(synth.wav(take))
    arguments = ["--model", str(relative_model), "--from-wav", "take.wav", "--no-save"]
    assert record.main([*arguments, "--reference", "neutral0.wav"]) == 0
    assert capsys.readouterr().out.rstrip().endswith(("with reference", "reference_mismatch"))
