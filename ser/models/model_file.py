"""The model file: a model together with its labels and its preprocessing.

It is a Keras model saved as ``.h5``, with `Metadata` as JSON in the root attribute `ATTRIBUTE`, or
a scikit-learn model saved as ``.skops``, with the same JSON in the file. An ``.h5`` without
metadata is served as the classic model: 40 mean MFCCs, eight emotions.
"""

import hashlib
import json
import math
import zipfile
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ser.errors import ModelFileError
from ser.features import FEATURE_SETS, FeatureSet
from ser.filenames import show_path
from ser.labels import EMOTIONS
from ser.models import keras2, sklearn_models
from ser.models.layer_allowlist import MAX_BYTES, check_arrays, check_layers

ATTRIBUTE = "ser"
CLASSIC_FEATURES = "mfcc40-mean"
#: Said of a file without metadata.
ASSUMED = (
    "it does not say its labels and features, so those of the classic model are assumed; "
    "`ser adopt` writes them into a copy"
)
_FORMAT = 1
# What h5py, JSON and our own types raise for a damaged or wrong file.
_MALFORMED = (
    OSError, RuntimeError, MemoryError, LookupError, TypeError, ValueError, AttributeError,
    ArithmeticError,
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Metadata:
    """What a model file says about its model.

    Attributes:
        labels: in the order of the model's outputs.
        values: for a regressor, the number that stands for each label.
        summary: what the model is, in one line.
        features: as `FeatureSet.to_metadata` returns it.
        temperature: of the calibrated softmax; 1 leaves the probabilities as they are.
        uncertain_below: a prediction with less confidence has the warning `uncertain`; 0 to 1.
        corpora: the number of training clips by corpus.
        scores: the results of evaluations, by protocol.
        comparisons: the results of other recipes, by recipe and protocol.
        versions: of the libraries that wrote the file.
        probe: an input, and the probabilities that the trained model gave for it. Loading checks
            that the backend gives the same.
    """

    name: str
    labels: tuple[str, ...]
    features: dict[str, Any]
    values: tuple[float, ...] = ()
    temperature: float = 1.0
    uncertain_below: float = 0.0
    recipe: str = ""
    summary: str = ""
    corpora: dict[str, int] = field(default_factory=dict)
    split: str = ""
    scores: dict[str, Any] = field(default_factory=dict)
    comparisons: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    licence: str = ""
    probe: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ModelFile:
    """A model file that passed every check that needs no Keras.

    Attributes:
        version: the first 12 characters of the file's SHA-256.
        labels_assumed: whether the file says nothing of its labels and features, so that those of
            the classic model are assumed.
        architecture: the Keras configuration of the model, in the form of Keras 3, allowed layers
            only; None for a scikit-learn model.
    """

    path: Path
    metadata: Metadata
    version: str
    architecture: dict[str, Any] | None
    features: FeatureSet
    labels_assumed: bool = False


def read_model_file(path: Path) -> ModelFile:
    """Read and check a model file, which is untrusted input; nothing in it is run.

    Raises:
        ModelFileError: it cannot be served; the message says why in one line.
    """
    if not path.is_file():
        raise ModelFileError(f"model file {path} does not exist")
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ModelFileError(f"it is larger than {MAX_BYTES // 2**20} MB")
        version = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
        read = _read_skops if zipfile.is_zipfile(path) else _read_hdf5
        architecture, stored = read(path)
        checked = _checked(path, version, architecture, _metadata(show_path(path.stem), stored))
        return replace(checked, labels_assumed=stored is None)
    except ModelFileError as error:
        raise ModelFileError(f"model file {path}: {error}") from error
    except _MALFORMED as error:
        raise ModelFileError(f"model file {path} is malformed: {error!r}") from error


def _read_hdf5(path: Path) -> tuple[dict[str, Any], str | bytes | None]:
    """Return the architecture and the stored metadata of a Keras model."""
    if not h5py.is_hdf5(path):
        raise ModelFileError("it is not an HDF5 file and not a .skops file")
    with h5py.File(path, "r") as file:
        names = ("model_config", "keras_version", ATTRIBUTE)
        config, version, stored = (_text_attribute(file, name) for name in names)
        check_arrays(file)
    if config is None:
        raise ModelFileError("it holds no Keras model (weights alone are not enough)")
    architecture = json.loads(config)
    if keras2.is_keras2(version):
        architecture = keras2.as_keras3(architecture)
    check_layers(architecture)
    return architecture, stored


def _text_attribute(file: h5py.File, name: str) -> str | bytes | None:
    """Return an attribute; HDF5 crashes if it reads one of a damaged type."""
    if name not in file.attrs:
        return None
    attribute = file.attrs.get_id(name)
    if attribute.shape != () or not isinstance(attribute.get_type(), h5py.h5t.TypeStringID):
        raise ModelFileError(f"its attribute {name!r} is no text")
    text: str | bytes = file.attrs[name]
    return text


def _read_skops(path: Path) -> tuple[None, str]:
    """Return no architecture, and the stored metadata of a scikit-learn model."""
    sklearn_models.check_size(path)
    stored = sklearn_models.read_metadata(path)
    if stored is None and is_keras_archive(path):
        raise ModelFileError("it is a .keras file; `ser adopt` makes a model file of it")
    if stored is None:
        raise ModelFileError("it is a zip file without the metadata of a model file")
    sklearn_models.check_trusted(path)
    return None, stored


def is_keras_archive(path: Path) -> bool:
    """Return whether a file is a ``.keras`` file, by its content."""
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as file:
        return {"config.json", "model.weights.h5"} <= set(file.namelist())


def write_metadata(path: Path, metadata: Metadata) -> None:
    """Write `metadata` into the ``.h5`` or ``.skops`` file at `path`, in place of its own."""
    data = {"format": _FORMAT} | asdict(metadata)
    if zipfile.is_zipfile(path):
        sklearn_models.write_metadata(path, data)
        return
    # A new file, because HDF5 does not free the space of an attribute that is replaced.
    partial = path.with_name(f".{path.stem}.metadata.h5")
    with h5py.File(path, "r") as old, h5py.File(partial, "w") as new:
        for name in old:
            old.copy(name, new)
        new.attrs.update({**old.attrs, ATTRIBUTE: json.dumps(data)})
    partial.replace(path)


def add_scores(path: Path, scores: dict[str, Any]) -> None:
    """Add the results of an evaluation to the model file at `path`.

    Results of another recipe than the model's are added to its comparisons.

    A model that was trained on all clips has none left to fit its temperature and its threshold
    on. It takes those of the first evaluation on held-out speakers: medians over the splits, each
    fitted on the validation speakers.

    Args:
        scores: as `Evaluation.summary` returns them.

    Raises:
        ModelFileError: the file does not say its recipe, or cannot be read.
    """
    metadata = read_model_file(path).metadata
    if not metadata.recipe:
        raise ModelFileError(f"model file {path} does not name its recipe")
    recipe, added = scores["recipe"], {scores["protocol"]: scores}
    fields: dict[str, Any]
    if recipe != metadata.recipe:
        of_recipe = metadata.comparisons.get(recipe, {}) | added
        fields = {"comparisons": metadata.comparisons | {recipe: of_recipe}}
    else:
        fields = {"scores": metadata.scores | added}
        # Of corpora that were left out: they say most about people that are strangers to the model.
        is_better = scores.get("left_out_calibration")
        if is_better or (metadata.temperature == 1 and not scores["leaks"]):
            fields |= {key: scores[key] for key in ("temperature", "uncertain_below")}
    write_metadata(path, replace(metadata, **fields))


def _checked(
    path: Path, version: str, architecture: dict[str, Any] | None, metadata: Metadata
) -> ModelFile:
    """Return the model file, after a check of its metadata."""
    name = metadata.features["name"]
    if name not in FEATURE_SETS:
        raise ModelFileError(f"unknown feature set {name!r}; known: {', '.join(FEATURE_SETS)}")
    features = FEATURE_SETS[name].with_metadata(metadata.features)
    labels = metadata.labels
    if not labels or len(set(labels)) != len(labels) or not all(type(x) is str for x in labels):
        raise ModelFileError("its labels must be distinct names")
    if metadata.values and len(metadata.values) != len(metadata.labels):
        raise ModelFileError(f"{len(metadata.values)} values for {len(metadata.labels)} labels")
    if not 0 < metadata.temperature < math.inf:
        raise ModelFileError(f"temperature {metadata.temperature} is not positive")
    if not 0 <= metadata.uncertain_below <= 1:
        raise ModelFileError(f"uncertain_below {metadata.uncertain_below} is not from 0 to 1")
    return ModelFile(path, metadata, version, architecture, features)


def _metadata(stem: str, stored: str | bytes | None) -> Metadata:
    if stored is None:
        classic = FEATURE_SETS[CLASSIC_FEATURES].to_metadata()
        return Metadata(name=stem, labels=EMOTIONS, features=classic)
    data = json.loads(stored)
    if (version := data.pop("format", None)) != _FORMAT:
        raise ModelFileError(f"its format is {version!r}; this version reads format {_FORMAT}")
    tuples = {name: tuple(data[name]) for name in ("labels", "values") if name in data}
    return Metadata(**data | tuples)


def make_probe(x: np.ndarray, probabilities: np.ndarray) -> dict[str, Any]:
    """Return the `Metadata.probe` of an input and the model's probabilities for it.

    Args:
        x: features, shape (1, *feature shape).
        probabilities: shape (1, labels).
    """
    return {"input": x[0].tolist(), "probabilities": probabilities[0].tolist()}
