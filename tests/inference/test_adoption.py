"""An adopted model answers as its network does, with the labels and the scaling that were told."""

import json
import subprocess
import sys
import zipfile

import h5py
import numpy as np
import pytest

from ser.audio import load_audio
from ser.errors import ModelFileError, UsageError
from ser.features import FEATURE_SETS
from ser.inference import Predictor
from ser.inference.adoption import Scaling, adopt
from ser.models import read_model_file
from tests import make_models as models
from tests import synth
from tests.conftest import run_training

#: Of the well-known project with 216 mean MFCCs.
TEN = tuple(
    f"{sex}_{emotion}"
    for sex in ("female", "male")
    for emotion in ("angry", "calm", "fearful", "happy", "sad")
)
ALPHABETICAL = ("angry", "calm", "disgust", "fear", "happy", "neutral", "sad", "surprise")
CLASSIC = FEATURE_SETS["mfcc40-mean"]


@pytest.fixture
def clip_path(tmp_path):
    path = tmp_path / "clip.wav"
    path.write_bytes(synth.wav(synth.voice(3.5)))
    return path


def _answer(features, weights, path, scaling=None) -> np.ndarray:
    """Return what the network answers for the features of a clip, in plain NumPy."""
    x = features.extract(load_audio(path, rate=features.sample_rate).samples)[np.newaxis]
    if scaling:
        x = (x - scaling.shift.reshape(x[0].shape)) / scaling.scale.reshape(x[0].shape)
    return models.forward(weights, x)[0]


def test_ten_classes_over_216_mean_mfccs(tmp_path, clip_path):
    features = FEATURE_SETS["mfcc216"]
    weights = models.classic_weights(10, n_features=216)
    layers = models.keras2_layers(10, shape=(216, 1))
    weights = models.write_keras2(tmp_path / "theirs.h5", layers=layers, weights=weights)
    with pytest.raises(ModelFileError, match=r"takes input \(216, 1\).*`ser adopt`"):
        Predictor.from_file(tmp_path / "theirs.h5")
    adopted = adopt(
        tmp_path / "theirs.h5", tmp_path / "ten.h5", labels=TEN, features=features, licence="MIT"
    )
    meta = adopted.metadata
    assert (meta.labels, meta.name, meta.licence) == (TEN, "ten", "MIT")
    assert meta.summary == "adopted from theirs.h5"
    assert not adopted.labels_assumed
    prediction = Predictor.from_file(tmp_path / "ten.h5").predict(clip_path)
    assert tuple(prediction.probabilities) == TEN
    expected = _answer(features, weights, clip_path)
    assert expected.max() - expected.min() > 0.05
    np.testing.assert_allclose(list(prediction.probabilities.values()), expected, atol=1e-5)
    assert prediction.arousal is not None


def test_alphabetical_labels_and_a_scaler(tmp_path, clip_path):
    rng = np.random.default_rng(3)
    scaling = Scaling(rng.normal(0, 100, 40), rng.uniform(5, 50, 40))
    weights = models.write_keras2(tmp_path / "theirs.h5", weights=models.classic_weights(seed=4))
    out = tmp_path / "deep" / "mine.h5"
    adopt(tmp_path / "theirs.h5", out, labels=ALPHABETICAL, features=CLASSIC, scaling=scaling)
    prediction = Predictor.from_file(out).predict(clip_path)
    expected = _answer(CLASSIC, weights, clip_path, scaling)
    assert np.abs(expected - _answer(CLASSIC, weights, clip_path)).max() > 0.02
    np.testing.assert_allclose(list(prediction.probabilities.values()), expected, atol=1e-5)
    assert prediction.emotion == ALPHABETICAL[expected.argmax()]
    assert sorted(path.name for path in out.parent.iterdir()) == ["mine.h5"]


