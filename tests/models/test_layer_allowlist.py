"""The list of allowed layers, and the check that all weights lie in the file itself."""

import zlib

import h5py
import pytest

from ser.errors import ModelFileError
from ser.inference.backends import load_backend
from ser.models import read_model_file
from tests import make_models as models


def _foreign_class():
    layers = models.keras2_layers()
    layers[1] = {"module": "os", "class_name": "system", "config": {}, "registered_name": None}
    return layers


def _custom_class():
    layers = models.keras2_layers()
    layers[1] = {
        "module": "keras.layers",
        "class_name": "Dropout",
        "config": {"rate": 0.1},
        "registered_name": "evil>Dropout",
    }
    return layers


def _with_layer(*added):
    layers = models.keras2_layers()
    layers[2:2] = added
    return layers


_CONVOLUTION = {"name": "c", "filters": 1, "kernel_size": [2], "padding": "same"}
REFUSED = {
    "lambda": ({"layers": models.lambda_layers()}, "holds code"),
    "foreign module": ({"layers": _foreign_class()}, "holds code"),
    "registered class": ({"layers": _custom_class()}, "holds code"),
    "function of Keras": (
        {"layers": _with_layer({"module": "keras.utils", "class_name": "get_file", "config": {}})},
        r"holds code \('get_file'\)",
    ),
    "layer that loads a file": (
        {"layers": _with_layer({"class_name": "TFSMLayer", "config": {"filepath": "x"}})},
        "holds code",
    ),
    "layer that reads a vocabulary": (
        {"layers": _with_layer({"class_name": "StringLookup", "config": {"vocabulary": "/x"}})},
        "holds code",
    ),
    "code below a layer": (
        {
            "layers": _with_layer(
                {
                    "class_name": "Bidirectional",
                    "config": {
                        "name": "b",
                        "layer": {"class_name": "TorchModuleWrapper", "config": {}},
                    },
                }
            )
        },
        "holds code",
    ),
    "attention": (
        {"layers": _with_layer({"class_name": "Attention", "config": {"name": "a"}})},
        r"holds code \('Attention'\), or a layer",
    ),
    "layer in a layer": (
        {
            "layers": _with_layer(
                {
                    "class_name": "TimeDistributed",
                    "config": {
                        "name": "t",
                        "layer": {"class_name": "Conv1D", "config": _CONVOLUTION},
                    },
                }
            )
        },
        r"holds code \('TimeDistributed'\), or a layer",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_layers_that_are_not_allowed(tmp_path, name):
    arguments, words = REFUSED[name]
    path = tmp_path / "model.h5"
    models.write_keras2(path, **arguments)
    with pytest.raises(ModelFileError, match=words) as caught:
        load_backend(read_model_file(path))
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


def _link(file: h5py.File, secret) -> None:
    file["model_weights/dense_1/dense_1/kernel:0"] = h5py.ExternalLink(str(secret), "/x")


def _soft_link(file: h5py.File, secret) -> None:
    file["model_weights/dense_1/dense_1/kernel:0"] = h5py.SoftLink("/model_weights")


def _external_data(file: h5py.File, secret) -> None:
    file["model_weights/dense_1/dense_1"].create_dataset(
        "kernel:0", (80, 8), "f4", external=[(str(secret), 0, 80 * 8 * 4)]
    )


def _virtual(file: h5py.File, secret) -> None:
    layout = h5py.VirtualLayout((80, 8), "f4")
    layout[:] = h5py.VirtualSource(str(secret), "x", (80, 8))
    file["model_weights/dense_1/dense_1"].create_virtual_dataset("kernel:0", layout)


def _absurd(file: h5py.File, secret) -> None:
    file["model_weights/dense_1/dense_1"].create_dataset("kernel:0", (2**20, 8), "f4")


def _large_chunk(file: h5py.File, secret) -> None:
    file["model_weights/dense_1/dense_1"].create_dataset(
        "kernel:0", (80, 8), "f4", chunks=(2**20, 8), maxshape=(None, 8), compression="gzip"
    )


def _chunk_that_grows(file: h5py.File, secret) -> None:
    kernel = file["model_weights/dense_1/dense_1"].create_dataset(
        "kernel:0", (80, 8), "f4", chunks=(80, 8), compression="gzip"
    )
    kernel.id.write_direct_chunk((0, 0), zlib.compress(bytes(20_000_000)))


def _text(file: h5py.File, secret) -> None:
    file["model_weights/dense_1/dense_1"]["kernel:0"] = ["a", "b"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_link, "link to another place"),
        (_soft_link, "link to another place"),
        (_external_data, "are in another file"),
        (_virtual, "are in another file"),
        (_absurd, "more than the file has"),
        (_large_chunk, "stored in chunks"),
        (_chunk_that_grows, "stored in chunks"),
        (_text, "weights are numbers"),
    ],
)
def test_weights_that_are_not_in_the_file(tmp_path, change, words):
    path, secret = tmp_path / "model.h5", tmp_path / "secret"
    secret.write_bytes(bytes(80 * 8 * 4))
    models.write_keras2(path)
    with h5py.File(path, "r+") as file:
        del file["model_weights/dense_1/dense_1/kernel:0"]
        change(file, secret)
    with pytest.raises(ModelFileError, match=words):
        read_model_file(path)
