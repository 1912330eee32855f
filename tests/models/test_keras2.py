"""Files of Keras 2 answer as Keras on TensorFlow does with the same layers and weights."""

import json
import os
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from ser.errors import ModelFileError
from ser.inference import Predictor
from ser.inference.backends import load_backend
from ser.models import read_model_file
from ser.models.keras2 import HARD_SIGMOID, as_keras3, is_keras2
from tests import make_models as models

CASES = Path(__file__).parents[3] / "shared" / "cases"

INITIALIZER = {"class_name": "GlorotUniform", "config": {"seed": None, "dtype": "float32"}}


def _recurrent(kind: str, name: str, units: int = 5, **changes) -> dict:
    """Return a recurrent layer as TensorFlow 2.0 to 2.15 wrote it."""
    config = {
        "name": name, "trainable": True, "dtype": "float32", "return_sequences": False,
        "return_state": False, "go_backwards": False, "stateful": False, "unroll": False,
        "time_major": False, "units": units, "activation": "tanh", "use_bias": True,
        "kernel_initializer": INITIALIZER, "kernel_regularizer": None, "bias_constraint": None,
        "dropout": 0.0, "recurrent_dropout": 0.0, "implementation": 2,
    }  # fmt: skip
    own: dict = {} if kind == "SimpleRNN" else {"recurrent_activation": "sigmoid"}
    own |= {"LSTM": {"unit_forget_bias": True}, "GRU": {"reset_after": True}}.get(kind, {})
    config = {key: v for key, v in (config | own | changes).items() if v != "absent"}
    return {"class_name": kind, "config": config}


def _bidirectional(layer: dict, **changes) -> dict:
    config = {"name": "b", "trainable": True, "dtype": "float32", "layer": layer}
    return {"class_name": "Bidirectional", "config": config | {"merge_mode": "concat"} | changes}


def _layer(kind: str, **config) -> dict:
    return {"class_name": kind, "config": {"name": kind.lower(), "dtype": "float32", **config}}


HARD = {"recurrent_activation": "hard_sigmoid"}
FLAT = _layer("Flatten", data_format="channels_last")
#: The layers as Keras 2 wrote them, and as code of Keras 3.
LAYERS = {
    "lstm": ([_recurrent("LSTM", "r")], "L.LSTM(5)"),
    "lstm before 2.3": (
        [_recurrent("LSTM", "r", time_major="absent", implementation=1, **HARD)],
        "L.LSTM(5, recurrent_activation=hard)",
    ),
    "lstm, stateful": (
        [_recurrent("LSTM", "r", stateful=True, batch_input_shape=[1, 40, 1])],
        "L.LSTM(5)",
    ),
    "gru": ([_recurrent("GRU", "r")], "L.GRU(5)"),
    "gru before 2.2": (
        [_recurrent("GRU", "r", reset_after="absent", time_major="absent", **HARD)],
        "L.GRU(5, reset_after=False, recurrent_activation=hard)",
    ),
    "simple": ([_recurrent("SimpleRNN", "r")], "L.SimpleRNN(5)"),
    "bidirectional": (
        [_bidirectional(_recurrent("LSTM", "r"))],
        "L.Bidirectional(L.LSTM(5))",
    ),
    "bidirectional, sum, hard": (
        [_bidirectional(_recurrent("GRU", "r", **HARD), merge_mode="sum")],
        "L.Bidirectional(L.GRU(5, recurrent_activation=hard), merge_mode='sum')",
    ),
    "bidirectional with its own way back": (
        [
            _bidirectional(
                _recurrent("LSTM", "r", return_sequences=True),
                backward_layer=_recurrent("LSTM", "w", go_backwards=True, return_sequences=True),
            ),
            FLAT,
        ],
        "L.Bidirectional(L.LSTM(5, return_sequences=True), backward_layer="
        "L.LSTM(5, go_backwards=True, return_sequences=True)), L.Flatten()",
    ),
    "cells": (
        [
            _layer(
                "RNN",
                cell=_layer(
                    "StackedRNNCells",
                    cells=[
                        _layer("LSTMCell", units=4, implementation=2),
                        _layer("GRUCell", units=3, implementation=1, reset_after=False),
                    ],
                ),
                time_major=False,
            )
        ],
        "L.RNN([L.LSTMCell(4), L.GRUCell(3, reset_after=False)])",
    ),
    "others": (
        [
            _layer("Conv1D", filters=6, kernel_size=[3], activation="hard_sigmoid", groups=1),
            {
                "class_name": "BatchNormalizationV1",
                "config": {"name": "n", "axis": [2], "epsilon": 0.002, "virtual_batch_size": None},
            },
            _layer("LeakyReLU", alpha=0.2),
            _layer("SpatialDropout1D", rate=0.2, noise_shape=None, trainable=True),
            _layer("DepthwiseConv1D", kernel_size=[3], groups=1, depthwise_regularizer=None),
            FLAT,
        ],
        "L.Conv1D(6, 3, activation=hard), L.BatchNormalization(epsilon=0.002),"
        "L.LeakyReLU(negative_slope=0.2), L.DepthwiseConv1D(3), L.Flatten()",
    ),
}
DENSE = {"name": "dense_1", "units": 8, "activation": "softmax", "use_bias": True}
#: The case files, as code.
FILES = {
    "keras2_lstm_time_major": "L.LSTM(8)",
    "keras2_gru_time_major": "L.GRU(8)",
    "keras2_bidirectional": "L.Bidirectional(L.LSTM(8))",
}

