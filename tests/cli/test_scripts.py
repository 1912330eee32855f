"""Every command, run as a user runs it, on tiny data; the tests read its output files."""

import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ser.augmentation import CORRUPTIONS
from ser.corpora import CORPORA, scan
from ser.labels import EMOTIONS
from ser.models.model_file import read_model_file
from ser.models.recipes import RECIPES
from ser.reports.recipe_table import MARKS
from ser.resources import DEFAULT_MODEL
from tests import synth
from tests.server import ROOT, Server

SCRIPTS = sorted(p.name for p in (ROOT / "scripts").glob("[!_]*.py"))


def run(script: str, *arguments, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    left_out = ("KERAS_", "SER_MODEL")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(left_out)}
    return subprocess.run(
        [sys.executable, str(ROOT / "scripts" / script), *map(str, arguments)],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def is_png(path: Path) -> bool:
    return path.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n" and path.stat().st_size > 5000


@pytest.mark.parametrize("script", SCRIPTS)
def test_help_with_defaults(script):
    done = run(script, "--help")
    assert done.returncode == 0
    assert "usage:" in done.stdout
    assert len(done.stdout) > 200


@pytest.mark.parametrize("script", SCRIPTS)
def test_usage_errors_exit_2(script):
    done = run(script, "--no-such-option")
    assert done.returncode == 2
    assert done.stdout == ""


def test_the_recipes_are_listed():
    done = run("train.py", "--list")
    assert done.returncode == 0
    assert [line.split()[0] for line in done.stdout.splitlines()] == list(RECIPES)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ["nonsense", "--data", ".", "--out", "x.h5"],
            "unknown recipe 'nonsense'; known: adaboost",
        ),
        (["conv1d-mfcc40", "--data", "/gone", "--out", "x.h5"], "no such folder: /gone"),
        (["conv1d-mfcc40", "--data", "tests", "--out", "x.h5"], "no utterance of ased, cremad, "),
        (["conv1d-mfcc40", "--data", "tests", "--out", "x.skops"], "must end in .h5"),
        (["svc-mfcc40", "--data", "tests", "--out", "x.h5"], "must end in .skops"),
        (["conv1d-mfcc40"], "are needed"),
    ],
)
def test_train_reports_usage_errors(arguments, words):
    done = run("train.py", *arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


TRAINED = {"conv1d-mfcc40": ("--epochs", 1), "svc-mfcc40": ()}


@pytest.fixture(scope="module")
def trained(tiny_corpus, tmp_path_factory):
    """Return the model files of a network and of an estimator, trained on the tiny corpus."""
    folder = tmp_path_factory.mktemp("trained")
    files = {}
    for name, options in TRAINED.items():
        out = folder / f"{name}{RECIPES[name].suffix}"
        done = run(
            "train.py", name, "--data", tiny_corpus, "--out", out, *options,
            "--report", folder / name,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert str(out) in done.stdout
        files[name] = out
    return files


@pytest.mark.slow
@pytest.mark.parametrize("name", TRAINED)
def test_a_trained_model_is_served(trained, name, clip):
    path = trained[name]
    report = path.parent / name
    assert is_png(report / "confusion.png")
    assert (report / "curves.png").is_file() == (name == "conv1d-mfcc40")
    text = (report / "report.txt").read_text()
    assert "precision" in text
    assert "UAR" in text
    meta = read_model_file(path).metadata
    assert meta.corpora == {"ravdess": 48}
    assert "ravdess-" in meta.split
    assert ("first fit left out" in meta.split) == (name == "svc-mfcc40")
    assert meta.temperature != 1
    assert set(meta.versions) & {"tensorflow", "skops"}
    server = Server(SER_MODEL=str(path))
    try:
        server.wait_ready()
        (path.parent / "clip.wav").write_bytes(clip)
        curl = ["curl", "-sS", "-F", f"file=@{path.parent / 'clip.wav'}", f"{server.url}/predict"]
        answer = json.loads(subprocess.run(curl, capture_output=True, check=True).stdout)
    finally:
        server.stop()
    assert answer["model"]["name"] == name


@pytest.mark.slow
def test_an_estimator_with_confidences_is_fitted_on_every_clip(trained, tiny_corpus):
    from ser.data.dataset import load_dataset
    from ser.features import FEATURE_SETS
    from ser.inference.predictor import Predictor
    from ser.training.train import train

    recipe = RECIPES["svc-mfcc40"]
    data = load_dataset([tiny_corpus], FEATURE_SETS[recipe.features])
    everything, nothing = np.arange(len(data.utterances)), np.array([], int)
    expected = train(recipe, data, everything, nothing, seed=0).raw_probabilities(data.features)
    backend = Predictor.from_file(trained["svc-mfcc40"]).backend
    np.testing.assert_allclose(backend(data.features), expected, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("speakers", "without", "words"),
    [
        ((1,), (), "two speakers of one corpus"),
        ((1, 2), ("03-01-03-*-01.wav", "03-01-04-*-02.wav"), "too few clips of an emotion"),
        ((1, 2), (), "there are 2 clips to fit them on, and 20 are needed"),
    ],
)
def test_confidences_are_not_fitted_to_too_few_clips(speakers, without, words, tmp_path):
    from tests.conftest import write_corpus

    corpus = write_corpus(tmp_path / "corpus", speakers=speakers, emotions=(3, 4))
    for path in [path for pattern in without for path in corpus.rglob(pattern)]:
        path.unlink()
    out = tmp_path / "m.skops"
    done = run("train.py", "svc-mfcc40", "--data", corpus, "--out", out, "--report", tmp_path)
    assert done.returncode == 0, done.stderr
    assert f"confidences are not fitted: {words}" in done.stderr
    meta = read_model_file(out).metadata
    assert (meta.split, meta.temperature) == ("trained on every clip", 1)


@pytest.mark.slow
def test_the_published_architecture(trained):
    layers = read_model_file(trained["conv1d-mfcc40"]).architecture["config"]["layers"]
    kinds = [layer["class_name"] for layer in layers]
    assert kinds == [
        "InputLayer", "Conv1D", "Dropout", "MaxPooling1D", "Conv1D", "Dropout", "Flatten", "Dense",
    ]  # fmt: skip


@pytest.mark.slow
def test_the_same_seed_gives_the_same_model(tiny_corpus, tmp_path):
    probes = []
    for name in ("a", "b"):
        out = tmp_path / f"{name}.h5"
        arguments = ["--data", tiny_corpus, "--out", out, "--epochs", 2, "--report", tmp_path]
        assert run("train.py", "conv1d-mfcc40", *arguments).returncode == 0
        probes.append(read_model_file(out).metadata.probe["probabilities"])
    assert probes[0] == probes[1]


@pytest.mark.slow
def test_evaluate_a_recipe(tiny_corpus, tmp_path, trained):
    model = tmp_path / "model.h5"
    model.write_bytes(trained["conv1d-mfcc40"].read_bytes())
    done = run(
        "evaluate.py", "conv1d-mfcc40", "--data", tiny_corpus, "--protocol", "published",
        "--epochs", 2, "--report", tmp_path / "report", "--into", model, "--corruptions",
        "--long-audio", "--tested-before", 3,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout.splitlines()[-1])
    assert 0 <= figures["uar"] <= 1
    assert figures["n"] == 16
    assert figures["leaks"] is True
    assert set(figures["uar_by_condition"]) == set(CORRUPTIONS)
    assert set(figures["long_audio"]) == {"over_time", "whole", "voice_lost", "pause_found"}
    assert "scored 3 time(s) before" in done.stdout
    assert "published: accuracy 84.83 %" in done.stdout
    assert json.loads((tmp_path / "report" / "scores.json").read_text()) == figures
    assert is_png(tmp_path / "report" / "confusion.png")
    assert is_png(tmp_path / "report" / "curves-random-seed-0.png")
    assert read_model_file(model).metadata.scores == {"published": figures}
    card = (tmp_path / "README.md").read_text()
    assert "so the result is too optimistic" in card
    assert "Article 5(1)(f)" in card
    again = tmp_path / "again.h5"
    again.write_bytes(trained["conv1d-mfcc40"].read_bytes())
    done = run("evaluate.py", tmp_path / "report" / "scores.json", "--into", again)
    assert done.returncode == 0, done.stderr
    assert read_model_file(again).metadata == read_model_file(model).metadata


def test_evaluate_across_corpora_and_compare(tiny_corpus, tmp_path):
    for i, name in enumerate(("OAF_back_angry", "OAF_back_sad", "YAF_back_angry", "YAF_back_sad")):
        (tmp_path / "tess").mkdir(exist_ok=True)
        (tmp_path / "tess" / f"{name}.wav").write_bytes(synth.wav(synth.voice(0.6, seed=i)))
    data = ["--data", tiny_corpus, tmp_path / "tess", "--protocol", "matrix", "--jobs", 1]
    for recipe in ("tree-mfcc40", "svc-mfcc40"):
        done = run("evaluate.py", recipe, *data, "--report", tmp_path / recipe)
        assert done.returncode == 0, done.stderr
        figures = json.loads(done.stdout.splitlines()[-1])
        assert set(figures["matrix"]) == {"ravdess", "tess"}
        assert figures["n"] == 4 + 12  # of RAVDESS only angry and sad: TESS has no more here
        assert "| trained on | tested on ravdess | tested on tess |" in done.stdout
        assert is_png(tmp_path / recipe / "matrix.png")
    done = run("evaluate.py", tmp_path / "tree-mfcc40", "--against", tmp_path / "svc-mfcc40")
    assert done.returncode == 0, done.stderr
    difference = json.loads(done.stdout.splitlines()[-1])
    assert difference["n"] == 16
    assert set(difference["by_corpus"]) == {"ravdess > tess", "tess > ravdess"}
    done = run("evaluate.py", tmp_path / "gone", "--against", tmp_path / "svc-mfcc40")
    assert (done.returncode, "holds no answers.npz" in done.stderr) == (2, True)


@pytest.mark.slow
def test_evaluate_splits_side_by_side(tmp_path):
    from tests.conftest import write_corpus

    corpus = write_corpus(tmp_path / "corpus", speakers=range(1, 25), emotions=(1, 5))
    command = ["conv1d-mfcc40", "--data", corpus, "--protocol", "last-actors", "--epochs", 2]
    one, two = (run("evaluate.py", *command, "--seeds", 2, "--jobs", jobs) for jobs in (1, 2))
    assert one.returncode == 0, one.stderr
    assert two.returncode == 0, two.stderr
    assert one.stdout.splitlines()[-1] == two.stdout.splitlines()[-1]
    figures = json.loads(one.stdout.splitlines()[-1])
    assert figures["n"] == 8
    assert figures["seeds"] == [0, 1]
    assert figures["sd"]["uar"] is not None
    low, high = figures["interval"]["uar"]
    assert 0 <= low <= figures["uar"] <= high <= 1
    assert set(figures["uar_by_sex"]) == {"female", "male"}
    assert np.sum(figures["confusion"]) == 2 * 8


@pytest.mark.slow
def test_evaluate_a_feature_matrix(tmp_path):
    rng = np.random.default_rng(0)
    y = np.arange(200) % 8
    np.savez(tmp_path / "m.npz", X=rng.normal(size=(200, 40)) + y[:, None], y=y)
    command = ["evaluate.py", "conv1d-mfcc40", "--data", tmp_path / "m.npz", "--epochs", 2]
    done = run(*command, "--protocol", "published")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["n"] == 66
    done = run(*command, "--protocol", "actors5")
    assert done.returncode == 2
    assert "none of the speakers of fold 1" in done.stderr


def test_evaluate_a_model_file(tiny_corpus, tmp_path):
    done = run("evaluate.py", DEFAULT_MODEL, "--data", tiny_corpus, "--report", tmp_path)
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout.splitlines()[-1])
    assert figures["n"] == 48
    assert figures["chance"] == {"uar": 0.125, "accuracy": 0.125}
    assert figures["mapping"] == {emotion: emotion for emotion in EMOTIONS}
    assert json.loads((tmp_path / "scores.json").read_text()) == figures
    assert is_png(tmp_path / "confusion.png")
    done = run("evaluate.py", tmp_path / "scores.json", "--into", tmp_path / "any.h5")
    assert (done.returncode, "scores of a finished model" in done.stderr) == (2, True)


def test_evaluate_a_model_file_on_custom_clips(tmp_path):
    for emotion in ("holiday", "happy", "boredom", "calm", "sad", "sadness"):
        (tmp_path / "data" / emotion).mkdir(parents=True)
        name = tmp_path / "data" / emotion / "a clip.wav"
        name.write_bytes(synth.wav(synth.voice(0.6, seed=len(emotion))))
    (tmp_path / "data" / "sad" / "empty.wav").touch()
    done = run("evaluate.py", DEFAULT_MODEL, "--data", tmp_path / "data")
    assert done.returncode == 0, done.stderr
    assert "holiday" in done.stderr  # no emotion known by that name
    assert "empty.wav: the file is empty" in done.stderr
    figures = json.loads(done.stdout.splitlines()[-1])
    assert figures["n"] == 4
    assert figures["mapping"] == {
        "boredom": None, "calm": "calm", "happy": "happy", "sad": "sad",
    }  # fmt: skip
    assert figures["chance"] == {"uar": pytest.approx(1 / 3), "accuracy": 0.5}
    assert "left out, because the model has no label: boredom" in done.stdout


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("record.py", "--from-wav", "gone.wav", "--no-save"), "'gone.wav'"),
        (("evaluate.py", "gone.json", "--into", "m.h5"), "'gone.json'"),
        (("evaluate.py", "none.json", "--into", "m.h5"), "none.json is not JSON"),
        (("evaluate.py", "bytes.json", "--into", "m.h5"), "bytes.json is not JSON"),
        (("evaluate.py", "list.json", "--into", "m.h5"), "list.json does not hold the scores"),
        (("explore.py", "--data", "latin.csv"), "latin.csv is not a CSV file in UTF-8"),
        (("predict.py", "a.wav", "--model", "gone.h5"), "model file gone.h5 does not exist"),
    ],
)
def test_a_missing_or_wrong_file_is_one_line(command, words, tmp_path):
    (tmp_path / "none.json").write_text("{uar: 1}")
    (tmp_path / "bytes.json").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "list.json").write_text("[1]")
    (tmp_path / "latin.csv").write_bytes("path,emotion\nä.wav,sad\n".encode("latin-1"))
    done = run(*command, cwd=tmp_path)
    assert done.returncode == 2
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == ""


