"""Running a model file; thread-safe.

A Keras model runs on whichever backend the process has: ``KERAS_BACKEND`` chooses. Serving
defaults to OpenVINO, which needs a quarter of TensorFlow's memory. A scikit-learn model
needs no Keras.
"""

import copy
import math
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np

from ser import estimators
from ser.bundle import Bundle
from ser.errors import ModelFileError
from ser.lean import lean_imports

SERVING_BACKEND = "openvino"
PROBE_TOLERANCE = 1e-4
MAX_OUTPUT = 4_000_000  # numbers that a layer may give for one window
_BATCH = 8  # windows scored at once: more take memory, and no less time each

#: features of shape (batch, *shape), float32, to probabilities of shape (batch, labels).
Scorer = Callable[[np.ndarray], np.ndarray]


def load_scorer(bundle: Bundle) -> Scorer:
    """Build the bundle's model, with its weights, as a function that threads may share.

    Raises:
        ModelFileError: the model does not fit its metadata, or answers its probe wrongly.
    """
    if bundle.architecture is None:
        scorer = _estimator_scorer(bundle)
        _verify(bundle, scorer, "this version of scikit-learn")
        return scorer
    os.environ.setdefault("KERAS_BACKEND", SERVING_BACKEND)
    backend = os.environ["KERAS_BACKEND"]
    if backend == "openvino":
        # Keras asks for TensorFlow when it copies a layer, as `Bidirectional` does; but when
        # it runs one, as `Rescaling`, it takes a hidden TensorFlow for one that is there.
        with lean_imports("tensorflow"):
            model = build_model(bundle, bundle.architecture)
        with lean_imports():
            scorer = _openvino_scorer(model, bundle.features.shape)
    else:
        scorer = keras_scorer(build_model(bundle, bundle.architecture))
    _verify(bundle, scorer, f"this backend ({backend}; set KERAS_BACKEND to another)")
    return lambda x: in_batches(scorer, x, _BATCH)


def in_batches(score: Scorer, x: np.ndarray, size: int) -> np.ndarray:
    """Return ``score(x)``, computed of at most `size` rows at a time."""
    starts = range(0, max(1, len(x)), size)
    return np.concatenate([score(x[start : start + size]) for start in starts])


def _estimator_scorer(bundle: Bundle) -> Scorer:
    try:
        model = estimators.load(bundle.path)
    except ModelFileError as error:
        raise ModelFileError(f"model file {bundle.path}: {error}") from error
    meta, n_features = bundle.metadata, int(np.prod(bundle.features.shape))
    if getattr(model, "n_features_in_", n_features) != n_features:
        raise ModelFileError(
            f"model file {bundle.path}: it takes {model.n_features_in_} numbers, but feature "
            f"set {bundle.features.name!r} gives {n_features}"
        )
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

    try:
        config = copy.deepcopy(architecture["config"])  # Keras takes it apart
        with _no_more_weights_than(bundle.n_stored):
            if architecture["class_name"] == "Sequential":
                model = keras.Sequential.from_config(_modern(config))
            else:
                model = keras.Model.from_config(config)
        _refuse_large_outputs(model)
        model.load_weights(bundle.path)
    except Exception as error:  # Keras raises of every kind for a broken file
        reason = str(error).partition("\n")[0]
        raise ModelFileError(
            f"model file {bundle.path}: Keras cannot build it: {reason}"
        ) from error
    n_labels = len(bundle.metadata.labels)
    if not _fits(model.input_shape[1:], bundle.features.shape):
        raise ModelFileError(
            f"model file {bundle.path}: it takes input {tuple(model.input_shape[1:])}, but "
            f"feature set {bundle.features.name!r} gives {bundle.features.shape}"
        )
    if tuple(model.output_shape[1:]) != (n_labels,):
        raise ModelFileError(
            f"model file {bundle.path}: {n_labels} labels, but output {model.output_shape[1:]}"
        )
    return model


