"""`ser predict` with --channels, --cues, --out and the forms of a timeline."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest

from ser.cli import predict
from ser.errors import UsageError
from ser.timeline import TIMELINE_FORMS, timeline_of
from tests import synth
from tests.exchange import CAPTIONS, stereo

VOICE = synth.voice(9.0)


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """Return the current folder, with recordings and captions."""
    (tmp_path / "a.wav").write_bytes(synth.wav(VOICE))
    (tmp_path / "stereo.wav").write_bytes(stereo(VOICE, 0 * VOICE))
    (tmp_path / "broken.wav").write_bytes(b"no sound")
    (tmp_path / "talk.srt").write_bytes(CAPTIONS)
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "a.wav").write_bytes(synth.wav(np.tile(VOICE, 2)))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def ask(folder, capsys):
    """Return a function that runs the command in this folder and returns what it prints."""

    def ask(*arguments: str, status: int = 0):
        assert predict.main(list(arguments)) == status
        return capsys.readouterr()

    return ask


@pytest.mark.parametrize("form", ["vtt", "srt", "audacity", "textgrid"])
def test_the_forms_of_a_timeline(ask, predictor, form):
    timeline = timeline_of(predictor.predict(Path("a.wav")))
    printed = ask("a.wav", "--format", form)
    assert printed.out == TIMELINE_FORMS[form].write(timeline)
    notes = [f"a.wav: {', '.join(timeline.warnings)}"] if timeline.warnings else []
    assert printed.err.splitlines() == notes


def test_a_folder_gets_a_file_for_each(ask, folder, predictor):
    files = ["a.wav", "broken.wav", "more/a.wav"]
    printed = ask(*files, "--format", "textgrid", "--out", "out/new", status=1)
    assert printed.out == ""
    assert "broken.wav: error: this is no audio" in printed.err
    out = folder / "out" / "new"
    assert sorted(path.name for path in out.iterdir()) == ["a-2.TextGrid", "a.TextGrid"]
    for name, path in (("a.TextGrid", "a.wav"), ("a-2.TextGrid", "more/a.wav")):
        timeline = timeline_of(predictor.predict(Path(path)))
        assert (out / name).read_text("utf-8") == TIMELINE_FORMS["textgrid"].write(timeline)


def test_each_channel(ask):
    first, second = ask("stereo.wav", "--channels", "separate").out.splitlines()
    assert first.startswith("stereo.wav, channel 1: ")
    assert second == "stereo.wav, channel 2: silent"
    alone = ask("a.wav").out
    assert first.split(": ")[1] == alone.rstrip().split(": ")[1]
    answer = json.loads(ask("stereo.wav", "--channels", "separate", "--format", "json").out)
    assert answer["file"] == "stereo.wav"
    assert [channel["silent"] for channel in answer["channels"]] == [False, True]
    assert "Channel 2" in ask("stereo.wav", "--channels", "separate", "--format", "srt").out


def test_each_channel_as_a_table(ask):
    printed = ask("stereo.wav", "broken.wav", "--channels", "separate", "--format", "csv", status=1)
    rows = list(csv.DictReader(io.StringIO(printed.out)))
    assert [(row["file"], row["channel"]) for row in rows[-2:]] == [
        ("stereo.wav", "2"),
        ("broken.wav", ""),
    ]
    assert rows[-2]["note"] == "silent"
    assert rows[-1]["error"].startswith("unsupported_media: ")


def test_each_cue(ask):
    answer = json.loads(ask("a.wav", "--cues", "talk.srt", "--format", "json").out)
    emotions = [cue["emotion"] for cue in answer["cues"]]
    first, *lines = ask("a.wav", "--cues", "talk.srt").out.splitlines()
    assert first.startswith("a.wav: ")
    assert [line.split() for line in lines] == [
        [*times.split(), emotion, f"({cue['confidence']:.0%})", word]
        for times, emotion, cue, word in zip(
            ("0.500 to 4.000 s", "4.000 to 9.000 s"),
            emotions,
            answer["cues"],
            ("One", "Two"),
            strict=True,
        )
    ]
    rows = list(
        csv.DictReader(io.StringIO(ask("a.wav", "--cues", "talk.srt", "--format", "csv").out))
    )
    assert [(r["file"], r["text"], r["emotion"]) for r in rows] == [
        ("a.wav", "One", emotions[0]),
        ("a.wav", "Two", emotions[1]),
    ]
    assert f"[{emotions[1]}] Two" in ask("a.wav", "--cues", "talk.srt", "--format", "vtt").out


def test_each_cue_of_each_channel(ask):
    lines = ask("stereo.wav", "--cues", "talk.srt", "--channels", "separate").out.splitlines()
    assert [line.split("  ")[1] for line in lines[2:]] == [*["channel 1"] * 2, *["channel 2"] * 2]
    assert lines[-1].split("  ")[2:] == ["4.000 to 9.000 s", "silent", "Two"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["a.wav", "stereo.wav", "--format", "vtt"], "vtt holds one file, and here are 2: with"),
        (["a.wav", "--out", "x"], "--out is for --format vtt, srt, audacity, textgrid, not text"),
        (["a.wav", "stereo.wav", "--cues", "talk.srt"], "captions belong to one file"),
        (["a.wav", "--cues", "a.wav"], "--cues: captions that are not text"),
        (["a.wav", "--cues", "gone.srt"], "--cues: No such file or directory: 'gone.srt'"),
    ],
)  # fmt: skip
def test_wrong_usage_says_what_is_right(ask, folder, arguments, words):
    with pytest.raises(UsageError) as caught:
        ask(*arguments)
    assert words in str(caught.value)
    assert not (folder / "x").exists()


@pytest.mark.parametrize("option", [("--format", "docx"), ("--channels", "left")])
def test_unknown_choices(ask, option):
    with pytest.raises(SystemExit) as caught:
        ask("a.wav", *option)
    assert caught.value.code == 2
