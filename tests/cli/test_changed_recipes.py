"""Options that change a recipe: emotions, sex, balance, augmentations."""

import json

import pytest

from ser.models.model_file import read_model_file
from tests.cli.test_scripts import run
from tests.conftest import write_corpus

MANY = ("--emotions", "happy,angry", "--sex", "male", "--balance", "--augment", "noise+shift",
        "--augment", "dynamics")  # fmt: skip


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """Return clips of eight speakers, four emotions."""
    folder = tmp_path_factory.mktemp("corpus")
    return write_corpus(folder, speakers=range(1, 9), emotions=(1, 3, 4, 5))


@pytest.fixture(scope="module")
def trained(corpus, tmp_path_factory):
    """Return the model file of a regressor that was trained with every such option."""
    folder = tmp_path_factory.mktemp("trained")
    out = folder / "m.skops"
    command = ["train.py", "svr-180-five", "--data", corpus, "--out", out, "--report", folder / "r"]
    done = run(*command, *MANY)
    assert done.returncode == 0, done.stderr
    return out


def test_train(trained):
    meta = read_model_file(trained).metadata
    assert meta.labels == ("happy", "angry")
    assert meta.values == (0, 1)  # a regressor's numbers are of its own labels
    assert meta.corpora == {"ravdess": 8}  # of four men, two emotions


def test_evaluate(corpus, trained):
    command = ["evaluate.py", "svr-180-five", "--data", corpus, "--protocol", "random:50"]
    done = run(*command, *MANY, "--into", trained)
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout.splitlines()[-1])
    assert set(figures["recall"]) == {"happy", "angry"}
    assert figures["on"] == {"ravdess": 8}
    assert figures["published"] is None
    assert figures["changes"] == {
        "emotions": "happy,angry", "sex": "male", "balance": True,
        "changes": ["noise+shift", "dynamics"],
    }  # fmt: skip
    assert read_model_file(trained).metadata.scores == {"random:50": figures}
    done = run(*command, "--emotions", "3", "--into", trained)
    assert done.returncode == 2
    assert "figures are of positive, neutral, negative" in done.stderr


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("svc-180", "--emotions", "sad,blue"), "unknown emotion 'blue'"),
        (("svc-180", "--emotions", "7"), "unknown label set '7'"),
        (("svc-180", "--augment", "echo"), "unknown waveform augmentation 'echo'"),
        (("svc-180", "--sex", "other"), "invalid choice: 'other'"),
        (("svc-99", "--balance"), "unknown recipe 'svc-99'"),
        (("conv1d-frames", "--augment", "noise"), "has an augmentation of its own"),
    ],
)
def test_a_wrong_change_is_a_usage_error(command, words, tmp_path):
    done = run("evaluate.py", *command, "--data", tmp_path, "--protocol", "actors5", cwd=tmp_path)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr
