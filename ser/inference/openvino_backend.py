"""A Keras model that OpenVINO runs; threads may share it, and other processes may import it.

This is the one module that uses a name private to Keras: `OpenVINOKerasTensor`, in `keras.src`.
Keras has no public way to trace a graph for batches of any size: `Model.export` fixes a batch of 1
in `Flatten`. `tests/inference/test_openvino_backend.py` fails when a new version of Keras moves
the name.
"""

import io
import os
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from ser.inference.memory import hide_optional_packages

_BATCH = 8  # windows at once; larger batches take more memory and are no faster
_NOISE_SCALES = (1, 10, 100)
_TOLERANCE = 1e-5

#: features of shape (batch, *shape), float32, to probabilities of shape (batch, labels)
Backend = Callable[[np.ndarray], np.ndarray]

#: Two compiled graphs, for batches of any size and for single windows, as OpenVINO exports them.
Exported = tuple[bytes, bytes]


def in_batches(run: Backend, x: np.ndarray, size: int = _BATCH) -> np.ndarray:
    """Return ``run(x)``, computed for at most `size` rows at a time."""
    starts = range(0, max(1, len(x)), size)
    return np.concatenate([run(x[start : start + size]) for start in starts])


def openvino_graph(model: Any, shape: tuple[int, ...]) -> Any:
    """Return a Keras model as an OpenVINO graph for batches of any size.

    Args:
        shape: of the features.
    """
    import openvino
    from keras.src.backend.openvino.core import OpenVINOKerasTensor
    from openvino import opset13 as ops

    parameter = ops.parameter([-1, *shape], openvino.Type.f32)
    output = model(OpenVINOKerasTensor(parameter.output(0)), training=False)
    return openvino.Model([ops.result(output.output)], [parameter])


def compile_graph(graph: Any, *, threads: int | None = None) -> Backend:
    """Return an OpenVINO graph for batches of any size as a function that threads may share.

    Args:
        threads: for inference; None takes all cores.
    """
    compiled = _CompiledGraph.compiled(graph, threads or os.cpu_count() or 1)
    return partial(in_batches, compiled)


class OpenVinoModel:
    """A `Backend` that threads may share.

    It has one graph for batches of any size and one for a single window. Most clips are a single
    window, and a graph with a fixed batch of 1 takes a fifth less time.
    """

    def __init__(self, several: "_CompiledGraph", single: "_CompiledGraph", threads: int) -> None:
        self._several, self._single = several, single
        # Each request keeps the memory of its largest batch, so there are only as many requests
        # as can run at once.
        self._slots = threading.BoundedSemaphore(_streams(threads))

    @classmethod
    def from_keras(
        cls, model: Any, shape: tuple[int, ...], *, threads: int | None = None
    ) -> "OpenVinoModel":
        """Compile a Keras model.

        Args:
            shape: of the features.
            threads: for inference; None takes all cores.
        """
        threads = threads or os.cpu_count() or 1
        graph = openvino_graph(model, shape)
        several = _CompiledGraph.compiled(graph, threads)
        graph.reshape([1, *shape])
        single = _CompiledGraph.compiled(graph, threads)
        # With a fixed batch, OpenVINO 2025.4 to 2026.4 on x86 computes convolution + ReLU +
        # pooling wrong. Such a model uses the graph for any batch size alone.
        noise = np.random.default_rng(0).standard_normal((len(_NOISE_SCALES), *shape))
        x = (noise * np.reshape(_NOISE_SCALES, (-1, *(1 for _ in shape)))).astype(np.float32)
        is_correct = np.allclose(in_batches(single, x, 1), several(x), atol=_TOLERANCE)
        return cls(several, single if is_correct else several, threads)

    @classmethod
    def imported(cls, exported: Exported, *, threads: int | None = None) -> "OpenVinoModel":
        """Import what `export` returned; the answers are equal to the bit.

        Args:
            threads: for inference; None takes all cores.
        """
        threads = threads or os.cpu_count() or 1
        several, single = (_CompiledGraph.imported(graph, threads) for graph in exported)
        return cls(several, single, threads)

    def export(self) -> Exported:
        """Return the compiled graphs.

        Not those of an imported model: OpenVINO exports an imported graph wrongly.
        """
        return self._several.export(), self._single.export()

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Return the probabilities of each row."""
        return in_batches(self._run, x)

    def _run(self, x: np.ndarray) -> np.ndarray:
        with self._slots:
            return self._single(x) if len(x) == 1 else self._several(x)


def _streams(threads: int) -> int:
    """Return how many inferences run at once: with two threads each, a lone client waits less."""
    return max(1, threads // 2)


def _settings(threads: int) -> dict[str, Any]:
    # Not Keras's own OpenVINO `predict`: it infers in bf16 on processors that have it, and its
    # one request is not thread-safe.
    return {
        "INFERENCE_PRECISION_HINT": "f32",
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": _streams(threads),
        "ENABLE_CPU_PINNING": False,
    }


class _CompiledGraph:
    """A compiled graph as a function that threads may share, in float32."""

    def __init__(self, compiled: Any) -> None:
        self._compiled = compiled
        self._idle: list[Any] = []

    @classmethod
    def compiled(cls, graph: Any, threads: int) -> "_CompiledGraph":
        """Compile a graph."""
        import openvino

        return cls(openvino.Core().compile_model(graph, "CPU", _settings(threads)))

    @classmethod
    def imported(cls, exported: bytes, threads: int) -> "_CompiledGraph":
        """Import what `export` returned."""
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
