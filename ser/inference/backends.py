"""Running a model file; thread-safe.

A Keras model runs on whichever backend the process has: ``KERAS_BACKEND`` chooses. Serving
defaults to OpenVINO, which needs a quarter of TensorFlow's memory. A scikit-learn model
needs no Keras.
"""

import copy
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np

from ser.errors import ModelFileError
from ser.inference.memory import hide_optional_packages
from ser.inference.openvino_backend import OpenVinoModel, Scorer, in_batches
from ser.models import sklearn_models
from ser.models.model_file import ModelFile

SERVING_BACKEND = "openvino"
PROBE_TOLERANCE = 1e-4


def build_openvino_model(model_file: ModelFile) -> OpenVinoModel:
    """Build the model_file's Keras model, with its weights, and compile it for OpenVINO.

    Raises:
        ModelFileError: it cannot be built, or does not fit its metadata.
    """
    if model_file.architecture is None:
        raise ValueError("a scikit-learn model has no graph")
    os.environ.setdefault("KERAS_BACKEND", SERVING_BACKEND)
    # Keras asks for TensorFlow when it copies a layer, as `Bidirectional` does; but when
    # it runs one, as `Rescaling`, it takes a hidden TensorFlow for one that is there.
    with hide_optional_packages("tensorflow"):
        model = build_model(model_file, model_file.architecture)
    with (
        hide_optional_packages(),
        _refusing(model_file, f"{_engine(SERVING_BACKEND)} cannot run it"),
    ):
        return OpenVinoModel.of_model(model, model_file.features.shape)


def load_backend(
    model_file: ModelFile, build: Callable[[ModelFile], OpenVinoModel] = build_openvino_model
) -> Scorer:
    """Build the model_file's model, with its weights, as a function that threads may share.

    Args:
        build: gives the graph of a Keras model where OpenVINO is the backend.

    Raises:
        ModelFileError: the model does not fit its metadata, or answers its probe wrongly, or
            not at all.
    """
    if model_file.architecture is None:
        engine = "this version of scikit-learn"
        with _refusing(model_file, f"{engine} cannot run it"):
            scorer: Scorer = _estimator_scorer(model_file)
            _verify(model_file, scorer, engine)
        return scorer
    backend = os.environ.setdefault("KERAS_BACKEND", SERVING_BACKEND)
    if backend == SERVING_BACKEND:
        scorer = build(model_file)
    else:
        scorer = keras_scorer(build_model(model_file, model_file.architecture))
    with _refusing(model_file, f"{_engine(backend)} cannot run it"):
        _verify(model_file, scorer, _engine(backend))
    return scorer


def _engine(backend: str) -> str:
    return f"this backend ({backend}; set KERAS_BACKEND to another)"


@contextmanager
def _refusing(model_file: ModelFile, what: str) -> Iterator[None]:
    """Make one line of whatever is raised over a model file; libraries raise of every kind.

    Args:
        what: is wrong, where an error is not one of ours that says it.
    """
    try:
        yield
    except ModelFileError as error:
        raise ModelFileError(f"model file {model_file.path}: {error}") from error
    except Exception as error:
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise ModelFileError(f"model file {model_file.path}: {what}: {reason}") from error


def _estimator_scorer(model_file: ModelFile) -> Scorer:
    model = sklearn_models.load(model_file.path)
    meta, n_features = model_file.metadata, int(np.prod(model_file.features.shape))
    if getattr(model, "n_features_in_", n_features) != n_features:
        raise ModelFileError(
            f"it takes {model.n_features_in_} numbers, but feature set "
            f"{model_file.features.name!r} gives {n_features}"
        )
    sklearn_models.check_labels(model, n_labels=len(meta.labels), values=meta.values)
    return partial(
        sklearn_models.class_probabilities, model, n_labels=len(meta.labels), values=meta.values
    )


def build_model(model_file: ModelFile, architecture: dict[str, Any]) -> Any:
    """Build the model_file's Keras model, with its weights.

    Raises:
        ModelFileError: it cannot be built, or does not fit its metadata.
    """
    # Not `keras.models.load_model`: for an .h5 it imports TensorFlow where it is installed.
    import keras

    features, n_labels = model_file.features, len(model_file.metadata.labels)
    with _refusing(model_file, "Keras cannot build it"):
        config = copy.deepcopy(architecture["config"])  # Keras takes it apart
        if architecture["class_name"] == "Sequential":
            model = keras.Sequential.from_config(_modern(config))
        else:
            model = keras.Model.from_config(config)
        if not _fits(model.input_shape[1:], features.shape):
            raise ModelFileError(
                f"it takes input {tuple(model.input_shape[1:])}, but feature set "
                f"{features.name!r} gives {features.shape}"
            )
        if tuple(model.output_shape[1:]) != (n_labels,):
            raise ModelFileError(f"{n_labels} labels, but output {model.output_shape[1:]}")
        model.load_weights(model_file.path)
    return model


def _fits(wanted: tuple[int | None, ...], shape: tuple[int, ...]) -> bool:
    """Say whether a model's input takes features of `shape`; None takes any length."""
    return len(wanted) == len(shape) and all(
        w in (None, n) for w, n in zip(wanted, shape, strict=True)
    )


def _modern(config: dict[str, Any] | list[Any]) -> dict[str, Any]:
    """Return the configuration of a Sequential of Keras 2 as Keras 3 takes it.

    Keras 2 says the input's shape in the first layer, as ``batch_input_shape``.
    """
    if isinstance(config, list):  # before Keras 2.2.3
        config = {"name": "model", "layers": config}
    first, *rest = config["layers"]
    if "batch_input_shape" not in first["config"]:
        return config
    own = dict(first["config"])
    source = {"batch_shape": own.pop("batch_input_shape"), "dtype": own.get("dtype", "float32")}
    layers = [] if first["class_name"] == "InputLayer" else [{**first, "config": own}]
    return {**config, "layers": [{"class_name": "InputLayer", "config": source}, *layers, *rest]}


def keras_scorer(model: Any) -> Scorer:
    """Return a Keras model of any backend as a function of arrays."""
    import keras

    def score(x: np.ndarray) -> np.ndarray:
        # A direct call: `predict` costs tens of milliseconds and leaks.
        return keras.ops.convert_to_numpy(model(x, training=False))

    return lambda x: in_batches(score, x)


def _verify(model_file: ModelFile, scorer: Scorer, engine: str) -> None:
    """Warm the scorer up and see that it gives what the trained model gave."""
    probe = model_file.metadata.probe
    shape = model_file.features.shape
    x = np.asarray(probe["input"] if probe else np.zeros(shape), np.float32).reshape(1, *shape)
    for batch in (x, np.concatenate([x, x])):
        answer = scorer(batch)
        if not np.allclose(answer.sum(axis=1), 1, atol=1e-3):
            raise ModelFileError("its outputs are no probabilities")
        if probe and not np.allclose(answer, probe["probabilities"], atol=PROBE_TOLERANCE):
            raise ModelFileError(f"{engine} gives other probabilities than the trained model")
