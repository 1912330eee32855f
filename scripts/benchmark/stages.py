"""The stages of an answer, measured in this process: no server can be faster than these."""

import functools
import io
import json
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack
from multiprocessing import get_context
from statistics import harmonic_mean, median
from typing import Any

import numpy as np
import soundfile

from ser.data.parallel import processes
from ser.inference.backends import build_keras_model
from ser.inference.memory import hide_optional_packages, limit_heaps
from ser.inference.openvino_backend import openvino_graph
from ser.inference.predictor import Predictor
from ser.models.model_file import ModelFile
from ser.resources import DEFAULT_MODEL

_TURNS, _LONG_TURNS = 50, 9
_MATRIX = 512
_TOGETHER_S = 2
_CORES = os.cpu_count() or 1


def milliseconds(call: Callable[[], Any], turns: int = _TURNS) -> float:
    """Return the median time of a call, after one call that is not timed."""
    call()
    times = []
    for _ in range(turns):
        began = time.perf_counter()
        call()
        times.append(time.perf_counter() - began)
    return 1e3 * median(times)


class Floor:
    """The stages without a server: on one core, and on all cores. It is a context manager.

    `measure` is called between the requests to a server, so that both can be compared.
    """

    def __init__(self, data: bytes) -> None:
        """Load the model here and in a process for each core.

        Args:
            data: a file that libsndfile reads.
        """
        limit_heaps()  # as the app does
        self._data = data
        self.predictor = _loaded()
        self._spent: dict[str, list[float]] = {}
        self._rates: dict[str, list[float]] = {}
        self._stack = ExitStack()

    def __enter__(self) -> "Floor":
        enter = self._stack.enter_context
        manager = enter(get_context("spawn").Manager())
        self._pools: dict[str, tuple[Executor, Any]] = {
            "threads": (enter(ThreadPoolExecutor(_CORES)), threading.Barrier(_CORES)),
            "processes": (enter(processes(_CORES)), manager.Barrier(_CORES)),
        }
        self._rate_in("processes")  # loads the model there
        self._time_stages()
        self._spent.clear()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def measure(self, asked: str) -> None:
        """Measure what is compared with the requests that were just sent."""
        if asked == "wav, 1 clients":
            self._time_stages()
        elif asked == "wav, 8 clients":
            rates = {"one by one, × cores": _CORES * _rate(self._data)}
            rates |= {f"in {kind} on all cores": self._rate_in(kind) for kind in self._pools}
            for how, rate in rates.items():
                self._rates.setdefault(how, []).append(rate)

    def _time_stages(self) -> None:
        _time_stages(self.predictor, self._data, self._spent, _TURNS)

    def _rate_in(self, kind: str) -> float:
        pool, together = self._pools[kind]
        asked = [pool.submit(_rate, self._data, together) for _ in range(together.parties)]
        return sum(one.result() for one in asked)

    def stages(self) -> dict[str, float]:
        """Return the median milliseconds of each stage."""
        return _medians(self._spent)

    def rates(self) -> dict[str, float]:
        """Return the answers a second of all cores, by the way of measuring.

        One thread or process per core mostly gives less than one core's rate times the number
        of cores: they share caches, memory and clock, and threads also the interpreter's lock.
        The harmonic mean fits rounds of as many requests each, as the server gets them.
        """
        return {how: harmonic_mean(rates) for how, rates in self._rates.items()}


def stages_of(predictor: Predictor, data: bytes) -> dict[str, float]:
    """Return the median milliseconds of each stage of the answer to a long file."""
    spent: dict[str, list[float]] = {}
    _time_stages(predictor, data, spent, _LONG_TURNS)
    return _medians(spent)


def _time_stages(
    predictor: Predictor, data: bytes, spent: dict[str, list[float]], turns: int
) -> None:
    """Time whole answers, not one stage many times: each stage finds the caches of a server."""

    def observe(stage: str, seconds: float) -> None:
        spent.setdefault(stage, []).append(1e3 * seconds)

    for _ in range(turns):
        began = time.perf_counter()
        json.dumps(predictor.predict(data, on_stage=observe).to_dict())
        observe("whole", time.perf_counter() - began)
    observe("file", milliseconds(lambda: soundfile.read(io.BytesIO(data), dtype="float32")) / 1e3)


def _medians(spent: dict[str, list[float]]) -> dict[str, float]:
    each = {stage: median(times) for stage, times in spent.items()}
    return {
        "decode": each["file"],
        "resample": each["decode"] - each["file"],
        "features": each["features"],
        "model": each["model"],
        "answer": each["whole"] - each["decode"] - each["features"] - each["model"],
    }


def _rate(data: bytes, together: Any = None) -> float:
    predictor, done = _loaded(), 0
    if together:
        together.wait()
    began = time.perf_counter()
    while time.perf_counter() < began + _TOGETHER_S:
        json.dumps(predictor.predict(data).to_dict())
        done += 1
    return done / (time.perf_counter() - began)


@functools.cache
def _loaded() -> Predictor:
    return Predictor.from_file(DEFAULT_MODEL)


def model_floor(model_file: ModelFile) -> tuple[float, float]:
    """Return a window's multiply-adds in millions, and their ms at this core's measured rate."""
    rng = np.random.default_rng(0)
    a, b = (rng.standard_normal((_MATRIX, _MATRIX), dtype=np.float32) for _ in range(2))
    each = milliseconds(lambda: a @ b) / _MATRIX**3
    count = multiply_adds(model_file)
    return count / 1e6, count * each


def multiply_adds(model_file: ModelFile) -> int:
    """Return the multiply-adds of a model for one window: convolutions, products, GRU, LSTM."""
    with hide_optional_packages():
        graph = openvino_graph(build_keras_model(model_file), model_file.features.shape)
    graph.reshape([1, *model_file.features.shape])
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
