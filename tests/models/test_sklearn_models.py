"""scikit-learn models: what they say, and that a file of one holds no code."""

import json
import subprocess
import sys
import tracemalloc
import zipfile

import numpy as np
import pytest

from ser.errors import ModelFileError
from ser.features import FEATURE_SETS
from ser.inference.backends import load_backend
from ser.inference.predictor import Predictor
from ser.labels import EMOTIONS
from ser.models import sklearn_models
from ser.models.model_file import add_scores, read_model_file, write_metadata
from ser.models.sklearn_models import class_probabilities, flat, make_estimator
from tests import make_models as models
from tests import synth
from tests.conftest import ROOT

RNG = np.random.default_rng(0)
LABELS = np.arange(160) % 8
ROWS = (RNG.standard_normal((160, 40, 1)) + LABELS[:, None, None]).astype(np.float32)

KINDS = {
    "tree-like": ("ensemble.RandomForestClassifier", {"n_estimators": 5}, ""),
    "boosted": ("ensemble.HistGradientBoostingClassifier", {"max_iter": 3}, ""),
    "no probabilities": ("svm.SVC", {}, "standard"),
    "network": ("neural_network.MLPClassifier", {"max_iter": 300}, "minmax"),
    "neighbours": ("neighbors.KNeighborsClassifier", {}, ""),
    "answers alone": ("dummy.DummyClassifier", {}, ""),
    "regressor": ("svm.SVR", {}, "standard"),
}


def fitted(kind: str):
    name, params, scaling = KINDS[kind]
    return make_estimator(name, params, scaling=scaling).fit(flat(ROWS), LABELS)


def values(kind: str) -> tuple[float, ...]:
    return tuple(range(8)) if kind == "regressor" else ()


def write(path, model, **changes):
    sklearn_models.dump(model, path)
    write_metadata(path, models.metadata(**changes))
    return path


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_says_what_the_fitted_model_said(kind, tmp_path):
    model = fitted(kind)
    expected = class_probabilities(model, ROWS, n_labels=8, values=values(kind))
    np.testing.assert_allclose(expected.sum(axis=1), 1, atol=1e-6)
    path = write(tmp_path / "m.skops", model, values=values(kind))
    np.testing.assert_allclose(load_backend(read_model_file(path))(ROWS), expected, atol=1e-6)


@pytest.mark.parametrize("kind", ["no probabilities", "regressor"])
def test_the_likeliest_label_is_the_models_answer(kind):
    model = fitted(kind)
    answer = class_probabilities(model, ROWS, n_labels=8, values=values(kind)).argmax(axis=1)
    predicted = model.predict(flat(ROWS))
    np.testing.assert_array_equal(answer, np.clip(np.round(predicted), 0, 7).astype(int))


def test_two_classes_without_probabilities():
    model = make_estimator("svm.SVC", {}).fit(flat(ROWS), LABELS > 3)
    answer = class_probabilities(model, ROWS, n_labels=2)
    np.testing.assert_array_equal(answer.argmax(axis=1), model.predict(flat(ROWS)))
    np.testing.assert_allclose(answer.sum(axis=1), 1)


def test_a_label_without_training_clips_is_never_the_answer():
    known = LABELS != 2
    model = make_estimator("svm.SVC", {}).fit(flat(ROWS[known]), LABELS[known])
    answer = class_probabilities(model, ROWS, n_labels=8)
    assert (answer[:, 2] == 0).all()
    assert answer[known].argmax(axis=1).max() == 7


def test_the_scaler_knows_the_training_rows_alone():
    model = make_estimator("svm.SVC", {}, scaling="minmax").fit(flat(ROWS[:80]), LABELS[:80])
    np.testing.assert_allclose(model[0].data_max_, flat(ROWS[:80]).max(axis=0))


def test_a_seed_is_set_where_there_is_none():
    forest = make_estimator("ensemble.RandomForestClassifier", {}, seed=3)
    assert forest.random_state == 3
    assert make_estimator(forest, {}, seed=4).random_state == 3


def test_an_answer_of_a_clip(tmp_path):
    predictor = Predictor.from_file(write(tmp_path / "m.skops", fitted("no probabilities")))
    answer = predictor.predict(synth.wav(synth.voice(1.0)))
    assert answer.emotion in EMOTIONS
    assert sum(answer.probabilities.values()) == pytest.approx(1)


def test_scores_are_added_and_the_model_stays(tmp_path):
    path = write(tmp_path / "m.skops", fitted("no probabilities"), recipe="mine")
    before = load_backend(read_model_file(path))(ROWS)
    figures = {
        "recipe": "mine", "protocol": "actors5", "leaks": False, "temperature": 2.0,
        "uncertain_below": 0.3,
    }  # fmt: skip
    add_scores(path, figures)
    model_file = read_model_file(path)
    assert model_file.metadata.scores == {"actors5": figures}
    assert model_file.metadata.temperature == 2
    np.testing.assert_array_equal(load_backend(model_file)(ROWS), before)
    with zipfile.ZipFile(path) as file:
        assert file.namelist().count("ser.json") == 1


def _with_code():
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    return make_pipeline(FunctionTransformer(subprocess.check_output), fitted("neighbours"))


def _with_sparse_matrix():
    from scipy.sparse import csr_matrix

    model = fitted("neighbours")
    model._fit_X = csr_matrix(model._fit_X)
    return model


