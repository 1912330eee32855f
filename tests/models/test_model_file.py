"""Model files: what is served, what is refused, and that nothing in them is run."""

import json
import os
import subprocess
import sys
import zlib
from concurrent.futures import ThreadPoolExecutor

import h5py
import numpy as np
import pytest

from ser.audio.decode import load_audio
from ser.errors import ModelFileError
from ser.features import FEATURE_SETS
from ser.inference.backends import load_backend
from ser.inference.memory import hide_optional_packages
from ser.inference.openvino_backend import OpenVinoModel
from ser.inference.predictor import Predictor
from ser.labels import EMOTIONS
from ser.models.calibration import apply_temperature
from ser.models.model_file import add_scores, read_model_file
from ser.resources import DEFAULT_MODEL
from tests import make_models as models
from tests import synth
from tests.conftest import DATA, ROOT


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


def test_a_window_is_answered_alike_alone_and_among_others(predictor):
    """Of a batch that is fixed OpenVINO gets convolution + ReLU + pooling wrong."""
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
        scorer = OpenVinoModel.from_keras(pooling, shape)
    x = np.random.default_rng(3).standard_normal((6, *shape)).astype(np.float32)
    for score in (scorer, predictor.backend):
        alone = np.concatenate([score(row[np.newaxis]) for row in x])
        np.testing.assert_allclose(alone, score(x), atol=1e-5)
        assert alone.std(axis=0).max() > 1e-3  # or any two would be alike


def test_temperature_softens_without_changing_the_answer(tmp_path, inputs):
    plain, soft = tmp_path / "plain.h5", tmp_path / "soft.h5"
    models.write_keras2(plain, metadata=models.metadata())
    models.write_keras2(soft, metadata=models.metadata(temperature=2.0))
    p, q = (Predictor.from_file(path).probabilities(inputs) for path in (plain, soft))
    np.testing.assert_array_equal(p.argmax(axis=1), q.argmax(axis=1))
    assert (q.max(axis=1) < p.max(axis=1)).all()
    expected = np.sqrt(p) / np.sqrt(p).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(q, expected, atol=1e-9)


def _lambda_layers():
    layers = models.keras2_layers()
    layers.insert(
        1, {"class_name": "Lambda", "config": {"name": "lambda_1", "function": ["4wEAAAA=", None]}}
    )
    return layers


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


def _convolution(**changes):
    config = {"name": "c", "filters": 1, "kernel_size": [2], "use_bias": False}
    return {"class_name": "Conv1D", "config": config | changes}


def _any_length(*added):
    """Return layers for any number of steps, which the features give only when they come."""
    mean = {"class_name": "GlobalAveragePooling1D", "config": {"name": "mean"}}
    layers = [*added, mean, models.keras2_layers()[-1]]
    source = {"name": "in", "batch_input_shape": [None, None, 1]}
    return [{"class_name": "InputLayer", "config": source}, *layers]


def _features(**changes):
    classic = FEATURE_SETS["mfcc40-mean"].to_metadata()
    return models.metadata(features=classic | changes)


_GRU = {"name": "g", "units": 1, "return_sequences": True}
REFUSED = {
    "lambda": ({"layers": _lambda_layers()}, "holds code"),
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
                    "config": {"name": "t", "layer": _convolution(padding="same")},
                }
            )
        },
        r"holds code \('TimeDistributed'\), or a layer",
    ),
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


def test_other_forms_of_keras_2(tmp_path, inputs):
    """The shape in an `InputLayer` (TensorFlow 2), and a bare list of layers (Keras 2.2.2)."""
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


@pytest.mark.parametrize("name", REFUSED)
def test_refused(tmp_path, name):
    arguments, words = REFUSED[name]
    path = tmp_path / "model.h5"
    models.write_keras2(path, **arguments)
    with pytest.raises(ModelFileError, match=words) as caught:
        load_backend(read_model_file(path))
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


def test_input_that_is_not_the_features(tmp_path):
    path = tmp_path / "model.h5"
    models.write_keras2(path, layers=models.keras2_layers(shape=(41, 1)))
    with pytest.raises(ModelFileError, match=r"takes input \(41, 1\), but .* \(40, 1\)"):
        load_backend(read_model_file(path))


def test_not_hdf5_and_not_there(tmp_path):
    path = tmp_path / "model.h5"
    with pytest.raises(ModelFileError, match="does not exist"):
        read_model_file(path)
    path.write_bytes(b"PK\x03\x04 something else")
    with pytest.raises(ModelFileError, match="not an HDF5 file"):
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
        (_link, "link to elsewhere"),
        (_soft_link, "link to elsewhere"),
        (_external_data, "in another file"),
        (_virtual, "in another file"),
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


