"""A Keras model as OpenVINO runs it: thread-safe, and to be handed to another process."""

import io
import os
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from ser.lean import lean_imports

_BATCH = 8  # windows scored at once: more take memory, and no less time each
_CORES = os.cpu_count() or 1
# Two cores to each: with one, a client waits longer, alone or with seven others.
_STREAMS = max(1, _CORES // 2)
_SCALES = (1, 10, 100)  # of the noise that two graphs of one model must answer alike
_SAME = 1e-5

#: features of shape (batch, *shape), float32, to probabilities of shape (batch, labels).
Scorer = Callable[[np.ndarray], np.ndarray]


def in_batches(score: Scorer, x: np.ndarray, size: int = _BATCH) -> np.ndarray:
    """Return ``score(x)``, computed of at most `size` rows at a time."""
    starts = range(0, max(1, len(x)), size)
    return np.concatenate([score(x[start : start + size]) for start in starts])


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


class GraphScorer:
    """A `Scorer` that threads may share."""

    def __init__(self, model: Any, shape: tuple[int, ...]) -> None:
        """Compile a Keras model for batches of any size, and once more for single windows.

        One window, all that a short clip has, takes a fifth less time with the batch fixed.
        Where OpenVINO then gets the model wrong (`openvino_graph`), the first graph takes it,
        too.

        Args:
            shape: of the features.
        """
        import openvino

        core, graph = openvino.Core(), openvino_graph(model, shape)
        settings = _settings(_CORES, _STREAMS)
        self._several = _Compiled(core.compile_model(graph, "CPU", settings))
        graph.reshape([1, *shape])
        self._single = _Compiled(core.compile_model(graph, "CPU", settings))
        noise = np.random.default_rng(0).standard_normal((len(_SCALES), *shape))
        x = (noise * np.reshape(_SCALES, (-1, *(1 for _ in shape)))).astype(np.float32)
        if not np.allclose(in_batches(self._single, x, 1), self._several(x), atol=_SAME):
            self._single = self._several
        # Each request keeps what its largest batch took: no more of them than can run at once.
        self._slots = threading.BoundedSemaphore(_STREAMS)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Return the probabilities of each row."""
        return in_batches(self._score, x)

    def _score(self, x: np.ndarray) -> np.ndarray:
        with self._slots:
            return self._single(x) if len(x) == 1 else self._several(x)

    def export(self) -> bytes:
        """Return what scores single windows, for `imported` in another process."""
        return self._single.export()


def imported(exported: bytes) -> Scorer:
    """Return a scorer of single windows as `GraphScorer.export` gave it: the same to the bit.

    It runs on one core, needs no Keras, and is for one thread.
    """
    with lean_imports():
        import openvino

        graph = openvino.Core().import_model(io.BytesIO(exported), "CPU", _settings(1, 1))
    return _Compiled(graph)


def _settings(cores: int, streams: int) -> dict[str, Any]:
    # Keras's own OpenVINO `predict` infers in bf16 on processors that have it, and its one
    # request is not thread-safe.
    return {
        "INFERENCE_PRECISION_HINT": "f32",
        "INFERENCE_NUM_THREADS": cores,
        "NUM_STREAMS": streams,
        "ENABLE_CPU_PINNING": False,
    }


class _Compiled:
    """A compiled graph as a function that threads may share, in float32."""

    def __init__(self, compiled: Any) -> None:
        self._compiled = compiled
        self._idle: list[Any] = []

    def __call__(self, x: np.ndarray) -> np.ndarray:
        try:
            request = self._idle.pop()
        except IndexError:
            request = self._compiled.create_infer_request()
        answer: np.ndarray = request.infer(np.ascontiguousarray(x))[0].copy()
        self._idle.append(request)
        return answer

    def export(self) -> bytes:
        """Return the graph as `Core.import_model` takes it."""
        exported: io.BytesIO = self._compiled.export_model()
        return exported.getvalue()