REFUSED = {
    "zip in the zip": (_with_sparse_matrix, {}, "it holds a sparse matrix"),
    "code": (_with_code, {}, "it holds subprocess.check_output, and only scikit-learn's models"),
    "no estimator": (lambda: {"a": 1}, {}, "no scikit-learn model but dict"),
    "values": (lambda: fitted("regressor"), {"values": (1, 2)}, "2 values for 8 labels"),
    "features": (
        lambda: make_estimator("svm.SVC", {}).fit(flat(ROWS)[:, :7], LABELS),
        {},
        "takes 7 numbers, but feature set 'mfcc40-mean' gives 40",
    ),
    "blocks": (
        lambda: fitted("neighbours"),
        {
            "features": (mix := FEATURE_SETS["mix180"].to_metadata())
            | {"params": mix["params"] | {"blocks": ["mfcc"]}}
        },
        r"blocks \['mfcc'\] is not \['mfcc', 'chroma', 'mel'\]",
    ),
    "more classes than labels": (
        lambda: make_estimator("svm.SVC", {}).fit(flat(ROWS), LABELS + 1),
        {},
        "8 labels, but the classifier's classes have 8 too",
    ),
    "classes by name": (
        lambda: make_estimator("svm.SVC", {}).fit(flat(ROWS), np.array(EMOTIONS)[LABELS]),
        {},
        "8 labels, but the classifier's classes have 'surprise' too",
    ),
    "regressor without values": (lambda: fitted("regressor"), {}, "needs a value of each label"),
    "scaler": (
        lambda: make_estimator("preprocessing.MinMaxScaler", {}).fit(flat(ROWS)),
        {},
        "MinMaxScaler is no classifier and no regressor",
    ),
    "not fitted": (
        lambda: make_estimator("svm.SVC", {}),
        {},
        "this version of scikit-learn cannot run it: 'SVC' object has no attribute 'classes_'",
    ),
    "another answer": (
        lambda: fitted("neighbours"),
        {"probe": {"input": [[0]] * 40, "probabilities": [0.125] * 8}},
        "this version of scikit-learn gives other probabilities",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name, tmp_path):
    import skops.io

    make, changes, words = REFUSED[name]
    path = tmp_path / "m.skops"
    skops.io.dump(make(), path)
    write_metadata(path, models.metadata(**changes))
    with pytest.raises(ModelFileError, match=words) as caught:
        load_backend(read_model_file(path))
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_code_is_not_written_either(tmp_path):
    with pytest.raises(ModelFileError, match=r"holds subprocess\.check_output"):
        sklearn_models.dump(_with_code(), tmp_path / "m.skops")


def test_a_zip_that_is_no_model(tmp_path):
    path = tmp_path / "m.skops"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("a", "b")
    with pytest.raises(ModelFileError, match="without the metadata of a model of ours"):
        read_model_file(path)
    write_metadata(path, models.metadata())
    with pytest.raises(ModelFileError, match="skops cannot read it"):
        read_model_file(path)


def _one_large_member(file: zipfile.ZipFile) -> None:
    with file.open("ser.json", "w") as member:
        for _ in range(600):
            member.write(bytes(2**20))


def _one_member_many_times(file: zipfile.ZipFile) -> None:
    file.writestr("a.npy", bytes(2**20))
    node = {"__loader__": "NdArrayNode", "type": "numpy", "file": "a.npy"}
    file.writestr("schema.json", json.dumps({"content": [node] * 600}))


@pytest.mark.parametrize("fill", [_one_large_member, _one_member_many_times])
def test_a_zip_that_unpacks_to_far_more_than_it_is(fill, tmp_path):
    path = tmp_path / "m.skops"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        fill(file)
    assert path.stat().st_size < 1_000_000
    tracemalloc.start()
    try:
        with pytest.raises(ModelFileError, match=r"it unpacks to \d{9} bytes"):
            read_model_file(path)
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


def test_without_skops_it_says_what_to_install(tmp_path):
    path = write(tmp_path / "m.skops", fitted("neighbours"))
    code = f"""
import sys
sys.modules["skops"] = None
from app import create_app
create_app({{"SER_MODEL": {str(path)!r}}})
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert f"model file {path}: a scikit-learn model needs skops" in done.stderr
    assert "pip install skops scikit-learn" in done.stderr


@pytest.mark.parametrize("how", ["served", "loaded"])
def test_without_librosa_it_says_which_features_need_it(how, tmp_path):
    rows = RNG.standard_normal((16, 180))
    model = make_estimator("neighbors.KNeighborsClassifier", {}).fit(rows, LABELS[:16])
    features = FEATURE_SETS["mix180"].to_metadata()
    path = write(tmp_path / "m.skops", model, features=features)
    use = {
        "served": f"import runpy; sys.argv = ['app.py']; os.environ['SER_MODEL'] = {str(path)!r}; "
        "os.environ['PORT'] = '0'; runpy.run_path('app.py', run_name='__main__')",
        "loaded": "from ser.inference.predictor import Predictor; from pathlib import Path; "
        f"Predictor.from_file(Path({str(path)!r}))",
    }[how]
    code = f'import os, sys; sys.modules["librosa"] = None; {use}'
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert f"model file {path}: its feature set 'mix180' needs librosa" in done.stderr
    assert "pip install librosa (requirements-train.txt has the version)" in done.stderr
    expected = {"served": (2, False), "loaded": (1, True)}[how]
    assert (done.returncode, "Traceback" in done.stderr) == expected


def test_serving_it_imports_no_keras(tmp_path):
    path = write(tmp_path / "m.skops", fitted("neighbours"))
    code = f"""
import sys
from pathlib import Path
from ser.inference.predictor import Predictor
Predictor.from_file(Path({str(path)!r}))
print(*sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True)
    loaded = set(done.stdout.decode().split())
    assert "sklearn.neighbors" in loaded
    assert not loaded & {"keras", "openvino", "tensorflow", "ser.training.train"}
