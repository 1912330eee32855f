"""OpenVINO: what it uses of Keras is still there, and answers do not depend on threads or batch."""

import importlib
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from types import ModuleType

import numpy as np
import pytest

from ser.inference.backends import build_openvino_model
from ser.inference.memory import hide_optional_packages
from ser.inference.openvino_backend import OpenVinoModel
from ser.models import read_model_file
from ser.resources import DEFAULT_MODEL
from tests.conftest import ROOT

PRIVATE_NAME = "OpenVINOKerasTensor"
PRIVATE_MODULE = "keras.src.backend.openvino.core"


def check_private_name() -> None:
    try:
        module = importlib.import_module(PRIVATE_MODULE)
    except ImportError:
        module = None
    if not hasattr(module, PRIVATE_NAME):
        pytest.fail(
            f"Keras {version('keras')} moved {PRIVATE_NAME}, "
            "see ser/inference/openvino_backend.py; or stay with the Keras version before",
            pytrace=False,
        )


def test_keras_has_the_private_name_that_we_use():
    source = (ROOT / "ser" / "inference" / "openvino_backend.py").read_text()
    assert f"from {PRIVATE_MODULE} import {PRIVATE_NAME}\n" in source
    check_private_name()


@pytest.mark.parametrize("moved", ["module", "name"])
def test_a_keras_that_moved_it_is_reported_in_plain_words(moved, monkeypatch):
    replacement = None if moved == "module" else ModuleType(PRIVATE_MODULE)
    monkeypatch.setitem(sys.modules, PRIVATE_MODULE, replacement)
    words = rf"Keras \S+ moved {PRIVATE_NAME}, see ser/inference/openvino_backend\.py"
    with pytest.raises(pytest.fail.Exception, match=words):
        check_private_name()


def test_no_other_module_uses_names_private_to_keras():
    private = re.compile(r"^\s*(from|import) keras\.src|from keras import src", re.MULTILINE)
    users = [path.name for path in (ROOT / "ser").rglob("*.py") if private.search(path.read_text())]
    assert users == ["openvino_backend.py"]


@pytest.fixture(scope="module")
def model_file():
    return read_model_file(DEFAULT_MODEL)


def test_any_number_of_threads_gives_the_same_answers_to_the_bit(model_file):
    x = np.random.default_rng(5).standard_normal((9, *model_file.features.shape), np.float32)
    default = build_openvino_model(model_file)
    models = [build_openvino_model(model_file, threads=threads) for threads in (1, 3)]
    models += [OpenVinoModel.imported(default.export(), threads=threads) for threads in (1, 3)]
    assert default(x).std(axis=0).max() > 1e-3  # else any two models would agree
    for model in models:
        np.testing.assert_array_equal(model(x), default(x))
        np.testing.assert_array_equal(model(x[:1]), default(x[:1]))


def test_it_takes_no_more_threads_than_it_may(model_file):
    built = build_openvino_model(model_file, threads=1)
    for model in (built, OpenVinoModel.imported(built.export(), threads=1)):
        for graph in (model._several._compiled, model._single._compiled):
            assert graph.get_property("INFERENCE_NUM_THREADS") == 1
            assert graph.get_property("NUM_STREAMS") == 1


def test_a_window_has_the_same_answer_alone_and_in_a_batch(predictor):
    """With a fixed batch, OpenVINO computes convolution + ReLU + pooling wrong."""
    import keras

    shape = predictor.model_file.features.shape
    with hide_optional_packages():
        keras.utils.set_random_seed(0)
        pooling = keras.Sequential([
            keras.Input(shape),
            keras.layers.Conv1D(32, 5, padding="same", activation="relu"),
            keras.layers.MaxPooling1D(2),
            keras.layers.Flatten(),
            keras.layers.Dense(8, activation="softmax"),
        ])  # fmt: skip
        model = OpenVinoModel.from_keras(pooling, shape)
    x = np.random.default_rng(3).standard_normal((6, *shape)).astype(np.float32)
    for backend in (model, predictor.backend):
        alone = np.concatenate([backend(row[np.newaxis]) for row in x])
        np.testing.assert_allclose(alone, backend(x), atol=1e-5)
        assert alone.std(axis=0).max() > 1e-3  # else any two answers would be equal


def test_eight_threads_get_the_same_answers_as_one(predictor):
    rng = np.random.default_rng(2)
    shape = predictor.model_file.features.shape
    batches = [
        (20 * rng.standard_normal((1 + i % 7, *shape))).astype(np.float32) for i in range(200)
    ]
    alone = [predictor.probabilities(x) for x in batches]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(predictor.probabilities, batches))
    for a, b in zip(alone, together, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-7)
