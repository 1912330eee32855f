"""`ser predict`: folders, all warnings in every form, the most probable emotions, watching."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from ser.cli import predict
from ser.cli.output.forms import FORMS
from ser.cli.output.progress import FileProgress
from ser.errors import UsageError
from ser.inference import Predictor
from ser.labels import EMOTIONS
from ser.timeline import table_writer
from tests import make_models as models
from tests import synth
from tests.conftest import ROOT


@pytest.fixture(scope="module")
def unsure(tmp_path_factory):
    """Return a model file whose every answer is uncertain."""
    path = tmp_path_factory.mktemp("unsure") / "unsure.h5"
    models.write_keras2(path, metadata=models.metadata(uncertain_below=1.0))
    return path


@pytest.fixture
def folder(tmp_path, monkeypatch, clip):
    """Return the current folder, with a folder of two clips, a bad one and another file."""
    (tmp_path / "in" / "deep").mkdir(parents=True)
    for name in ("in/b.wav", "in/deep/a.wav"):
        (tmp_path / name).write_bytes(clip)
    (tmp_path / "in" / "c.mp3").write_bytes(b"no sound")
    (tmp_path / "in" / "notes.txt").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_folder_is_all_audio_files_below_it(folder, unsure, capsys):
    assert predict.main(["in", "--model", str(unsure)]) == 1
    printed = capsys.readouterr()
    names = [line.split(":")[0] for line in printed.out.splitlines()]
    assert names == ["in/b.wav", "in/c.mp3", "in/deep/a.wav"]
    assert "in: 3 audio files, 1 other files skipped\n" in printed.err
    assert printed.out.splitlines()[1].startswith("in/c.mp3: error: ")
    (folder / "empty").mkdir()
    with pytest.raises(UsageError, match="no audio or video file below empty"):
        predict.main(["empty", "--model", "gone.h5"])


def test_a_file_without_labels_is_noted(folder, capsys):
    models.write_keras2(folder / "bare.h5")
    assert predict.main(["in/b.wav", "--model", "bare.h5"]) == 0
    assert "bare.h5: it does not say its labels" in capsys.readouterr().err


@pytest.fixture(scope="module")
def answer(unsure):
    """Return an answer that has everything that can be said of it."""
    prediction = Predictor.from_file(unsure).predict(synth.wav(synth.voice()))
    assert prediction.warnings == ("uncertain",)
    return replace(prediction, warnings=("damaged", "uncertain"), truncated=True)


def test_all_warnings_are_shown_in_every_form(answer, capsys):
    for form in FORMS:
        FORMS[form](EMOTIONS, 1)("a.wav", answer)
    text, data, header, row = capsys.readouterr().out.splitlines()
    assert (
        text == f"a.wav: {answer.emotion} ({answer.confidence:.0%}), damaged, uncertain, truncated"
    )
    assert json.loads(data)["warnings"] == ["damaged", "uncertain"]
    assert json.loads(data)["truncated"] is True
    (cells,) = csv.DictReader([header, row])
    assert cells["warnings"] == "damaged uncertain truncated"


def test_the_most_probable_emotions(answer, capsys):
    ranked = sorted(answer.probabilities.items(), key=lambda item: -item[1])
    for form in FORMS:
        FORMS[form](EMOTIONS, 3)("a.wav", answer)
    text, data, header, row = capsys.readouterr().out.splitlines()
    shown = ", ".join(f"{emotion} ({p:.0%})" for emotion, p in ranked[:3])
    assert text == f"a.wav: {shown}, damaged, uncertain, truncated"
    assert json.loads(data)["top"] == [{"emotion": e, "probability": p} for e, p in ranked[:3]]
    (cells,) = csv.DictReader([header, row])
    assert cells["emotion"] == ranked[0][0]
    assert [cells[f"emotion_{n}"] for n in (2, 3)] == [e for e, _ in ranked[1:3]]
    assert float(cells["confidence_3"]) == pytest.approx(ranked[2][1], abs=1e-6)
    FORMS["csv"](EMOTIONS, 3)("a.wav", ValueError("no"))
    header, row = csv.reader(capsys.readouterr().out.splitlines())
    assert dict(zip(header, row, strict=True))["error"] == "unreadable: no"


@pytest.mark.parametrize("name", ["=1+1.wav", "+1.wav", "-1.wav", "@SUM(A1).wav"])
def test_a_file_name_is_no_formula_in_a_table(name, answer, capsys):
    out = io.StringIO()
    for write in (FORMS["csv"](EMOTIONS, 1), table_writer(out, EMOTIONS)):
        write(name, answer)
        write(name, ValueError("no"))
    for text in (capsys.readouterr().out, out.getvalue()):
        assert {row["file"] for row in csv.DictReader(io.StringIO(text))} == {f"'{name}"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [([], "FILE or --watch is needed"), (["a.wav", "--top", "0"], "--top must be at least 1")],
)
def test_usage_errors(arguments, words, capsys):
    with pytest.raises(SystemExit) as caught:
        predict.main(arguments)
    assert caught.value.code == 2
    assert words in capsys.readouterr().err
    with pytest.raises(UsageError, match="no such folder: gone"):
        predict.main(["--watch", "gone"])


def test_forms_of_spans_show_no_more_than_one_emotion(folder, unsure):
    for form in (["--format", "vtt"], ["--format", "csv", "--channels", "separate"]):
        with pytest.raises(UsageError, match=f"--top has no place in --format {form[1]}"):
            predict.main(["in/b.wav", "--model", str(unsure), "--top", "2", *form])


def test_the_most_probable_emotions_of_each_channel(folder, unsure, capsys):
    voice = synth.voice(1.5)
    stereo = np.stack([voice, 0 * voice], axis=1)
    (folder / "stereo.wav").write_bytes(synth.wav(stereo))
    arguments = ["stereo.wav", "--model", str(unsure), "--channels", "separate", "--top", "2"]
    assert predict.main(arguments) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.count("%") == 2
    assert second == "stereo.wav, channel 2: silent"
    assert predict.main([*arguments, "--format", "json"]) == 0
    heard, silent = json.loads(capsys.readouterr().out)["channels"]
    assert len(heard["top"]) == 2
    assert "top" not in silent


def test_captions_of_what_is_watched_need_a_folder(folder, unsure):
    for form, words in (
        (["--format", "srt"], "here are many: with --out"),
        (["--cues", "c"], "many"),
    ):
        with pytest.raises(UsageError, match=words):
            predict.main(["--watch", "in", "--model", str(unsure), *form])


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def _progress(stream: io.StringIO, total: int, monkeypatch) -> str:
    monkeypatch.setattr(sys, "stderr", stream)
    with FileProgress(total) as progress:
        for _ in range(total):
            with progress.hidden():
                pass
            progress.count()
    return stream.getvalue()


def test_progress_is_shown_to_people(monkeypatch):
    assert _progress(io.StringIO(), 10, monkeypatch) == ""
    lines = _progress(io.StringIO(), 40, monkeypatch).splitlines()
    assert [line.split(",")[0] for line in lines] == [
        f"{n} of 40 files" for n in range(4, 41, 4)
    ]  # fmt: skip
    assert _progress(_Terminal(), 1, monkeypatch) == ""
    drawn = _progress(_Terminal(), 2, monkeypatch)
    assert "\r1 of 2 files, 0 s left" in drawn
    assert drawn.endswith("\r\x1b[K")


def test_a_watched_folder_until_ctrl_c(folder, unsure, clip):
    command = [sys.executable, str(ROOT / "scripts" / "predict.py"), "--model", str(unsure)]
    process = subprocess.Popen(
        [*command, "--watch", "in", "--format", "csv"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={k: v for k, v in os.environ.items() if not k.startswith("KERAS_")},
        # A shell starts what runs in the background with Ctrl-C ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    try:
        lines = [process.stdout.readline() for _ in range(4)]
        (folder / "in" / "new.wav").write_bytes(clip)
        lines.append(process.stdout.readline())
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    rows = list(csv.DictReader(lines))
    assert [row["file"] for row in rows] == [
        "in/b.wav", "in/c.mp3", "in/deep/a.wav", "in/new.wav",
    ]  # fmt: skip
    assert rows[1]["error"].startswith("unsupported_media")
    assert rows[3]["warnings"] == "uncertain"
    assert (process.returncode, rest) == (0, "")
    assert errors == "watching in; Ctrl-C ends\n"
