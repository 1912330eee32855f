"""A Keras model as OpenVINO runs it: thread-safe, and can be handed to another process.

This is the one module that uses a name private to Keras: `OpenVINOKerasTensor`. Keras has no public
way to trace a graph with an open batch size (`export` fixes a batch of 1 in `Flatten`).
`tests/inference/test_openvino_backend.py` says so when a new version of Keras moves it.
"""

import io
import os
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from ser.inference.memory import hide_optional_packages

_BATCH = 8  # windows scored at once: more take memory, and are no faster
_SCALES = (1, 10, 100)  # of the noise that two graphs of one model must answer alike
_SAME = 1e-5

#: features of shape (batch, *shape), float32, to probabilities of shape (batch, labels).
Scorer = Callable[[np.ndarray], np.ndarray]

#: The compiled graphs for batches of any size and for single windows, as OpenVINO imports them.
Exported = tuple[bytes, bytes]


def in_batches(score: Scorer, x: np.ndarray, size: int = _BATCH) -> np.ndarray:
    """Return ``score(x)``, computed for at most `size` rows at a time."""
    starts = range(0, max(1, len(x)), size)
    return np.concatenate([score(x[start : start + size]) for start in starts])


def openvino_graph(model: Any, shape: tuple[int, ...]) -> Any:
    """Return a Keras model as an OpenVINO graph for batches of any size.

    The batch stays open on purpose: with a fixed batch, OpenVINO 2025.4 to 2026.4 on x86 compute
    convolution + ReLU + pooling wrong.

    Args:
        shape: shape of the features.
    """
    import openvino
    from keras.src.backend.openvino.core import OpenVINOKerasTensor
    from openvino import opset13 as ops

    parameter = ops.parameter([-1, *shape], openvino.Type.f32)
    output = model(OpenVINOKerasTensor(parameter.output(0)), training=False)
    return openvino.Model([ops.result(output.output)], [parameter])


class OpenVinoModel:
    """A `Scorer` that threads may share.

    It has one graph for batches of any size, and one for single windows: that is all a short clip
    has, and with a fixed batch of 1 it takes a fifth less time.
    """

    def __init__(self, several: "_Compiled", single: "_Compiled", threads: int) -> None:
        self._several, self._single = several, single
        # A request keeps the memory of its largest batch: no more of them than can run at once.
        self._slots = threading.BoundedSemaphore(_streams(threads))

    @classmethod
    def of_model(cls, model: Any, shape: tuple[int, ...]) -> "OpenVinoModel":
        """Compile a Keras model for all cores.

        Args:
            shape: shape of the features.
        """
        threads = os.cpu_count() or 1
        graph = openvino_graph(model, shape)
        several = _Compiled.of(graph, threads)
        graph.reshape([1, *shape])
        single = _Compiled.of(graph, threads)
        noise = np.random.default_rng(0).standard_normal((len(_SCALES), *shape))
        x = (noise * np.reshape(_SCALES, (-1, *(1 for _ in shape)))).astype(np.float32)
        # Where OpenVINO computes a fixed batch wrong, the other graph takes its place.
        is_right = np.allclose(in_batches(single, x, 1), several(x), atol=_SAME)
        return cls(several, single if is_right else several, threads)

    @classmethod
    def imported(cls, exported: Exported, *, threads: int | None = None) -> "OpenVinoModel":
        """Take over what another process compiled; the answers are equal to the bit.

        Args:
            threads: for inference; None takes all cores.
        """
        threads = threads or os.cpu_count() or 1
        several, single = (_Compiled.imported(graph, threads) for graph in exported)
        return cls(several, single, threads)

    def export(self) -> Exported:
        """Return what `imported` takes; not of an imported model, which OpenVINO gets wrong."""
        return self._several.export(), self._single.export()

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Return the probabilities of each row."""
        return in_batches(self._score, x)

    def _score(self, x: np.ndarray) -> np.ndarray:
        with self._slots:
            return self._single(x) if len(x) == 1 else self._several(x)


def _streams(threads: int) -> int:
    """Return how many inferences run at once: two threads each, for a lone client's sake."""
    return max(1, threads // 2)


def _settings(threads: int) -> dict[str, Any]:
    # Keras's own OpenVINO `predict` infers in bf16 on processors that have it, and its one
    # request is not thread-safe.
    return {
        "INFERENCE_PRECISION_HINT": "f32",
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": _streams(threads),
        "ENABLE_CPU_PINNING": False,
    }


class _Compiled:
    """A compiled graph as a function that threads may share, in float32."""

    def __init__(self, compiled: Any) -> None:
        self._compiled = compiled
        self._idle: list[Any] = []

    @classmethod
    def of(cls, graph: Any, threads: int) -> "_Compiled":
        """Compile a graph."""
        import openvino

        return cls(openvino.Core().compile_model(graph, "CPU", _settings(threads)))

    @classmethod
    def imported(cls, exported: bytes, threads: int) -> "_Compiled":
        """Take over what `export` returned."""
        with hide_optional_packages():
            import openvino

            core = openvino.Core()
            return cls(core.import_model(io.BytesIO(exported), "CPU", _settings(threads)))

    def __call__(self, x: np.ndarray) -> np.ndarray:
        try:
            request = self._idle.pop()
        except IndexError:
            request = self._compiled.create_infer_request()
        answer: np.ndarray = request.infer(np.ascontiguousarray(x))[0].copy()
        self._idle.append(request)
        return answer

    def export(self) -> bytes:
        """Return the compiled graph."""
        exported: io.BytesIO = self._compiled.export_model()
        return exported.getvalue()