_REFERENCE = """
import json, sys
import numpy as np
import keras
from keras import layers as L
assert keras.backend.backend() == "tensorflow"
folder = sys.argv[1]
rng = np.random.default_rng(0)
x = np.load(f"{folder}/x.npy")
@keras.saving.register_keras_serializable()
def hard(z):
    return keras.ops.clip(0.2 * z + 0.5, 0, 1)
stored = json.load(open(f"{folder}/code.json"))
given = dict(np.load(f"{folder}/given.npz"))
out = {}
for name, code in stored.items():
    layers = eval(f"[{code}]")
    model = keras.Sequential([keras.Input((40, 1)), *layers, L.Dense(8, activation="softmax")])
    own = sorted((k for k in given if k.split("|")[0] == name), key=lambda k: int(k.split("|")[1]))
    if own:
        model.set_weights([given[k] for k in own])
    for v in model.variables if not own else ():
        noise = 0.3 * rng.standard_normal(v.shape)
        v.assign(1 + np.abs(noise) if "variance" in v.path else noise)
    out[f"{name}|answer"] = model(x, training=False).numpy()
    for n, layer in enumerate(layer for layer in model.layers if layer.weights):
        ordered = layer.trainable_weights + layer.non_trainable_weights
        for m, v in enumerate(ordered):
            out[f"{name}|{n}|{m}"] = v.numpy()
np.savez(f"{folder}/reference.npz", **out)
"""


@pytest.fixture(scope="module")
def inputs() -> np.ndarray:
    """Return features with the spread of mean MFCCs: (4, 40, 1)."""
    noise = np.random.default_rng(1).standard_normal((4, 40, 1))
    return (noise * np.linspace(4, 0.3, 40)[:, np.newaxis]).astype(np.float32)


