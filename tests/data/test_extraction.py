"""`ser extract`, as a user runs it."""

import csv
import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from ser.audio import load_audio
from ser.features import FEATURE_SETS
from tests import make_models as models
from tests.cli.test_scripts import run
from tests.conftest import write_corpus


@pytest.mark.parametrize("workers", [(), ("--jobs", "2")], ids=["one process", "two processes"])
def test_extract(tiny_corpus, tmp_path, workers):
    out = tmp_path / "made" / "t.csv"
    done = run(
        "extract.py", "--data", tiny_corpus, "--features", "mfcc40-mean", "--out", out, *workers
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        f"{out}: 48 clips of shape (40, 1), 0 left out",
        f"{out}.json: how it was made",
    ]
    assert "clips a second" in done.stderr
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 48
    features = FEATURE_SETS["mfcc40-mean"]
    assert len([key for key in rows[0] if key.startswith("f")]) == features.shape[0]


def test_extract_embeddings(tmp_path):
    """The answer follows from the embedding and the last layer."""
    corpus = write_corpus(tmp_path / "corpus", speakers=(1, 2), emotions=(1, 5))
    broken = min(corpus.rglob("*.wav"))
    broken.write_bytes(b"RIFF nothing")
    weights = models.write_keras2(tmp_path / "m.h5", metadata=models.metadata(name="mine"))
    command = ["extract.py", "--data", corpus, "--model", tmp_path / "m.h5", "--out"]
    one = run(*command, tmp_path / "one.npz")
    assert one.returncode == 1, one.stderr
    assert one.stdout.startswith(f"{tmp_path / 'one.npz'}: 3 clips of shape (80,), 1 left out\n")
    assert f"left out {broken}: " in one.stderr
    with np.load(tmp_path / "one.npz") as file:
        table = dict(file)
    assert (table["X"].shape, table["X"].dtype) == ((3, 80), np.float32)
    features = FEATURE_SETS["mfcc40-mean"]
    for path, row in zip(table["path"], table["X"], strict=True):
        x = features.extract(load_audio(Path(path)).samples)[np.newaxis]
        np.testing.assert_allclose(row, models.embedding(weights, x)[0], atol=1e-4)
    described = json.loads((tmp_path / "one.npz.json").read_text())["features"]
    assert (described["name"], described["shape"]) == ("mine-embedding", [80])
    assert described["params"]["model"] == "mine"
    two = run(*command, tmp_path / "two.csv", "--jobs", 2)
    assert two.returncode == 1, two.stderr
    with (tmp_path / "two.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    values = np.array([[float(row[f"f{n}"]) for n in range(80)] for row in rows])
    np.testing.assert_allclose(values, table["X"], atol=1e-5)


def test_extract_takes_features_or_a_model(tmp_path):
    done = run("extract.py", "--data", tmp_path, "--out", tmp_path / "a.csv")
    assert (done.returncode, "--features --model is required" in done.stderr) == (2, True)
    arguments = ["--model", tmp_path / "gone.h5", "--out", tmp_path / "a.csv"]
    done = run("extract.py", "--data", tmp_path, *arguments)
    assert (done.returncode, "gone.h5 does not exist" in done.stderr) == (2, True)


def test_a_broken_clip_is_named_and_the_status_is_1(tmp_path):
    corpus = write_corpus(tmp_path / "corpus", speakers=(1,))
    broken = min(corpus.rglob("*.wav"))
    broken.write_bytes(b"RIFF nothing")
    (corpus / "Actor_01" / "notes.txt").touch()
    (corpus / "Actor_01" / "holiday.mp3").touch()
    (corpus / ".git").mkdir()
    (corpus / ".git" / "config").touch()
    out = tmp_path / "t.parquet"
    done = run("extract.py", "--data", corpus, "--features", "mfcc40-mean", "--out", out)
    assert done.returncode == 1
    assert "7 clips of shape (40, 1), 1 left out" in done.stdout
    assert str(broken) in done.stderr
    assert "1 system or hidden file skipped" in done.stderr
    manifest = json.loads((tmp_path / "t.parquet.json").read_text())
    assert manifest["table"] == "t.parquet"
    assert manifest["sha256"] == hashlib.sha256(out.read_bytes()).hexdigest()
    assert manifest["features"] == FEATURE_SETS["mfcc40-mean"].to_metadata()
    assert set(manifest["versions"]) == {"librosa", "numpy", "soundfile", "soxr"}
    assert manifest["clips"] == {"ravdess": 7}
    (fault,) = manifest["left_out"].pop("cannot be read")
    assert fault.startswith(f"{broken}: ")
    assert manifest["left_out"] == {
        "of no known corpus": [str(corpus / "Actor_01" / "holiday.mp3")],
        "not audio": [str(corpus / "Actor_01" / "notes.txt")],
        "system file or hidden folder": [str(corpus / ".git")],
    }


@pytest.mark.slow
def test_a_table_keeps_its_speakers_for_an_evaluation(tmp_path):
    corpus = write_corpus(tmp_path / "corpus", speakers=range(1, 25), emotions=(3, 4))
    out = tmp_path / "t.npz"
    done = run("extract.py", "--data", corpus, "--features", "mfcc40-mean", "--out", out)
    assert done.returncode == 0, done.stderr
    results = [
        run("evaluate.py", "svc-mfcc40", "--data", data, "--protocol", "actors5")
        for data in (corpus, out)
    ]
    assert results[1].returncode == 0, results[1].stderr
    of_clips, of_table = (json.loads(done.stdout.splitlines()[-1]) for done in results)
    assert of_table == of_clips
    assert of_table["uar_by_sex"].keys() == {"female", "male"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--features", "mfcc", "--out", "t.csv"), "unknown feature set 'mfcc'"),
        (("--features", "mfcc40-mean", "--out", "t.xlsx"), "unknown table format '.xlsx'"),
        (("--features", "mfcc40-mean", "--out", "t.csv", "--jobs", "0"), "at least 1"),
        (
            ("--features", "mfcc40-mean", "--out", "t.csv", "--dask", "tcp://127.0.0.1:1"),
            "no Dask scheduler at tcp://127.0.0.1:1",
        ),
    ],
)
def test_usage_errors(tiny_corpus, tmp_path, arguments, words):
    done = run("extract.py", "--data", tiny_corpus, *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert words in done.stderr
    assert done.stdout == ""
    assert not list(tmp_path.iterdir())
