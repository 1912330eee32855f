"""scikit-learn models: their probabilities, and the files that they are stored in."""

import subprocess
import sys
import zipfile

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC, NuSVC

from ser.inference import Predictor
from ser.inference.backends import load_backend
from ser.labels import EMOTIONS
from ser.models import add_scores, read_model_file, sklearn_models, write_metadata
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
    "predictions only": ("dummy.DummyClassifier", {}, ""),
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
def test_a_file_gives_the_probabilities_of_the_fitted_model(kind, tmp_path):
    model = fitted(kind)
    expected = class_probabilities(model, ROWS, n_labels=8, values=values(kind))
    np.testing.assert_allclose(expected.sum(axis=1), 1, atol=1e-6)
    path = write(tmp_path / "m.skops", model, values=values(kind))
    np.testing.assert_allclose(load_backend(read_model_file(path))(ROWS), expected, atol=1e-6)


@pytest.mark.parametrize("kind", ["no probabilities", "regressor"])
def test_the_most_likely_label_is_the_models_prediction(kind):
    model = fitted(kind)
    most_likely = class_probabilities(model, ROWS, n_labels=8, values=values(kind)).argmax(axis=1)
    predicted = model.predict(flat(ROWS))
    np.testing.assert_array_equal(most_likely, np.clip(np.round(predicted), 0, 7).astype(int))


@pytest.mark.parametrize("n_classes", [2, 3, 4, 8])
@pytest.mark.parametrize(
    "estimator",
    [
        SVC(decision_function_shape="ovo"),
        make_pipeline(NuSVC(nu=0.1, decision_function_shape="ovo")),
    ],
    ids=["classifier", "pipeline"],
)
def test_a_decision_function_of_pairs_of_classes(estimator, n_classes, tmp_path):
    rows, labels = flat(ROWS)[n_classes > LABELS], LABELS[n_classes > LABELS]
    as_given = clone(estimator).fit(rows, labels).predict(rows)
    model = make_estimator(estimator, {}).fit(rows, labels)
    np.testing.assert_array_equal(model.predict(rows), as_given)
    most_likely = class_probabilities(model, rows, n_labels=8).argmax(axis=1)
    assert np.mean(most_likely == as_given) > 0.9  # votes can be tied
    load_backend(read_model_file(write(tmp_path / "m.skops", model)))


def test_two_classes_without_probabilities():
    model = make_estimator("svm.SVC", {}).fit(flat(ROWS), LABELS > 3)
    answer = class_probabilities(model, ROWS, n_labels=2)
    np.testing.assert_array_equal(answer.argmax(axis=1), model.predict(flat(ROWS)))
    np.testing.assert_allclose(answer.sum(axis=1), 1)


def test_a_label_without_training_clips_is_never_predicted():
    known = LABELS != 2
    model = make_estimator("svm.SVC", {}).fit(flat(ROWS[known]), LABELS[known])
    answer = class_probabilities(model, ROWS, n_labels=8)
    assert (answer[:, 2] == 0).all()
    assert answer[known].argmax(axis=1).max() == 7


def test_the_scaler_is_fitted_on_the_training_rows_only():
    model = make_estimator("svm.SVC", {}, scaling="minmax").fit(flat(ROWS[:80]), LABELS[:80])
    np.testing.assert_allclose(model[0].data_max_, flat(ROWS[:80]).max(axis=0))


def test_a_seed_is_set_if_there_is_none():
    forest = make_estimator("ensemble.RandomForestClassifier", {}, seed=3)
    assert forest.random_state == 3
    assert make_estimator(forest, {}, seed=4).random_state == 3


def test_a_clip_is_predicted(tmp_path):
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
