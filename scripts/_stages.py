"""The stages of an answer in this process, one after the other: the floor of any server."""

import io
import json
import os
import time
from collections.abc import Callable
from multiprocessing import get_context
from statistics import median
from typing import Any

import numpy as np
import soundfile

from ser.bundle import DEFAULT_MODEL, Bundle
from ser.jobs import processes
from ser.lean import lean_imports
from ser.predictor import Predictor
from ser.runtime import build_model, openvino_graph

_TURNS = 100
_MATRIX = 512
_TOGETHER_S = 5


def milliseconds(call: Callable[[], Any], turns: int = _TURNS) -> float:
    """Return the median time of a call, once it has been called."""
    call()
    times = []
    for _ in range(turns):
        began = time.perf_counter()
        call()
        times.append(time.perf_counter() - began)
    return 1e3 * median(times)


def stages(predictor: Predictor, data: bytes) -> dict[str, float]:
    """Return the milliseconds of each stage for a file that libsndfile reads.

    In one pass after the other: a stage finds the caches as the stage before left them.
    """
    spent: dict[str, list[float]] = {}

    def observe(stage: str, seconds: float) -> None:
        spent.setdefault(stage, []).append(1e3 * seconds)

    for _ in range(1 + _TURNS):
        began = time.perf_counter()
        json.dumps(predictor.predict(data, observe=observe).to_dict())
        observe("whole", time.perf_counter() - began)
    each = {stage: median(times[1:]) for stage, times in spent.items()}
    decode = milliseconds(lambda: soundfile.read(io.BytesIO(data), dtype="float32"))
    return {
        "decode": decode,
        "resample": each["decode"] - decode,
        "features": each["features"],
        "model": each["model"],
        "answer": each["whole"] - each["decode"] - each["features"] - each["model"],
    }


def rate_on_all_cores(data: bytes) -> float:
    """Return how often a second the stages run in as many processes as there are cores.

    Less than so many times one core's rate: they share caches, memory and clock.
    """
    n = os.cpu_count() or 1
    with processes(n) as pool, get_context("spawn").Manager() as manager:
        start = manager.Barrier(n)
        return sum(one.result() for one in [pool.submit(_rate, data, start) for _ in range(n)])


def _rate(data: bytes, start: Any) -> float:
    predictor, done = Predictor.from_file(DEFAULT_MODEL), 0
    start.wait()
    began = time.perf_counter()
    while time.perf_counter() < began + _TOGETHER_S:
        json.dumps(predictor.predict(data).to_dict())
        done += 1
    return done / (time.perf_counter() - began)


def model_floor(bundle: Bundle) -> tuple[float, float]:
    """Return a window's multiply-adds in millions, and their ms at this core's measured rate."""
    rng = np.random.default_rng(0)
    a, b = (rng.standard_normal((_MATRIX, _MATRIX), dtype=np.float32) for _ in range(2))
    each = milliseconds(lambda: a @ b) / _MATRIX**3
    count = multiply_adds(bundle)
    return count / 1e6, count * each


def multiply_adds(bundle: Bundle) -> int:
    """Return the multiply-adds of a model for one window: convolutions, products, GRU, LSTM."""
    with lean_imports():
        graph = openvino_graph(build_model(bundle, bundle.architecture), bundle.features.shape)
    graph.reshape([1, *bundle.features.shape])
    total = 0
    for node in graph.get_ordered_ops():
        kind = node.get_type_name()
        if kind in ("Convolution", "MatMul"):
            weights, out = node.input(1).get_shape(), node.output(0).get_shape()
            per_output = (
                np.prod(weights[1:])
                if kind == "Convolution"
                else weights[-1 if node.get_attributes()["transpose_b"] else -2]
            )
            total += int(np.prod(out) * per_output)
        elif kind in ("GRUSequence", "LSTMSequence"):
            steps = node.input(0).get_shape()[1]
            matrices = [s for s in (i.get_shape() for i in node.inputs()) if len(s) == 3][-2:]
            total += int(steps * sum(np.prod(shape) for shape in matrices))
    return total