@pytest.fixture
def files(tmp_path, clip):
    (tmp_path / "good.wav").write_bytes(clip)
    (tmp_path / "bad.wav").write_bytes(b"nothing of the kind")
    return [tmp_path / "good.wav", tmp_path / "bad.wav", tmp_path / "gone.wav"]


def test_predict_json(files):
    done = run("predict.py", *files, "--format", "json")
    assert done.returncode == 1
    good, bad, gone = map(json.loads, done.stdout.splitlines())
    assert good["file"] == str(files[0])
    assert sum(good["probabilities"].values()) == pytest.approx(1, abs=1e-6)
    assert bad["error"]["code"] == "unsupported_media"
    assert gone["error"]["code"] == "unreadable"


def test_predict_csv(files):
    done = run("predict.py", *files, "--format", "csv")
    assert done.returncode == 1
    rows = list(csv.DictReader(done.stdout.splitlines()))
    assert [row["file"] for row in rows] == list(map(str, files))
    assert float(rows[0]["confidence"]) > 0.1
    assert -1 <= float(rows[0]["arousal"]) <= 1
    assert -1 <= float(rows[0]["valence"]) <= 1
    assert rows[1]["arousal"] == rows[1]["valence"] == ""
    assert rows[0]["error"] == ""
    assert rows[1]["error"].startswith("unsupported_media")


