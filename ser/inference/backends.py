"""Load the model of a model file, as a function that threads may share.

Keras runs a model on TensorFlow, OpenVINO or another library; ``KERAS_BACKEND`` names it. Serving
uses OpenVINO, which takes a quarter of TensorFlow's memory. A scikit-learn model needs no Keras.
"""

import copy
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ser.errors import ModelFileError
from ser.inference.memory import hide_optional_packages
from ser.inference.openvino_backend import Backend, OpenVinoModel, in_batches
from ser.models import ModelFile, keras2, sklearn_models
from ser.models.model_file import ASSUMED

SERVING_LIBRARY = "openvino"
PROBE_TOLERANCE = 1e-4


def build_openvino_model(model_file: ModelFile, *, threads: int | None = None) -> OpenVinoModel:
    """Build the Keras model of a model file, with its weights, and compile it for OpenVINO.

    Args:
        threads: for inference; None takes all cores.

    Raises:
        ModelFileError: it cannot be built, or does not fit its metadata.
    """
    os.environ.setdefault("KERAS_BACKEND", SERVING_LIBRARY)
    # Without TensorFlow here: Keras asks for it when it copies a layer, as in `Bidirectional`.
    with hide_optional_packages("tensorflow"):
        model = build_keras_model(model_file)
    # With it there: a hidden TensorFlow breaks Keras when it runs a layer such as `Rescaling`.
    with hide_optional_packages(), one_line(model_file.path, _cannot_run(SERVING_LIBRARY)):
        return OpenVinoModel.from_keras(model, model_file.features.shape, threads=threads)


def load_backend(
    model_file: ModelFile, build: Callable[[ModelFile], OpenVinoModel] = build_openvino_model
) -> Backend:
    """Build the model of a model file, with its weights, and check that it answers correctly.

    Args:
        build: builds a Keras model where OpenVINO runs it.

    Raises:
        ModelFileError: the model does not fit its metadata, does not answer, or gives other
            probabilities for its probe than when it was trained.
    """
    if model_file.architecture is None:
        library = "this version of scikit-learn"
        with one_line(model_file.path, f"{library} cannot run it"):
            backend = _sklearn_backend(model_file)
            _check_answers(model_file, backend, library)
        return backend
    library = os.environ.setdefault("KERAS_BACKEND", SERVING_LIBRARY)
    if library == SERVING_LIBRARY:
        backend = build(model_file)
    else:
        backend = _keras_backend(build_keras_model(model_file))
    with one_line(model_file.path, _cannot_run(library)):
        _check_answers(model_file, backend, _describe(library))
    return backend


def _describe(library: str) -> str:
    return f"this backend ({library}; set KERAS_BACKEND to another)"


def _cannot_run(library: str) -> str:
    return f"{_describe(library)} cannot run it"


@contextmanager
def one_line(path: Path, summary: str) -> Iterator[None]:
    """Turn any error about a model file into a `ModelFileError` of one line.

    Libraries raise errors of every type for a wrong file.

    Args:
        path: of the model file.
        summary: what failed; `ModelFileError`s say it themselves.
    """
    try:
        yield
    except ModelFileError as error:
        raise ModelFileError(f"model file {path}: {error}") from error
    except Exception as error:
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise ModelFileError(f"model file {path}: {summary}: {reason}") from error


def _sklearn_backend(model_file: ModelFile) -> Backend:
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


def _keras_backend(model: Any) -> Backend:
    import keras

    def run(x: np.ndarray) -> np.ndarray:
        # A direct call: `predict` costs tens of milliseconds and leaks memory.
        return keras.ops.convert_to_numpy(model(x, training=False))

    return partial(in_batches, run)


def build_keras_model(model_file: ModelFile) -> Any:
    """Build the Keras model of a model file, with its weights.

    Raises:
        ModelFileError: it cannot be built, or does not fit its metadata.
    """
    if model_file.architecture is None:
        raise ValueError("a scikit-learn model has no Keras layers")
    features, n_labels = model_file.features, len(model_file.metadata.labels)
    hint = f"; {ASSUMED}" if model_file.labels_assumed else ""
    with one_line(model_file.path, "Keras cannot build it"):
        model = keras_model_of(model_file.architecture)
        if not _fits(model.input_shape[1:], features.shape):
            raise ModelFileError(
                f"it takes input {tuple(model.input_shape[1:])}, but feature set "
                f"{features.name!r} gives {features.shape}{hint}"
            )
        if tuple(model.output_shape[1:]) != (n_labels,):
            raise ModelFileError(f"{n_labels} labels, but output {model.output_shape[1:]}{hint}")
        model.load_weights(model_file.path)
        _finalize(model)
    return model


def _finalize(model: Any) -> None:
    """Make the layers within models use their weights; Keras does it for the outer layers alone.

    A `Normalization` computes with copies of its mean and variance.
    """
    for layer in model.layers:
        if hasattr(layer, "layers"):
            _finalize(layer)
        elif hasattr(layer, "finalize_state"):
            layer.finalize_state()


def keras_model_of(architecture: dict[str, Any]) -> Any:
    """Return the Keras model of a checked configuration, without its weights."""
    # Not `keras.models.load_model`: for an .h5 it imports TensorFlow where it is installed.
    import keras

    keras2.register_hard_sigmoid()
    kind = keras.Sequential if architecture["class_name"] == "Sequential" else keras.Model
    return kind.from_config(copy.deepcopy(architecture["config"]))  # Keras changes it


def _fits(wanted: tuple[int | None, ...], shape: tuple[int, ...]) -> bool:
    """Return whether a model's input takes features of `shape`; None takes any length."""
    return len(wanted) == len(shape) and all(
        w in (None, n) for w, n in zip(wanted, shape, strict=True)
    )


def _check_answers(model_file: ModelFile, backend: Backend, library: str) -> None:
    """Check that a backend gives probabilities, and for the probe those of the trained model.

    The first answers also compile what the library compiles late.
    """
    probe = model_file.metadata.probe
    shape = model_file.features.shape
    x = np.asarray(probe["input"] if probe else np.zeros(shape), np.float32).reshape(1, *shape)
    for batch in (x, np.concatenate([x, x])):
        answer = backend(batch)
        if not np.allclose(answer.sum(axis=1), 1, atol=1e-3):
            raise ModelFileError("its outputs are not probabilities")
        if probe and not np.allclose(answer, probe["probabilities"], atol=PROBE_TOLERANCE):
            raise ModelFileError(f"{library} gives other probabilities than the trained model")
