"""Backends: they give what the trained model gave, on OpenVINO and on TensorFlow."""

import json
import os
import subprocess
import sys

import h5py
import numpy as np
import pytest

from ser.audio import load_audio
from ser.inference import Predictor
from ser.inference.backends import load_backend
from ser.labels import EMOTIONS
from ser.models import read_model_file
from ser.models.calibration import apply_temperature
from ser.resources import DEFAULT_MODEL
from tests import make_models as models
from tests import synth
from tests.conftest import DATA


@pytest.fixture
def inputs():
    """Return 16 vectors with the spread of mean MFCCs: (16, 40, 1)."""
    rng = np.random.default_rng(1)
    scale = 100 / np.arange(1, 41)
    return (scale * rng.standard_normal((16, 40))).astype(np.float32)[:, :, None]


def test_a_bare_keras_2_file_is_the_classic_model(tmp_path, inputs):
    path = tmp_path / "Emotion_Voice_Detection_Model.h5"
    weights = models.write_keras2(path)
    predictor = Predictor.from_file(path)
    meta = predictor.model_file.metadata
    assert meta.labels == EMOTIONS
    assert meta.features["name"] == "mfcc40-mean"
    assert meta.temperature == 1
    assert meta.name == "Emotion_Voice_Detection_Model"
    np.testing.assert_allclose(
        predictor.probabilities(inputs), models.forward(weights, inputs), atol=1e-5
    )


def test_other_forms_of_keras_2(tmp_path, inputs):
    """TensorFlow 2 stores the shape in an `InputLayer`; Keras 2.2.2 stores a list of layers."""
    path, other = tmp_path / "model.h5", tmp_path / "other.h5"
    weights = models.write_keras2(path)
    layers = models.keras2_layers()
    shape = layers[0]["config"].pop("batch_input_shape")
    source = {"class_name": "InputLayer", "config": {"name": "in", "batch_input_shape": shape}}
    models.write_keras2(other, layers=[source, *layers])
    with h5py.File(path, "r+") as file:
        layers = json.loads(file.attrs["model_config"])["config"]["layers"]
        file.attrs["model_config"] = json.dumps({"class_name": "Sequential", "config": layers})
    for form in (path, other):
        answer = load_backend(read_model_file(form))(inputs)
        np.testing.assert_allclose(answer, models.forward(weights, inputs), atol=1e-5)


def test_temperature_changes_the_confidence_and_not_the_emotion(tmp_path, inputs):
    plain, calibrated = tmp_path / "plain.h5", tmp_path / "calibrated.h5"
    models.write_keras2(plain, metadata=models.metadata())
    models.write_keras2(calibrated, metadata=models.metadata(temperature=2.0))
    p, q = (Predictor.from_file(path).probabilities(inputs) for path in (plain, calibrated))
    np.testing.assert_array_equal(p.argmax(axis=1), q.argmax(axis=1))
    assert (q.max(axis=1) < p.max(axis=1)).all()
    expected = np.sqrt(p) / np.sqrt(p).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(q, expected, atol=1e-9)


def test_a_model_file_can_be_built_twice(tmp_path):
    path = tmp_path / "twice.h5"
    models.write_keras2(path, metadata=models.metadata())
    model_file = read_model_file(path)
    x = np.random.default_rng(0).standard_normal((3, 40, 1)).astype(np.float32)
    np.testing.assert_array_equal(load_backend(model_file)(x), load_backend(model_file)(x))


def test_served_probabilities_are_those_of_tensorflow(predictor, tmp_path):
    """The reference is Keras on TensorFlow, with its own loader, in a process of its own."""
    voices = [synth.voice(1.5, pitch=80 + 15 * n, seed=n) for n in range(16)]
    if (DATA / "ravdess").is_dir():
        clips = sorted((DATA / "ravdess").rglob("*.flac"))[::60]
        voices += [load_audio(path).samples for path in clips]
    inputs = np.stack([predictor.model_file.features.extract(voice) for voice in voices])
    np.save(tmp_path / "x.npy", inputs)
    code = f"""
import numpy as np, keras
model = keras.models.load_model({str(DEFAULT_MODEL)!r}, compile=False)
assert keras.backend.backend() == "tensorflow"
np.save({str(tmp_path / "y.npy")!r}, model(np.load({str(tmp_path / "x.npy")!r})).numpy())
"""
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow"}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True, capture_output=True)
    reference = np.load(tmp_path / "y.npy")
    served = predictor.probabilities(inputs)
    reference = apply_temperature(reference, predictor.model_file.metadata.temperature)
    assert np.abs(served - reference).max() < 1e-5


def test_the_app_serves_the_same_on_tensorflow(tmp_path, clip, client):
    from tests.server import Server

    server = Server(KERAS_BACKEND="tensorflow")
    try:
        server.wait_ready(120)
        (tmp_path / "clip.wav").write_bytes(clip)
        curl = ["curl", "-s", "-F", f"file=@{tmp_path / 'clip.wav'}", f"{server.url}/predict"]
        theirs = json.loads(subprocess.run(curl, capture_output=True, check=True).stdout)
    finally:
        server.stop()
    ours = client.post("/predict", data=clip, content_type="audio/wav").get_json()
    for label, probability in ours["probabilities"].items():
        assert theirs["probabilities"][label] == pytest.approx(probability, abs=1e-5)