def test_one_number_for_all_features(tmp_path, clip_path):
    scaling = Scaling(np.array([-20.0]), np.array([60.0]))
    weights = models.write_keras2(tmp_path / "a.h5")
    adopt(
        tmp_path / "a.h5", tmp_path / "b.h5",
        labels=ALPHABETICAL, features=CLASSIC, scaling=scaling,
    )  # fmt: skip
    answer = Predictor.from_file(tmp_path / "b.h5").predict(clip_path).probabilities
    x = CLASSIC.extract(load_audio(clip_path, rate=CLASSIC.sample_rate).samples)[np.newaxis]
    expected = models.forward(weights, (x + 20) / 60)[0]
    np.testing.assert_allclose(list(answer.values()), expected, atol=1e-5)


def test_the_copy_checks_that_its_backend_answers_the_same(tmp_path):
    models.write_keras2(tmp_path / "a.h5")
    adopt(tmp_path / "a.h5", tmp_path / "b.h5", labels=ALPHABETICAL, features=CLASSIC)
    with h5py.File(tmp_path / "b.h5", "r+") as file:
        bias = file["model_weights/dense_1/dense_1/bias:0"]
        bias[0] += 1
    with pytest.raises(ModelFileError, match="other probabilities"):
        Predictor.from_file(tmp_path / "b.h5")


def test_what_is_refused(tmp_path):
    models.write_keras2(tmp_path / "a.h5")
    models.write_keras2(tmp_path / "done.h5", metadata=models.metadata())
    models.write_keras2(tmp_path / "code.h5", layers=models.lambda_layers())
    for name, features, labels, error, words in (
        ("a.h5", CLASSIC, TEN, ModelFileError, r"10 labels, but output \(8,\)"),
        ("a.h5", FEATURE_SETS["mfcc216"], TEN, ModelFileError, r"takes input \(40, 1\), but"),
        ("done.h5", CLASSIC, ALPHABETICAL, UsageError, "is a model file already: .* neutral, calm"),
        ("code.h5", CLASSIC, ALPHABETICAL, ModelFileError, "holds code"),
        ("gone.h5", CLASSIC, ALPHABETICAL, ModelFileError, "does not exist"),
    ):
        with pytest.raises(error, match=words) as caught:
            adopt(tmp_path / name, tmp_path / "out.h5", labels=labels, features=features)
        assert name in str(caught.value)
        assert "\n" not in str(caught.value)
    with pytest.raises(UsageError, match="is the model itself"):
        adopt(tmp_path / "a.h5", tmp_path / "a.h5", labels=ALPHABETICAL, features=CLASSIC)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.h5", "code.h5", "done.h5"]


_TRAINED = """
import sys
import numpy as np
import keras
from keras import layers as L
folder = sys.argv[1]
keras.utils.set_random_seed(2)
source = keras.Input((1, 40))
x = L.BatchNormalization()(L.Bidirectional(L.LSTM(4, return_sequences=True))(source))
x = L.Dense(8, activation="softmax")(L.Flatten()(L.Concatenate()([x, source])))
functional = keras.Model(source, x)
sequential = keras.Sequential([keras.Input((40,)), L.Dense(8, activation="softmax")])
source = keras.Input((40,))
normal = [L.Normalization() for _ in range(3)]
inner = keras.Sequential([keras.Input((40,)), keras.Model(source, normal[0](source)), normal[1]])
nested = keras.Sequential([keras.Input((40,)), normal[2], inner, L.Dense(8, activation="softmax")])
x = np.load(f"{folder}/x.npy")
models = {"functional": functional, "sequential": sequential, "nested": nested}
for name, model in models.items():
    for variable in model.variables:
        noise = 0.1 * np.random.default_rng(1).standard_normal(variable.shape)
        variable.assign(1 + np.abs(noise) if "variance" in variable.path else noise)
    for layer in normal if model is nested else ():
        layer.finalize_state()
    model.compile("adam", "categorical_crossentropy")
    np.save(f"{folder}/{name}.npy", model(x.reshape(-1, *model.input_shape[1:])).numpy())
    model.save(f"{folder}/{name}.keras")
    model.save(f"{folder}/{name}.h5")
"""


