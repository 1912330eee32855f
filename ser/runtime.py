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

from ser import estimators
from ser.budget import no_more_weights_than, refuse_large_layers
from ser.bundle import Bundle
from ser.errors import ModelFileError
from ser.graph import GraphScorer, Scorer, in_batches
from ser.lean import lean_imports

SERVING_BACKEND = "openvino"
PROBE_TOLERANCE = 1e-4


def build_graph(bundle: Bundle) -> GraphScorer:
    """Build the bundle's Keras model, with its weights, and compile it for OpenVINO.

    Raises:
        ModelFileError: it cannot be built, or does not fit its metadata.
    """
    if bundle.architecture is None:
        raise ValueError("a scikit-learn model has no graph")
    os.environ.setdefault("KERAS_BACKEND", SERVING_BACKEND)
    # Keras asks for TensorFlow when it copies a layer, as `Bidirectional` does; but when
    # it runs one, as `Rescaling`, it takes a hidden TensorFlow for one that is there.
    with lean_imports("tensorflow"):
        model = build_model(bundle, bundle.architecture)
    with lean_imports(), _refusing(bundle, f"{_engine(SERVING_BACKEND)} cannot run it"):
        return GraphScorer.of_model(model, bundle.features.shape)


def load_scorer(bundle: Bundle, build: Callable[[Bundle], GraphScorer] = build_graph) -> Scorer:
    """Build the bundle's model, with its weights, as a function that threads may share.

    Args:
        build: gives the graph of a Keras model where OpenVINO is the backend.

    Raises:
        ModelFileError: the model does not fit its metadata, or answers its probe wrongly, or
            not at all.
    """
    if bundle.architecture is None:
        engine = "this version of scikit-learn"
        with _refusing(bundle, f"{engine} cannot run it"):
            scorer: Scorer = _estimator_scorer(bundle)
            _verify(bundle, scorer, engine)
        return scorer
    backend = os.environ.setdefault("KERAS_BACKEND", SERVING_BACKEND)
    if backend == SERVING_BACKEND:
        scorer = build(bundle)
    else:
        scorer = keras_scorer(build_model(bundle, bundle.architecture))
    with _refusing(bundle, f"{_engine(backend)} cannot run it"):
        _verify(bundle, scorer, _engine(backend))
    return scorer


def _engine(backend: str) -> str:
    return f"this backend ({backend}; set KERAS_BACKEND to another)"


@contextmanager
def _refusing(bundle: Bundle, what: str) -> Iterator[None]:
    """Make one line of whatever is raised over a model file; libraries raise of every kind.

    Args:
        what: is wrong, where an error is not one of ours that says it.
    """
    try:
        yield
    except ModelFileError as error:
        raise ModelFileError(f"model file {bundle.path}: {error}") from error
    except Exception as error:
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise ModelFileError(f"model file {bundle.path}: {what}: {reason}") from error


def _estimator_scorer(bundle: Bundle) -> Scorer:
    model = estimators.load(bundle.path)
    meta, n_features = bundle.metadata, int(np.prod(bundle.features.shape))
    if getattr(model, "n_features_in_", n_features) != n_features:
        raise ModelFileError(
            f"it takes {model.n_features_in_} numbers, but feature set "
            f"{bundle.features.name!r} gives {n_features}"
        )
    estimators.refuse_other_labels(model, n_labels=len(meta.labels), values=meta.values)
    return partial(
        estimators.class_probabilities, model, n_labels=len(meta.labels), values=meta.values
    )


def build_model(bundle: Bundle, architecture: dict[str, Any]) -> Any:
    """Build the bundle's Keras model, with its weights.

    Raises:
        ModelFileError: it cannot be built, or does not fit its metadata.
    """
    # Not `keras.models.load_model`: for an .h5 it imports TensorFlow where it is installed.
    import keras

    features, n_labels = bundle.features, len(bundle.metadata.labels)
    with _refusing(bundle, "Keras cannot build it"):
        config = copy.deepcopy(architecture["config"])  # Keras takes it apart
        with no_more_weights_than(bundle.n_stored):
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
        refuse_large_layers(model, features.shape)
        model.load_weights(bundle.path)
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


def _verify(bundle: Bundle, scorer: Scorer, engine: str) -> None:
    """Warm the scorer up and see that it gives what the trained model gave."""
    probe = bundle.metadata.probe
    shape = bundle.features.shape
    x = np.asarray(probe["input"] if probe else np.zeros(shape), np.float32).reshape(1, *shape)
    for batch in (x, np.concatenate([x, x])):
        answer = scorer(batch)
        if not np.allclose(answer.sum(axis=1), 1, atol=1e-3):
            raise ModelFileError("its outputs are no probabilities")
        if probe and not np.allclose(answer, probe["probabilities"], atol=PROBE_TOLERANCE):
            raise ModelFileError(f"{engine} gives other probabilities than the trained model")