@pytest.fixture(scope="module")
def reference(inputs, tmp_path_factory) -> dict[str, np.ndarray]:
    """Return weights and answers of Keras on TensorFlow, in a process of its own."""
    folder = tmp_path_factory.mktemp("reference")
    code = {name: code for name, (_, code) in LAYERS.items()}
    given = {}
    for name in FILES if CASES.is_dir() else ():
        code[name] = FILES[name]
        given |= {f"{name}|{n}": w for n, w in enumerate(_weights(CASES / f"{name}.h5"))}
    (folder / "code.json").write_text(json.dumps(code))
    np.save(folder / "x.npy", inputs)
    np.savez(folder / "given.npz", **given)
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow"}
    done = subprocess.run(
        [sys.executable, "-c", _REFERENCE, str(folder)],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    with np.load(folder / "reference.npz") as arrays:
        return dict(arrays)


def _weights(path: Path) -> list[np.ndarray]:
    """Return the weights of a file in the order in which it names them."""
    with h5py.File(path) as file:
        group = file["model_weights"]
        return [
            group[layer][weight][()]
            for layer in group.attrs["layer_names"]
            for weight in group[layer].attrs["weight_names"]
        ]


def _write(path: Path, name: str, reference: dict[str, np.ndarray]) -> Path:
    """Write a Keras 2 file with the weights of the reference."""
    layers = [json.loads(json.dumps(layer)) for layer in LAYERS[name][0]]
    layers[0]["config"].setdefault("batch_input_shape", [None, 40, 1])
    layers.append({"class_name": "Dense", "config": DENSE})
    has_none = ("Flatten", "LeakyReLU", "SpatialDropout1D")
    names = [x["config"]["name"] for x in layers if x["class_name"] not in has_none]
    weights = {
        f"{names[int(key.split('|')[1])]}/weight_{key.split('|')[2]}:0": value
        for key, value in reference.items()
        if key.startswith(f"{name}|") and not key.endswith("answer")
    }
    models.write_keras2(path, layers=layers, weights=weights)
    return path


@pytest.mark.parametrize("name", LAYERS)
def test_the_answers_are_those_of_keras_on_tensorflow(name, reference, inputs, tmp_path):
    answer = reference[f"{name}|answer"]
    assert answer.std(axis=0).max() > 3e-4  # else any two models would agree
    backend = load_backend(read_model_file(_write(tmp_path / "model.h5", name, reference)))
    np.testing.assert_allclose(backend(inputs), answer, atol=1e-5)
    np.testing.assert_allclose(backend(inputs[:1]), answer[:1], atol=1e-5)


@pytest.mark.skipif(not CASES.is_dir(), reason="needs the files in ../shared/cases")
@pytest.mark.parametrize("name", FILES)
def test_a_file_that_somebody_sent(name, reference, inputs):
    predictor = Predictor.from_file(CASES / f"{name}.h5")
    np.testing.assert_allclose(
        predictor.probabilities(inputs), reference[f"{name}|answer"], atol=1e-5
    )


@pytest.mark.skipif(not CASES.is_dir(), reason="needs the files in ../shared/cases")
def test_every_file_that_somebody_sent_is_tested():
    assert {path.stem for path in CASES.glob("*.h5")} == set(FILES)


def test_the_hard_sigmoid_of_keras_2_is_not_the_one_of_keras_3(reference):
    """Else the tests above would not see which of them is computed."""
    import keras

    z = np.linspace(-4, 4, 9, dtype=np.float32)
    theirs = np.asarray(keras.activations.get("hard_sigmoid")(z))
    assert np.abs(theirs - np.clip(0.2 * z + 0.5, 0, 1)).max() > 0.05


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"time_major": True}, "layer 'r' has time_major=True, which Keras 3 cannot do"),
        ({"num_constants": 2}, "num_constants=2"),
        ({"dynamic": True}, "dynamic=True"),
    ],
)
def test_a_setting_that_keras_3_lacks_is_refused(change, words, tmp_path):
    layer = _recurrent("LSTM", "r", batch_input_shape=[None, 40, 1], **change)
    models.write_keras2(tmp_path / "m.h5", layers=[layer])
    with pytest.raises(ModelFileError, match=words) as caught:
        read_model_file(tmp_path / "m.h5")
    assert "\n" not in str(caught.value)


def _functional(*nodes, output) -> dict:
    layers = [{**layer, "name": layer["config"]["name"], "inbound_nodes": i} for layer, i in nodes]
    ends = {"input_layers": [["in", 0, 0]], "output_layers": [[*output, 0]]}
    return {"class_name": "Model", "config": {"name": "m", "layers": layers, **ends}}