@pytest.fixture(scope="module")
def of_keras_3(tmp_path_factory):
    """Return a folder with models of Keras 3, what they take, and what they answer."""
    folder = tmp_path_factory.mktemp("keras3")
    noise = np.random.default_rng(5).standard_normal((6, 40, 1))
    np.save(folder / "x.npy", (3 * noise).astype(np.float32))
    run_training(_TRAINED, folder)
    return folder


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.parametrize("name", ["functional", "sequential", "nested"])
def test_files_of_keras_3_with_another_shape(name, suffix, of_keras_3, tmp_path):
    x = np.load(of_keras_3 / "x.npy").astype(np.float64)
    shift, scale = np.linspace(-300, 100, 40), np.linspace(2, 30, 40)
    out = tmp_path / "out.h5"
    adopt(
        of_keras_3 / f"{name}{suffix}", out,
        labels=ALPHABETICAL, features=CLASSIC, scaling=Scaling(shift, scale),
    )  # fmt: skip
    unscaled = x * scale[:, np.newaxis] + shift[:, np.newaxis]
    answer = Predictor.from_file(out).probabilities(unscaled.astype(np.float32))
    expected = np.load(of_keras_3 / f"{name}.npy")
    assert expected.std(axis=0).max() > 1e-2
    np.testing.assert_allclose(answer, expected, atol=1e-5)


def test_a_keras_file_is_named_where_it_is_not_served(of_keras_3):
    with pytest.raises(ModelFileError, match=r"it is a \.keras file; `ser adopt` makes a model"):
        read_model_file(of_keras_3 / "functional.keras")


def test_a_keras_file_with_code_is_refused(of_keras_3, tmp_path):
    source = of_keras_3 / "sequential.keras"
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(tmp_path / "m.keras", "w") as new:
        for name in old.namelist():
            data = old.read(name)
            new.writestr(name, data.replace(b'"Dense"', b'"Lambda"') if ".json" in name else data)
    with pytest.raises(ModelFileError, match=r"m\.keras: it holds code \('Lambda'\)"):
        adopt(tmp_path / "m.keras", tmp_path / "o.h5", labels=ALPHABETICAL, features=CLASSIC)
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(tmp_path / "m.keras", "w") as new:
        new.writestr("config.json", old.read("config.json"))
        new.writestr("model.weights.h5", b"none")
    with pytest.raises(ModelFileError, match=r"m\.keras: Keras cannot read it"):
        adopt(tmp_path / "m.keras", tmp_path / "o.h5", labels=ALPHABETICAL, features=CLASSIC)


def test_adopting_imports_no_tensorflow(of_keras_3, tmp_path):
    code = f"""
import sys
from ser.cli.adopt import main
main([{str(of_keras_3 / "functional.keras")!r}, "--labels", {",".join(ALPHABETICAL)!r},
      "--features", "mfcc40-mean", "--out", {str(tmp_path / "o.h5")!r}])
assert not {{"tensorflow", "librosa", "sklearn"}} & set(sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{tmp_path / 'o.h5'}: angry, calm")


def test_a_file_without_metadata_says_that_its_labels_are_assumed(tmp_path, capsys, caplog):
    from app import create_app

    models.write_keras2(tmp_path / "bare.h5")
    app = create_app({"SER_MODEL": tmp_path / "bare.h5"})
    assert app.extensions["model"].wait(60)
    answer = app.test_client().get("/model").get_json()
    assert answer["labels_assumed"] is True
    assert answer["labels"][0] == "neutral"
    (record,) = (r for r in caplog.records if "are assumed" in r.getMessage())
    assert record.levelname == "WARNING"
    assert record.fields["labels_assumed"] is True
    assert json.dumps(record.fields)


def test_an_adopted_file_does_not(tmp_path, caplog):
    from app import create_app

    models.write_keras2(tmp_path / "bare.h5")
    adopt(tmp_path / "bare.h5", tmp_path / "m.h5", labels=ALPHABETICAL, features=CLASSIC)
    app = create_app({"SER_MODEL": tmp_path / "m.h5"})
    assert app.extensions["model"].wait(60)
    answer = app.test_client().get("/model").get_json()
    assert answer["labels_assumed"] is False
    assert answer["labels"] == list(ALPHABETICAL)
    assert not [r for r in caplog.records if "assumed" in r.getMessage()]