def test_predict_text(files):
    done = run("predict.py", files[0])
    assert done.returncode == 0
    assert done.stdout.startswith(f"{files[0]}: ")
    assert re.fullmatch(r".+: \w+ \(\d+%\)(, uncertain)?", done.stdout.strip())
    assert run("predict.py", files[0], "--model", files[1]).returncode == 2


def test_predict_from_another_folder(files, tmp_path):
    assert run("predict.py", "good.wav", cwd=tmp_path).returncode == 0


@pytest.fixture
def videos(tmp_path):
    folder = tmp_path / "videos"
    (folder / "Actor_01").mkdir(parents=True)
    for number in (1, 2):
        path = folder / "Actor_01" / f"01-01-01-01-01-0{number}-01.mp4"
        source = ["-f", "lavfi", "-i", "color=s=32x32:d=1", "-c:a", "aac", "-shortest"]
        synth.encoded(synth.voice(1.0, 48_000), 48_000, path, *source)
        path.with_suffix(".source.wav").unlink()
    return folder


def test_convert(videos, tmp_path):
    import soundfile

    (videos / "broken.mp4").write_bytes(b"\0\0\0\x18ftypisom" + bytes(1000))
    out = tmp_path / "out"
    done = run("convert.py", videos, out)
    assert done.returncode == 1
    assert done.stdout == "2 converted, 0 were there, 1 failed\n"
    assert "broken.mp4" in done.stderr
    wavs = sorted(out.rglob("*"))
    assert [p.name for p in wavs if p.is_file()] == [
        "01-01-01-01-01-01-01.wav", "01-01-01-01-01-02-01.wav",
    ]  # fmt: skip
    info = soundfile.info(out / "Actor_01" / "01-01-01-01-01-01-01.wav")
    assert info.samplerate == 48_000
    assert info.duration == pytest.approx(1.0, abs=0.1)


