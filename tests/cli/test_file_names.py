"""File names that are not UTF-8: every command prints and stores them as text."""

import csv
import json
import os
from pathlib import Path

import numpy as np
import pytest

from ser.cli import convert, explore, extract, predict
from ser.data.dataset import load_dataset
from ser.data.feature_matrix import load_matrix
from ser.features import FEATURE_SETS
from ser.filenames import parse_path
from ser.resources import DEFAULT_MODEL
from tests import synth
from tests.cli.test_scripts import is_png, run

BYTES, SHOWN = b"caf\xe9_%s.wav", r"caf\xe9_%s.wav"
FEATURES = FEATURE_SETS["mfcc40-mean"]


def odd_name(folder: Path, emotion: str) -> Path:
    return folder / os.fsdecode(BYTES % emotion.encode())


@pytest.fixture
def corpus(tmp_path) -> Path:
    """Return a folder of three clips and a broken one, all with such names."""
    folder = tmp_path / os.fsdecode(b"d\xfc")
    try:
        folder.mkdir()
    except OSError:
        pytest.skip("the file system takes names in UTF-8 only")
    for number, emotion in enumerate(("happy", "sad", "angry")):
        samples = synth.voice(0.6, pitch=100 + 40 * number, seed=number)
        odd_name(folder, emotion).write_bytes(synth.wav(samples))
    odd_name(folder, "fear").write_bytes(b"nothing of the kind")
    return folder


@pytest.fixture
def files(corpus) -> list[str]:
    return [str(odd_name(corpus, name)) for name in ("happy", "fear", "gone")]


@pytest.fixture
def shown(tmp_path) -> list[str]:
    return [rf"{tmp_path}/d\xfc/{SHOWN % name}" for name in ("happy", "fear", "gone")]


def test_predict_text(files, shown, capsys):
    assert predict.main(files) == 1
    good, bad, gone = capsys.readouterr().out.splitlines()
    assert good.startswith(f"{shown[0]}: ")
    assert bad.startswith(f"{shown[1]}: error: this is no audio")
    assert gone == f"{shown[2]}: error: No such file or directory: '{shown[2]}'"


def test_predict_json(files, shown, capsys):
    assert predict.main([*files, "--format", "json"]) == 1
    answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [answer["file"] for answer in answers] == shown
    assert shown[2] in answers[2]["error"]["message"]
    assert parse_path(answers[0]["file"]).is_file()


def test_predict_csv(files, shown, capsys):
    assert predict.main([*files, "--format", "csv"]) == 1
    rows = list(csv.DictReader(capsys.readouterr().out.splitlines()))
    assert [row["file"] for row in rows] == shown
    assert shown[2] in rows[2]["error"]


@pytest.mark.parametrize("encoding", ["utf-8:strict", "ascii:strict"])
def test_predict_prints_in_any_encoding(files, shown, encoding, monkeypatch, tmp_path):
    monkeypatch.setenv("PYTHONIOENCODING", encoding)
    umlaut = tmp_path / "käse.wav"
    umlaut.write_bytes(Path(files[0]).read_bytes())
    done = run("predict.py", files[0], umlaut)
    assert (done.returncode, done.stderr) == (0, "")
    first, second = done.stdout.splitlines()
    assert first.startswith(f"{shown[0]}: ")
    assert second.startswith(str(tmp_path / "k"))


@pytest.mark.parametrize("suffix", [".csv", ".npz", ".parquet"])
def test_extract(corpus, suffix, tmp_path, capsys):
    out = corpus / f"table{suffix}"
    arguments = ["--data", str(corpus), "--features", FEATURES.name, "--out", str(out)]
    assert extract.main(arguments) == 1
    printed = capsys.readouterr()
    assert rf"{tmp_path}/d\xfc/table{suffix}: 3 clips" in printed.out
    assert rf"left out {tmp_path}/d\xfc/{SHOWN % 'fear'}: this is no audio" in printed.err
    paths = read_paths(out)
    assert paths == [rf"{tmp_path}/d\xfc/{SHOWN % name}" for name in ("angry", "happy", "sad")]
    assert all(parse_path(path).is_file() for path in paths)
    manifest = json.loads(Path(f"{out}.json").read_text())
    assert SHOWN % "fear" in manifest["left_out"]["cannot be read"][0]


def read_paths(table: Path) -> list[str]:
    if table.suffix == ".csv":
        with table.open(newline="", encoding="utf-8") as file:
            return [row["path"] for row in csv.DictReader(file)]
    if table.suffix == ".npz":
        _, utterances, _ = load_matrix(table, FEATURES)
        assert all(utterance.path.is_file() for utterance in utterances)
        with np.load(table) as arrays:
            return arrays["path"].tolist()
    from pyarrow import parquet

    with table.open("rb") as file:
        return parquet.read_table(file)["path"].to_pylist()


def test_a_table_is_a_manifest(corpus):
    out = corpus / "table.csv"
    extract.main(["--data", str(corpus), "--features", FEATURES.name, "--out", str(out)])
    assert [u.emotion for u in load_dataset([out], FEATURES).utterances] == [
        "angry", "happy", "sad",
    ]  # fmt: skip


def test_convert(corpus, tmp_path, capsys):
    out = tmp_path / os.fsdecode(b"wav\xe9")
    assert convert.main([str(corpus), str(out)]) == 1
    printed = capsys.readouterr()
    assert printed.out == "3 converted, 0 were there, 1 failed\n"
    assert rf"not converted: {tmp_path}/d\xfc/{SHOWN % 'fear'}: this is no audio" in printed.err
    assert all(odd_name(out, name).is_file() for name in ("happy", "sad", "angry"))


def test_explore(corpus, tmp_path, capsys):
    out = corpus / "page"
    assert explore.main(["--data", str(corpus), "--out", str(out)]) == 0
    assert capsys.readouterr().out == rf"{tmp_path}/d\xfc/page/index.html" + "\n"
    assert is_png(out / "clips.png")
    done = run("report.py", corpus)
    assert done.returncode == 0, done.stderr


def test_train(corpus, tmp_path):
    (corpus / os.fsdecode(b"\xff.mp3")).touch()
    done = run(
        "train.py", "tree-mfcc40", "--data", corpus, "--out", corpus / "tree.skops",
        "--augment", "noise", "--report", corpus / "report", "--emotions", "happy,sad,angry",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert rf"not of a known corpus: {tmp_path}/d\xfc/\xff.mp3" in done.stderr
    assert rf"left out {tmp_path}/d\xfc/{SHOWN % 'fear'}: this is no audio" in done.stderr
    assert rf"{tmp_path}/d\xfc/tree.skops: trained on every clip" in done.stdout


def test_an_error_names_the_folder(corpus, tmp_path):
    done = run("explore.py", "--data", corpus / os.fsdecode(b"\xe9"))
    assert done.returncode == 2
    assert done.stderr == rf"explore.py: no such folder: {tmp_path}/d\xfc/\xe9" + "\n"


def test_a_model_file(corpus, files, shown, capsys):
    model = corpus / os.fsdecode(b"mod\xe8le.h5")
    model.write_bytes(DEFAULT_MODEL.read_bytes())
    assert predict.main([files[0], "--model", str(model)]) == 0
    assert capsys.readouterr().out.startswith(f"{shown[0]}: ")
    model.write_bytes(b"no model")
    done = run("predict.py", files[0], "--model", model)
    assert done.returncode == 2
    assert r"mod\xe8le.h5" in done.stderr
    assert len(done.stderr.splitlines()) == 1