@contextmanager
def _no_more_weights_than(stored: int) -> Iterator[None]:
    """Refuse a model whose layers ask for more weights than its file holds, before they get them.

    Every stock layer takes its weights from `add_weight`, at once and filled. Twice as many
    are given, for `Bidirectional` builds the layer that it copies, too.
    """
    import keras

    original = keras.Layer.add_weight
    left = 2 * stored

    def add_weight(layer: Any, *args: Any, **options: Any) -> Any:
        nonlocal left
        shape = options.get("shape", args[0] if args else None)
        left -= math.prod((shape,) if isinstance(shape, int) else shape or ())
        if left < 0:
            raise ModelFileError(f"its layers have more weights than the {stored} that it holds")
        return original(layer, *args, **options)

    keras.Layer.add_weight = add_weight
    try:
        yield
    finally:
        keras.Layer.add_weight = original


def _refuse_large_outputs(model: Any) -> None:
    """Refuse a model that would take gigabytes for a batch of windows."""
    for layer in model.layers:
        for node in layer._inbound_nodes:  # `layer.output` knows no layer that is used twice
            for tensor in node.output_tensors:
                if math.prod(n or 1 for n in tensor.shape) > MAX_OUTPUT:
                    raise ModelFileError(f"layer {layer.name!r} gives {tensor.shape}")
        if hasattr(layer, "layers"):
            _refuse_large_outputs(layer)


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

    return score


def openvino_graph(model: Any, shape: tuple[int, ...]) -> Any:
    """Return a Keras model as an OpenVINO graph of a batch of any size.

    The batch stays dynamic on purpose: with a fixed batch, OpenVINO 2025.4 to 2026.4 on x86
    get convolution + ReLU + pooling wrong. Keras has no public way to trace such a graph
    (`export` bakes a batch of 1 into `Flatten`).

    Args:
        shape: of the features.
    """
    import openvino
    from keras.src.backend.openvino.core import OpenVINOKerasTensor
    from openvino import opset13 as ops

    parameter = ops.parameter([-1, *shape], openvino.Type.f32)
    output = model(OpenVINOKerasTensor(parameter.output(0)), training=False)
    return openvino.Model([ops.result(output.output)], [parameter])


def _openvino_scorer(model: Any, shape: tuple[int, ...]) -> Scorer:
    """Compile the model's graph once, in float32.

    Keras's own OpenVINO `predict` infers in bf16 on processors that have it, and its one
    request is not thread-safe.
    """
    import openvino

    cores = os.cpu_count() or 1
    compiled = openvino.Core().compile_model(
        openvino_graph(model, shape),
        "CPU",
        # Requests of the server's threads run side by side, a core and a stream each: of one
        # stream they would wait for one another.
        {
            "INFERENCE_PRECISION_HINT": "f32",
            "INFERENCE_NUM_THREADS": cores,
            "NUM_STREAMS": cores,
            "ENABLE_CPU_PINNING": False,
        },
    )
    # Each request keeps what its largest batch took: no more of them than can run at once.
    slots = threading.BoundedSemaphore(cores)
    idle: list[Any] = []

    def score(x: np.ndarray) -> np.ndarray:
        with slots:
            request = idle.pop() if idle else compiled.create_infer_request()
            answer = request.infer(np.ascontiguousarray(x))[0].copy()
            idle.append(request)
        return answer

    return score


def _verify(bundle: Bundle, scorer: Scorer, engine: str) -> None:
    """Warm the scorer up and see that it gives what the trained model gave."""
    probe = bundle.metadata.probe
    shape = bundle.features.shape
    x = np.asarray(probe["input"] if probe else np.zeros(shape), np.float32).reshape(1, *shape)
    for batch in (x, np.concatenate([x, x])):
        answer = scorer(batch)
        if not np.allclose(answer.sum(axis=1), 1, atol=1e-3):
            raise ModelFileError(f"model file {bundle.path}: its outputs are no probabilities")
        if probe and not np.allclose(answer, probe["probabilities"], atol=PROBE_TOLERANCE):
            raise ModelFileError(
                f"model file {bundle.path}: {engine} gives other probabilities than the "
                "trained model"
            )