def test_calls_of_a_model_within_a_model_are_counted_from_0():
    source = _layer("InputLayer", batch_input_shape=[8, 40, 1]) | {}
    source["config"]["name"] = "in"
    inner = {"class_name": "Sequential", "config": {"name": "inner", "layers": [FLAT]}}
    last = _layer("Activation", activation="relu")
    config = _functional(
        (source, []),
        (inner, [[["in", 0, 0, {}]]]),
        (last, [[["inner", 1, 0, {}]]]),
        output=("inner", 1),
    )
    new = as_keras3(config)["config"]
    assert [layer["inbound_nodes"] for layer in new["layers"]] == [
        [], [[["in", 0, 0, {}]]], [[["inner", 0, 0, {}]]],
    ]  # fmt: skip
    assert (new["input_layers"], new["output_layers"]) == (["in", 0, 0], ["inner", 0, 0])
    assert new["layers"][0]["config"] == {"name": "in", "batch_shape": [None, 40, 1]}


def test_a_functional_model(tmp_path, inputs):
    source = _layer("InputLayer", batch_input_shape=[None, 40, 1], sparse=False, ragged=False)
    conv = _layer("Conv1D", filters=16, kernel_size=[5], padding="same", activation="relu")
    pool = _layer("MaxPooling1D", pool_size=[8], strides=[8], padding="valid")
    dense = {"class_name": "Dense", "config": DENSE}
    chain = [source, conv, pool, FLAT, dense]
    for layer, name in zip(chain, ("in", "conv1d_1", "pool", "flat", "dense_1"), strict=True):
        layer["config"] = layer["config"] | {"name": name}
    before = [[], *([[[layer["config"]["name"], 0, 0, {}]]] for layer in chain)]
    config = _functional(*zip(chain, before, strict=False), output=("dense_1", 0))
    weights = models.write_keras2(tmp_path / "m.h5")
    with h5py.File(tmp_path / "m.h5", "r+") as file:
        file.attrs["model_config"] = json.dumps(config).encode()
    backend = load_backend(read_model_file(tmp_path / "m.h5"))
    np.testing.assert_allclose(backend(inputs), models.forward(weights, inputs), atol=1e-5)


@pytest.mark.parametrize(
    ("version", "is_old"),
    [
        ("2.2.4", True), (b"2.1.6-tf", True), ("2.15.0", True), (None, True), (b"\xff", True),
        ("3.0.0", False), ("3.15.1", False), ("10.1", False),
    ],
)  # fmt: skip
def test_which_files_are_of_keras_2(version, is_old):
    assert is_keras2(version) == is_old


def test_a_file_of_keras_3_keeps_its_hard_sigmoid(tmp_path):
    layers = [_layer("Activation", activation="hard_sigmoid", batch_input_shape=[None, 40, 1])]
    models.write_keras2(tmp_path / "m.h5", layers=layers, weights={"x/y": np.zeros(1)})
    read = read_model_file(tmp_path / "m.h5").architecture["config"]["layers"]
    assert read[1]["config"]["activation"] == HARD_SIGMOID
    with h5py.File(tmp_path / "m.h5", "r+") as file:
        file.attrs["keras_version"] = "3.9.0"
    read = read_model_file(tmp_path / "m.h5").architecture["config"]["layers"]
    assert read[0]["config"]["activation"] == "hard_sigmoid"


def test_no_other_function_is_allowed(tmp_path):
    function = {**HARD_SIGMOID, "config": "system", "registered_name": "os>system"}
    layers = models.keras2_layers()
    layers[0]["config"]["activation"] = function
    models.write_keras2(tmp_path / "m.h5", layers=layers)
    with pytest.raises(ModelFileError, match=r"holds code \('function'\)"):
        read_model_file(tmp_path / "m.h5")