def test_convert_resumes(videos, tmp_path):
    out = tmp_path / "out"
    assert run("convert.py", videos, out).returncode == 0
    first, second = sorted(out.rglob("*.wav"))
    first.unlink()
    before = second.stat().st_mtime_ns
    done = run("convert.py", videos, out)
    assert done.stdout == "1 converted, 1 were there, 0 failed\n"
    assert first.is_file()
    assert second.stat().st_mtime_ns == before


def test_convert_without_ffprobe(videos, tmp_path, monkeypatch):
    """The ffmpeg of imageio-ffmpeg comes alone."""
    monkeypatch.setenv("PATH", str(tmp_path))
    done = run("convert.py", videos, tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert "ffmpeg" not in done.stderr  # pydub looks for the system's, and would warn
    assert done.stdout.startswith("2 converted")


def test_convert_reports_usage_errors(tmp_path):
    done = run("convert.py", tmp_path / "gone", tmp_path / "out")
    assert (done.returncode, "no such folder" in done.stderr) == (2, True)
    (tmp_path / "in").mkdir()
    done = run("convert.py", tmp_path / "in", tmp_path / "out")
    assert (done.returncode, "no audio or video file" in done.stderr) == (2, True)
    for name in ("a.mp3", "a.mp4", "a.mp3.ogg"):  # the first and the last would be a.mp3.wav
        (tmp_path / "in" / name).touch()
    done = run("convert.py", tmp_path / "in", tmp_path / "out")
    assert (done.returncode, "would both become" in done.stderr) == (2, True)


def test_convert_files_that_differ_in_the_suffix_alone(tmp_path, clip):
    for name in ("tea_happy.flac", "tea_happy.wav", "deep/tea_happy.mp3", "v1.0.wav", "v1.1.wav"):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).write_bytes(clip)
    out = tmp_path / "out"
    for counts in (
        "5 converted, 0 were there, 0 failed\n",
        "0 converted, 5 were there, 0 failed\n",
    ):
        done = run("convert.py", tmp_path / "in", out)
        assert (done.returncode, done.stdout) == (0, counts)
    converted = sorted(path.relative_to(out).as_posix() for path in out.rglob("*.wav"))
    assert converted == [
        "deep/tea_happy.wav", "tea_happy.flac.wav", "tea_happy.wav.wav", "v1.0.wav", "v1.1.wav",
    ]  # fmt: skip
    found = scan([out], CORPORA).utterances  # the name still says the emotion
    assert [u.emotion for u in found] == ["happy"] * 3


