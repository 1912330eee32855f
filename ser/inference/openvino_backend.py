"""A Keras model as OpenVINO runs it: thread-safe, and to be handed to another process."""

import io
import os
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from ser.inference.memory import hide_optional_packages

_BATCH = 8  # windows scored at once: more take memory, and no less time each
_CORES = os.cpu_count() or 1
# Two cores to each: with one, a client waits longer, alone or with seven others.
_STREAMS = max(1, _CORES // 2)
# Keras's own OpenVINO `predict` infers in bf16 on processors that have it, and its one
# request is not thread-safe.
_SETTINGS = {
    "INFERENCE_PRECISION_HINT": "f32",
    "INFERENCE_NUM_THREADS": _CORES,
    "NUM_STREAMS": _STREAMS,
    "ENABLE_CPU_PINNING": False,
}
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


#: A graph for batches of any size and one for single windows, as `Core.import_model` takes them.
Exported = tuple[bytes, bytes]


class OpenVinoModel:
    """A `Scorer` that threads may share.

    It has one graph for batches of any size, and one for single windows: all that a short
    clip has, it takes a fifth less time with the batch fixed.
    """

    def __init__(self, several: "_Compiled", single: "_Compiled") -> None:
        self._several, self._single = several, single
        # Each request keeps what its largest batch took: no more of them than can run at once.
        self._slots = threading.BoundedSemaphore(_STREAMS)

    @classmethod
    def of_model(cls, model: Any, shape: tuple[int, ...]) -> "OpenVinoModel":
        """Compile a Keras model, whose features have this shape."""
        graph = openvino_graph(model, shape)
        several = _Compiled.of(graph)
        graph.reshape([1, *shape])
        single = _Compiled.of(graph)
        noise = np.random.default_rng(0).standard_normal((len(_SCALES), *shape))
        x = (noise * np.reshape(_SCALES, (-1, *(1 for _ in shape)))).astype(np.float32)
        # Where OpenVINO gets a fixed batch wrong (`openvino_graph`), the other takes its place.
        right = np.allclose(in_batches(single, x, 1), several(x), atol=_SAME)
        return cls(several, single if right else several)

    @classmethod
    def imported(cls, exported: Exported) -> "OpenVinoModel":
        """Take over what another process compiled; the answers are equal to the bit."""
        return cls(*map(_Compiled.imported, exported))

    def export(self) -> Exported:
        """Return what `imported` takes; not of one that was imported: OpenVINO gets it wrong."""
        return self._several.export(), self._single.export()

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Return the probabilities of each row."""
        return in_batches(self._score, x)

    def _score(self, x: np.ndarray) -> np.ndarray:
        with self._slots:
            return self._single(x) if len(x) == 1 else self._several(x)


class _Compiled:
    """A compiled graph as a function that threads may share, in float32."""

    def __init__(self, compiled: Any) -> None:
        self._compiled = compiled
        self._idle: list[Any] = []

    @classmethod
    def of(cls, graph: Any) -> "_Compiled":
        """Compile it, for all cores."""
        import openvino

        return cls(openvino.Core().compile_model(graph, "CPU", _SETTINGS))

    @classmethod
    def imported(cls, exported: bytes) -> "_Compiled":
        """Take over what `export` gave."""
        with hide_optional_packages():
            import openvino

            core = openvino.Core()
            return cls(core.import_model(io.BytesIO(exported), "CPU", _SETTINGS))

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
