"""Read a `.keras` file, the format of Keras 3, and write it as an `.h5`.

It is a zip file of a configuration and weights. Like any model file it is untrusted input: its
layers must be on the list, and nothing in it is run.
"""

import json
import os
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import h5py

from ser.errors import ModelFileError
from ser.inference.backends import SERVING_LIBRARY, keras_model_of, one_line
from ser.inference.memory import hide_optional_packages
from ser.models import keras2
from ser.models.layer_allowlist import MAX_BYTES, check_arrays, check_layers

_CONFIG, _WEIGHTS, _METADATA = "config.json", "model.weights.h5", "metadata.json"


def convert(path: Path, out: Path) -> None:
    """Write the model of a `.keras` file as an `.h5` without metadata.

    Raises:
        ModelFileError: it holds code, or Keras cannot build it.
    """
    with (
        one_line(path, "Keras cannot read it"),
        zipfile.ZipFile(path) as file,
        tempfile.TemporaryDirectory() as folder,
    ):
        if sum(member.file_size for member in file.infolist()) > MAX_BYTES:
            raise ModelFileError(f"it unpacks to more than {MAX_BYTES // 2**20} MB")
        architecture = json.loads(file.read(_CONFIG))
        made_by = json.loads(file.read(_METADATA)) if _METADATA in file.namelist() else {}
        # How it was trained names optimizers and losses; only the model is read.
        architecture.pop("compile_config", None)
        if keras2.is_keras2(made_by.get("keras_version")):
            architecture = keras2.as_keras3(architecture)
        check_layers(architecture)
        weights = Path(file.extract(_WEIGHTS, folder))
        with h5py.File(weights, "r") as stored:
            check_arrays(stored)
        library = os.environ.setdefault("KERAS_BACKEND", SERVING_LIBRARY)
        with hide_optional_packages(*(["tensorflow"] if library == SERVING_LIBRARY else [])):
            model = keras_model_of(architecture)
            model.load_weights(weights)
        _write(out, architecture, model)


def _write(out: Path, architecture: dict[str, Any], model: Any) -> None:
    """Write a Keras model in the form of its `.h5` files: a group of weights for each layer."""
    import keras

    with h5py.File(out, "w") as file:
        file.attrs["model_config"] = json.dumps(architecture)
        file.attrs["keras_version"] = keras.__version__
        groups = file.create_group("model_weights")
        groups.attrs["layer_names"] = [layer.name.encode() for layer in model.layers]
        for layer in model.layers:
            group = groups.create_group(layer.name)
            weights = layer.trainable_weights + layer.non_trainable_weights
            names = [f"{layer.name}/{n}" for n in range(len(weights))]
            group.attrs["weight_names"] = [name.encode() for name in names]
            for name, weight in zip(names, weights, strict=True):
                group.create_dataset(name, data=keras.ops.convert_to_numpy(weight))