def test_deep_or_broken_configurations(tmp_path):
    path = tmp_path / "model.h5"
    for text in ("[" * 20_000, "{", "null", "[]", '{"class_name": []}'):
        models.write_keras2(path)
        with h5py.File(path, "r+") as file:
            file.attrs["model_config"] = text
        with pytest.raises(ModelFileError):
            load_backend(read_model_file(path))


def test_damaged_model_files_are_refused_with_one_line(tmp_path):
    """In a process of its own, which HDF5 may bring down: damage must not do that either."""
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


def test_weights_that_are_missing(tmp_path):
    path = tmp_path / "model.h5"
    models.write_keras2(path)
    with h5py.File(path, "r+") as file:
        del file["model_weights/dense_1/dense_1/bias:0"]
    with pytest.raises(ModelFileError, match="cannot build it"):
        load_backend(read_model_file(path))


def test_the_app_refuses_a_wrong_file_with_one_line_and_exit_2(tmp_path):
    path = tmp_path / "model.h5"
    # SearchResult before, and after, the port is open.
    for content in ("lambda", "label count", "probe of another shape"):
        models.write_keras2(path, **REFUSED[content][0])
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


def test_scores_are_added_to_the_model_file(tmp_path):
    path = tmp_path / "model.h5"
    models.write_keras2(path, metadata=models.metadata(recipe="mine"))
    figures = {"recipe": "mine", "protocol": "actors5", "uar": 0.4, "leaks": True}
    add_scores(path, figures)
    add_scores(path, {**figures, "protocol": "loso", "uar": 0.3})
    assert [s["uar"] for s in read_model_file(path).metadata.scores.values()] == [0.4, 0.3]
    assert read_model_file(path).metadata.temperature == 1
    add_scores(path, {**figures, "leaks": False, "temperature": 1.3, "uncertain_below": 0.4})
    meta = read_model_file(path).metadata
    assert (meta.temperature, meta.uncertain_below) == (1.3, 0.4)


def test_a_model_file_does_not_grow_by_what_was_written_over(tmp_path):
    path = tmp_path / "model.h5"
    models.write_keras2(path, metadata=models.metadata(recipe="mine"))
    figures = {"recipe": "mine", "protocol": "loso", "leaks": True, "notes": "n" * 100_000}
    add_scores(path, figures)
    with h5py.File(path) as file:
        before = {name: value[()] for name, value in _datasets(file)}
        attributes = dict(file.attrs)
    size = path.stat().st_size
    for _ in range(5):
        add_scores(path, figures)
    assert path.stat().st_size == size
    assert list(tmp_path.iterdir()) == [path]
    with h5py.File(path) as file:
        after = {name: value[()] for name, value in _datasets(file)}
        assert dict(file.attrs) == attributes
    assert before
    assert before.keys() == after.keys()
    for name, value in before.items():
        np.testing.assert_array_equal(after[name], value)


def _datasets(file):
    found = []
    file.visititems(
        lambda name, item: found.append((name, item)) if isinstance(item, h5py.Dataset) else None
    )
    return found


def test_scores_of_another_recipe_are_kept_beside(tmp_path):
    path = tmp_path / "model.h5"
    models.write_keras2(path, metadata=models.metadata(recipe="mine"))
    add_scores(path, {"recipe": "other", "protocol": "loso", "uar": 0.2, "leaks": False})
    meta = read_model_file(path).metadata
    assert not meta.scores
    assert meta.temperature == 1
    assert meta.comparisons["other"]["loso"]["uar"] == 0.2
    models.write_keras2(path)
    with pytest.raises(ModelFileError, match="of which recipe"):
        add_scores(path, {"recipe": "other"})


def test_eight_threads_get_the_answers_that_one_gets(predictor):
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


def test_served_probabilities_are_tensorflows(predictor, tmp_path):
    """The reference is plain Keras on TensorFlow, by its own loader, in its own process."""
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


def test_the_shipped_model():
    model_file = read_model_file(DEFAULT_MODEL)
    assert DEFAULT_MODEL.stat().st_size < 5_000_000
    assert model_file.metadata.corpora == {"ravdess": 1440, "tess": 1400}
    assert not model_file.metadata.scores["actors5"]["leaks"]
    assert model_file.metadata.scores["actors5"]["n"] == 1440
    card = (DEFAULT_MODEL.parent / "README.md").read_text()
    assert model_file.version in card


def test_a_bundle_is_built_as_often_as_wanted(tmp_path):
    path = tmp_path / "twice.h5"
    models.write_keras2(path, metadata=models.metadata())
    model_file = read_model_file(path)
    x = np.random.default_rng(0).standard_normal((3, 40, 1)).astype(np.float32)
    np.testing.assert_array_equal(load_backend(model_file)(x), load_backend(model_file)(x))