@pytest.mark.slow
def test_evaluate_all_goes_on_where_it_stopped(tiny_corpus, tmp_path):
    names = ["svc-mfcc40", "tree-mfcc40", "svr-180-three", "mlp-180"]
    command = [
        "evaluate.py", "--all", *names, "--data", tiny_corpus,
        "--results", tmp_path / "results", "--table", tmp_path / "recipes.md",
        "--short-table", tmp_path / "README.md",
    ]  # fmt: skip
    (tmp_path / "README.md").write_text("\n".join(["above", *MARKS, "below"]))
    done = run(*command, "--jobs", 2)
    assert done.returncode == 1, done.stderr  # of actors5, no speaker of fold 3 is there
    assert "8 of 8 runs are to be done" in done.stderr
    assert done.stderr.count("48 ravdess") == 1
    results = sorted(path.name for path in (tmp_path / "results").iterdir())
    assert results == sorted(f"{n}--{kind}.json" for n in names for kind in ("published", "unseen"))
    table = (tmp_path / "recipes.md").read_text()
    for name in RECIPES:
        assert f"| `{name}` |" in table
    row = next(line for line in table.splitlines() if line.startswith("| `mlp-180` |"))
    assert "| 70.31 % |" in row
    assert "(`random:25`)" in row
    assert "none of the speakers of fold 3" in row
    assert "24 of RAVDESS" in row
    # The shipped model carries the scores of some recipes that no run was asked for.
    stored = next(line for line in table.splitlines() if line.startswith("| `conv1d-actors` |"))
    assert "not run" not in stored
    short = (tmp_path / "README.md").read_text().splitlines()
    assert (short[0], short[-1]) == ("above", "below")
    assert [line.split("`")[1] for line in short if "`" in line] == [
        "conv1d-frames", "conv1d-mfcc216", "conv1d-mfcc40", "svc-180", "perceptron-180",
        "mlp-180", "mlp-180-deep", "resnet1d-178", "rnn-180",
    ]  # fmt: skip
    (tmp_path / "results" / "svc-mfcc40--published.json").unlink()
    again = run(*command)
    assert "1 of 8 runs are to be done" in again.stderr


