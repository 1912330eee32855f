"""Model files that are refused: with one line that names the file, and exit status 2."""

import os
import subprocess
import sys

import h5py
import pytest

from ser.errors import ModelFileError
from ser.features import FEATURE_SETS
from ser.inference.backends import load_backend
from ser.labels import EMOTIONS
from ser.models import read_model_file
from ser.resources import DEFAULT_MODEL
from tests import make_models as models
from tests.conftest import ROOT


def _features(**changes):
    classic = FEATURE_SETS["mfcc40-mean"].to_metadata()
    return models.metadata(features=classic | changes)


REFUSED = {
    "absurd window": (
        {"metadata": _features(window_seconds=1e9)},
        r"window_seconds 1000000000\.0 is not within",
    ),
    "no hop": ({"metadata": _features(hop_seconds=0)}, "hop_seconds 0 is not within"),
    "absurd parameter": (
        {
            "metadata": _features(
                params={"n_mfcc": 40, "n_fft": 2**40, "hop_length": 512, "n_mels": 128}
            )
        },
        "n_fft 1099511627776 is not",
    ),
    "absurd shape": ({"metadata": _features(shape=[40, 10**9])}, r"shape\[1\] 1000000000 is not"),
    "infinite temperature": (
        {"metadata": models.metadata(temperature=float("inf"))},
        "temperature",
    ),
    "labels that are no text": ({"metadata": models.metadata(labels=tuple(range(8)))}, "distinct"),
    "label count": ({"metadata": models.metadata(labels=EMOTIONS[:7])}, "7 labels, but output"),
    "outputs of a bare file": ({"n_labels": 5}, "8 labels, but output"),
    "repeated label": ({"metadata": models.metadata(labels=("sad",) * 8)}, "distinct"),
    "threshold": ({"metadata": models.metadata(uncertain_below=1.5)}, "uncertain_below"),
    "temperature": ({"metadata": models.metadata(temperature=0.0)}, "temperature"),
    "feature set": (
        {"metadata": models.metadata(features={"name": "mfcc99"})},
        "unknown feature set 'mfcc99'; known",
    ),
    "not our JSON": ({"metadata": {"format": 1, "name": "x"}}, "malformed"),
    "newer format": ({"metadata": {"format": 2}}, "reads format 1"),
    "wrong probe": (
        {"metadata": models.metadata(probe={"input": [[0]] * 40, "probabilities": [0.125] * 8})},
        "gives other probabilities",
    ),
    "probe without its answer": (
        {"metadata": models.metadata(probe={"input": [[0]] * 40})},
        r"this backend \(openvino; .*\) cannot run it: 'probabilities'",
    ),
    "probe of another shape": (
        {"metadata": models.metadata(probe={"input": [1, 2], "probabilities": [0.125] * 8})},
        "cannot run it: cannot reshape array of size 2",
    ),
    "probe that is no numbers": (
        {"metadata": models.metadata(probe={"input": "x", "probabilities": "y"})},
        "cannot run it: could not convert",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_metadata_that_is_refused(tmp_path, name):
    arguments, words = REFUSED[name]
    path = tmp_path / "model.h5"
    models.write_keras2(path, **arguments)
    with pytest.raises(ModelFileError, match=words) as caught:
        load_backend(read_model_file(path))
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


def test_an_input_that_is_not_of_the_features_shape(tmp_path):
    path = tmp_path / "model.h5"
    models.write_keras2(path, layers=models.keras2_layers(shape=(41, 1)))
    with pytest.raises(ModelFileError, match=r"takes input \(41, 1\), but .* \(40, 1\)"):
        load_backend(read_model_file(path))


def test_a_file_that_is_missing_or_not_hdf5(tmp_path):
    path = tmp_path / "model.h5"
    with pytest.raises(ModelFileError, match="does not exist"):
        read_model_file(path)
    path.write_bytes(b"PK\x03\x04 something else")
    with pytest.raises(ModelFileError, match=r"not an HDF5 file and not a \.skops file"):
        read_model_file(path)
    path.write_bytes(DEFAULT_MODEL.read_bytes()[:3000])
    with pytest.raises(ModelFileError):
        load_backend(read_model_file(path))


def test_weights_alone_are_not_enough(tmp_path):
    path = tmp_path / "weights.h5"
    with h5py.File(path, "w") as file:
        file.create_group("model_weights")
    with pytest.raises(ModelFileError, match="holds no Keras model"):
        read_model_file(path)


@pytest.mark.parametrize("name", ["model_config", "keras_version", "ser"])
def test_attributes_that_are_no_text(tmp_path, name):
    path = tmp_path / "model.h5"
    for value in (1, ["a", "b"], h5py.Empty("f4")):
        models.write_keras2(path, metadata=models.metadata())
        with h5py.File(path, "r+") as file:
            file.attrs[name] = value
        with pytest.raises(ModelFileError, match=f"its attribute '{name}' is no text"):
            read_model_file(path)


def test_missing_weights(tmp_path):
    path = tmp_path / "model.h5"
    models.write_keras2(path)
    with h5py.File(path, "r+") as file:
        del file["model_weights/dense_1/dense_1/bias:0"]
    with pytest.raises(ModelFileError, match="cannot build it"):
        load_backend(read_model_file(path))


def test_configurations_that_are_deep_or_broken(tmp_path):
    path = tmp_path / "model.h5"
    for text in ("[" * 20_000, "{", "null", "[]", '{"class_name": []}'):
        models.write_keras2(path)
        with h5py.File(path, "r+") as file:
            file.attrs["model_config"] = text
        with pytest.raises(ModelFileError):
            load_backend(read_model_file(path))


def test_damaged_model_files_are_refused_with_one_line(tmp_path):
    """In a process of its own: a damaged file must not make HDF5 crash."""
    code = f"""
import sys
import numpy as np
from pathlib import Path
from ser.models.model_file import read_model_file
from ser.errors import ModelFileError
rng, path = np.random.default_rng(0), Path({str(tmp_path / "m.h5")!r})
good, refused = Path({str(DEFAULT_MODEL)!r}).read_bytes(), 0
for n in range(200):
    data = bytearray(good)
    for at in rng.integers(min(len(data), 4000 * (1 + n % 50)), size=20):
        data[at] = rng.integers(256)
    path.write_bytes(data[: rng.integers(len(data))] if n % 5 == 0 else data)
    try:
        read_model_file(path)
    except ModelFileError as error:
        assert "\\n" not in str(error)
        refused += 1
print(refused)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 50


def test_the_app_refuses_a_wrong_file_with_one_line_and_exit_2(tmp_path):
    path = tmp_path / "model.h5"
    wrong = (
        {"layers": models.lambda_layers()},  # refused before the port is open
        REFUSED["label count"][0],  # after it
        REFUSED["probe of another shape"][0],
    )
    for arguments in wrong:
        models.write_keras2(path, **arguments)
        done = subprocess.run(
            [sys.executable, "app.py"],
            cwd=ROOT,
            env={**os.environ, "SER_MODEL": str(path), "PORT": "0", "SER_LOG_LEVEL": "ERROR"},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 2
        lines = done.stderr.strip().splitlines()
        assert len(lines) == 1, done.stderr
        assert lines[0].startswith(f"app.py: model file {path}")
