"""`ser adopt`: what it takes, prints and refuses."""

import json

import pytest

from ser.cli import adopt, predict
from ser.errors import UsageError
from ser.models import read_model_file
from tests import make_models as models

LABELS = "angry, calm,disgust,fear,happy,neutral,sad,surprise"


@pytest.fixture
def theirs(tmp_path, monkeypatch, clip):
    models.write_keras2(tmp_path / "theirs.h5")
    (tmp_path / "clip.wav").write_bytes(clip)
    (tmp_path / "scaler.json").write_text(json.dumps({"mean": [1.0] * 40, "scale": [2.0] * 40}))
    monkeypatch.chdir(tmp_path)
    return ["theirs.h5", "--features", "mfcc40-mean", "--labels", LABELS]


def test_an_adopted_model_predicts(theirs, capsys):
    extra = ["--scaler", "scaler.json", "--name", "Theirs", "--licence", "CC0"]
    assert adopt.main([*theirs, "--out", "model/mine.h5", *extra]) == 0
    assert capsys.readouterr().out == (
        "model/mine.h5: angry, calm, disgust, fear, happy, neutral, sad, surprise; "
        "mfcc40-mean of shape (40, 1) at 22050 Hz\n"
    )
    meta = read_model_file(adopt.Path("model/mine.h5")).metadata
    assert (meta.name, meta.licence, meta.labels[:2]) == ("Theirs", "CC0", ("angry", "calm"))
    assert predict.main(["clip.wav", "--model", "model/mine.h5", "--format", "json"]) == 0
    assert list(json.loads(capsys.readouterr().out)["probabilities"]) == list(meta.labels)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (["--labels", "a,b,a"], "--labels 'a,b,a': two or more different names"),
        (["--labels", "happy"], "two or more different names"),
        (["--labels", "a,,b"], "two or more different names"),
        (["--features", "mfcc41"], "unknown feature set 'mfcc41'; known: mfcc216"),
        (["--scaler", "scaler.pkl"], "a pickle could run code"),
    ],
)
def test_usage_errors(theirs, change, words):
    with pytest.raises(UsageError, match=words):
        adopt.main([*theirs, "--out", "mine.h5", *change])


def test_the_copy_is_an_h5(theirs, capsys):
    with pytest.raises(SystemExit):
        adopt.main([*theirs, "--out", "mine.keras"])
    assert "--out mine.keras must end in .h5" in capsys.readouterr().err