@pytest.mark.slow
def test_search_stores_the_best_and_compares(tiny_corpus, tmp_path):
    out = tmp_path / "grid"
    command = ["grid_search.py", "svc-mfcc40", "neighbors-180", "--data", tiny_corpus]
    done = run(*command, "--out", out, "--most", 2, "--jobs", 2)
    assert done.returncode == 0, done.stderr
    best = json.loads(done.stdout.splitlines()[-1])
    assert set(best) == {"svc-mfcc40", "neighbors-180"}
    assert done.stderr.count("48 ravdess") == 1
    assert json.loads((out / "svc-mfcc40.json").read_text()) == best["svc-mfcc40"]
    assert is_png(out / "comparison.png")
    measured = json.loads((out / "comparison.json").read_text())
    assert [m["share"] for m in measured] == [0.25, 0.5, 1.0] * 2


def test_search_reports_usage_errors(tiny_corpus, tmp_path):
    command = ["grid_search.py", "svc-mfcc40", "--data", tiny_corpus, "--out", tmp_path]
    done = run(*command, "--dask", "tcp://127.0.0.1:9")
    assert done.returncode == 2
    assert "no Dask scheduler at tcp://127.0.0.1:9" in done.stderr
    done = run("grid_search.py", "tree-mfcc40", "--data", tiny_corpus, "--out", tmp_path)
    assert (done.returncode, "has no grid" in done.stderr) == (2, True)
