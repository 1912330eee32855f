"""The one name private to Keras is still there, and threads do not change an answer."""

from importlib.metadata import version

import numpy as np

from ser.inference.backends import build_openvino_model
from ser.inference.openvino_backend import OpenVinoModel
from ser.models.model_file import read_model_file
from ser.resources import DEFAULT_MODEL


def test_keras_still_has_what_the_backend_relies_on():
    from keras.src.backend.openvino import core

    assert hasattr(core, "OpenVINOKerasTensor"), (
        f"Keras {version('keras')} moved OpenVINOKerasTensor: see "
        "ser/inference/openvino_backend.py, or keep the version before"
    )


def test_any_number_of_threads_gives_the_same_answers_to_the_bit():
    model_file = read_model_file(DEFAULT_MODEL)
    exported = build_openvino_model(model_file).export()
    x = np.random.default_rng(5).standard_normal((9, *model_file.features.shape), np.float32)
    one, three = (OpenVinoModel.imported(exported, threads=threads) for threads in (1, 3))
    np.testing.assert_array_equal(one(x), three(x))
    np.testing.assert_array_equal(one(x[:1]), three(x[:1]))
