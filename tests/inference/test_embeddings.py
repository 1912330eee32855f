"""Embeddings: the vector before the last layer, joined over windows and members."""

import itertools
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from ser.audio import Audio
from ser.errors import UsageError
from ser.features import FEATURE_SETS
from ser.inference import Predictor
from ser.inference.embeddings import Embedder
from ser.models import ModelFile, read_model_file
from ser.resources import DEFAULT_MODEL
from tests import make_models as models
from tests import synth

CLASSIC = FEATURE_SETS["mfcc40-mean"]


@pytest.fixture(scope="module")
def classic(tmp_path_factory):
    """Return the path of a model file, and its weights."""
    path = tmp_path_factory.mktemp("classic") / "m.h5"
    return path, models.write_keras2(path, metadata=models.metadata())


def test_the_mean_over_the_windows_that_are_heard(classic):
    path, weights = classic
    voice = synth.voice(9.3)
    samples = np.concatenate([voice, np.zeros(6 * CLASSIC.sample_rate, np.float32)])
    audio = Audio(samples, rate=CLASSIC.sample_rate)
    segments = Predictor.from_file(path).predict_audio(audio).segments
    assert any(s.silent for s in segments)
    seconds = [0 if s.silent else s.end - s.start for s in segments]
    assert len(set(np.round(seconds, 3))) > 2  # else a plain mean would be the same
    rows = [CLASSIC.extract(samples[a:b]) for a, b in CLASSIC.windows(len(samples))]
    expected = np.average(models.embedding(weights, np.stack(rows)), axis=0, weights=seconds)
    answer = Embedder.from_file(path).embed_audio(audio)
    assert (answer.shape, answer.dtype) == ((80,), np.float32)
    np.testing.assert_allclose(answer, expected, atol=1e-4)


def test_the_members_of_an_ensemble_one_after_the_other(predictor):
    """With the last layers of the members, the embedding gives the answer."""
    model_file = predictor.model_file
    samples = synth.voice(2.0)
    embedder = Embedder.from_file(DEFAULT_MODEL)
    answer = embedder.embed(synth.wav(samples, subtype="FLOAT"))
    x = model_file.features.extract(samples)[np.newaxis]
    with h5py.File(DEFAULT_MODEL) as file:
        last = _last_layers(file["model_weights"], len(model_file.metadata.labels))
    assert answer.shape == (embedder.size,) == (sum(len(kernel) for kernel, _ in last),)
    parts = np.split(answer, len(last))
    means = [
        np.mean([_softmax(p @ k + b) for p, (k, b) in zip(parts, order, strict=True)], axis=0)
        for order in itertools.permutations(last)
    ]
    errors = [np.abs(mean - predictor.backend(x)[0]).max() for mean in means]
    assert min(errors) < 1e-4
    assert sorted(errors)[1] > 1e-3  # only one order of the members is the right one


def _last_layers(group: h5py.Group, n_labels: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return kernel and bias of each layer that has the labels as its outputs."""
    found = []

    def visit(name: str, item: object) -> None:
        if isinstance(item, h5py.Dataset) and item.ndim == 2 and item.shape[1] == n_labels:
            bias = item.parent[Path(name).name.replace("kernel", "bias")]
            found.append((item[()], bias[()]))

    group.visititems(visit)
    return found


def _softmax(x: np.ndarray) -> np.ndarray:
    powers = np.exp(x - x.max())
    return powers / powers.sum()


def test_a_network_without_a_dense_layer_at_its_end(tmp_path):
    conv = {"name": "c", "filters": 8, "kernel_size": [40], "batch_input_shape": [None, 40, 1]}
    layers = [
        {"class_name": "Conv1D", "config": conv},
        {"class_name": "Flatten", "config": {"name": "f"}},
        {"class_name": "Softmax", "config": {"name": "s"}},
    ]
    weights = {"c/kernel:0": np.ones((40, 1, 8)), "c/bias:0": np.zeros(8)}
    models.write_keras2(tmp_path / "m.h5", layers=layers, weights=weights)
    with pytest.raises(UsageError, match=r"m\.h5 does not end in a dense layer"):
        Embedder.from_file(tmp_path / "m.h5")


def test_what_has_no_embedding(classic, monkeypatch):
    path, _ = classic
    model_file = read_model_file(path)
    tree = ModelFile(Path("tree.skops"), model_file.metadata, "", None, model_file.features)
    with pytest.raises(UsageError, match=r"tree\.skops is no network"):
        Embedder(tree)
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    with pytest.raises(UsageError, match="need KERAS_BACKEND=openvino; it is set to tensorflow"):
        Embedder.from_file(path)


def test_it_imports_no_tensorflow(classic):
    code = f"""
import sys
import numpy as np
from pathlib import Path
from ser.inference.embeddings import Embedder
from ser.audio import Audio
noise = np.random.default_rng(0).standard_normal(22050).astype(np.float32)
assert Embedder.from_file(Path({str(classic[0])!r})).embed_audio(Audio(noise, rate=22050)).any()
assert not {{"tensorflow", "librosa", "sklearn", "scipy"}} & set(sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
