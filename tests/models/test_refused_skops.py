"""``.skops`` files that are refused: code, too large, wrong shapes; and missing packages."""

import json
import subprocess
import sys
import tracemalloc
import zipfile

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC

from ser.errors import ModelFileError
from ser.features import FEATURE_SETS
from ser.inference.backends import load_backend
from ser.labels import EMOTIONS
from ser.models import read_model_file, sklearn_models, write_metadata
from ser.models.sklearn_models import flat, make_estimator
from tests import make_models as models
from tests.conftest import ROOT
from tests.models.test_sklearn_models import LABELS, RNG, ROWS, fitted, write


def _with_code():
    from sklearn.preprocessing import FunctionTransformer

    return make_pipeline(FunctionTransformer(subprocess.check_output), fitted("neighbours"))


def _with_sparse_matrix():
    from scipy.sparse import csr_matrix

    model = fitted("neighbours")
    model._fit_X = csr_matrix(model._fit_X)
    return model


REFUSED = {
    "zip file in the zip file": (_with_sparse_matrix, {}, "it holds a sparse matrix"),
    "code": (_with_code, {}, "it holds subprocess.check_output; only scikit-learn's models"),
    "no estimator": (lambda: {"a": 1}, {}, "it holds dict, not a scikit-learn model"),
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
        "8 labels, but the classifier also has the class 8",
    ),
    "classes by name": (
        lambda: make_estimator("svm.SVC", {}).fit(flat(ROWS), np.array(EMOTIONS)[LABELS]),
        {},
        "8 labels, but the classifier also has the class 'surprise'",
    ),
    "decision function of pairs of classes": (
        lambda: make_pipeline(SVC(decision_function_shape="ovo")).fit(flat(ROWS), LABELS),
        {},
        "its svc__decision_function_shape is 'ovo', which scores pairs of classes: train it anew",
    ),
    "regressor without values": (lambda: fitted("regressor"), {}, "needs a value for each label"),
    "scaler": (
        lambda: make_estimator("preprocessing.MinMaxScaler", {}).fit(flat(ROWS)),
        {},
        "MinMaxScaler is neither a classifier nor a regressor",
    ),
    "not fitted": (
        lambda: make_estimator("svm.SVC", {}),
        {},
        "this version of scikit-learn cannot run it: 'SVC' object has no attribute 'classes_'",
    ),
    "other probabilities than its probe": (
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


def test_a_model_with_code_is_not_written(tmp_path):
    with pytest.raises(ModelFileError, match=r"holds subprocess\.check_output"):
        sklearn_models.dump(_with_code(), tmp_path / "m.skops")


def test_a_zip_file_that_is_no_model(tmp_path):
    path = tmp_path / "m.skops"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("a", "b")
    with pytest.raises(ModelFileError, match="a zip file without the metadata of a model file"):
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
def test_a_zip_file_that_unpacks_to_too_much(fill, tmp_path):
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
