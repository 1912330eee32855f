"""What bench.py measures of one server, over HTTP: start, latency, throughput, memory."""

import os
import sys
from collections.abc import Mapping, Sequence
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from _memory import Weighing, held
from _serving import Serving

ROOT = Path(__file__).resolve().parent.parent
CLIENTS = (1, 2, 4, 8, 16)
STARTS = 3
MIXED = 500

#: What was measured: name and unit to figure.
Rows = dict[str, float]


def server_rows(
    command: Sequence[Any],
    settings: Mapping[str, str],
    files: Mapping[str, bytes],
    n: int,
    *,
    mixed: int = MIXED,
    many: int = 0,
) -> Rows:
    """Start a server anew for each part, and measure it.

    Args:
        command: of Python, a script and its arguments.
        settings: environment variables on top of ours, from which the app's are taken out.
        files: as `_sounds.bodies` gives them.
        n: requests of each kind; half as many of a minute, at least two of ten minutes.
        mixed: requests of 8 clients that memory is measured under.
        many: further requests, after which it is measured again.
    """
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("SER_", "KERAS_"))}

    def serving() -> Serving:
        argv = [sys.executable, *map(str, command)]
        return Serving(argv, cwd=ROOT, environment={**environment, **settings})

    rows = {"cold start, s": median([_start(serving()) for _ in range(STARTS)])}
    with serving() as server:
        rows |= _latency(server, files, n) | _throughput(server, files["wav"], n)
    with serving() as server:
        rows |= _memory_mixed(server, files, mixed, many)
    with serving() as server:
        rows |= _memory_long(server, files)
    return rows


def _start(serving: Serving) -> float:
    with serving:
        return serving.start_s


def _latency(server: Serving, files: Mapping[str, bytes], n: int) -> Rows:
    server.ask([files["wav"]] * 3)
    rows = {"memory idle, MB": held(server.process.pid)}
    asked = [(kind, kind, n) for kind in ("wav", "mp3", "mp4")]
    asked += [("wav of 60 s", "60 s", max(2, n // 2)), ("wav of 600 s", "600 s", max(2, n // 40))]
    for name, kind, times in asked:
        milliseconds = [1e3 * s for s in server.ask([files[kind]] * times)[0]]
        rows[f"{name}, median, ms"] = median(milliseconds)
        if kind != "600 s":  # too few for that
            for percent in (95, 99):
                rows[f"{name}, {percent} %, ms"] = float(np.percentile(milliseconds, percent))
    return rows


def _throughput(server: Serving, data: bytes, n: int) -> Rows:
    rows = {}
    for clients in CLIENTS:
        times = max(2 * n, 2 * clients)
        rows[f"requests a second, {clients} clients"] = (
            times / server.ask([data] * times, clients=clients)[1]
        )
    return rows


def _memory_mixed(server: Serving, files: Mapping[str, bytes], mixed: int, many: int) -> Rows:
    kinds = ["wav"] * 6 + ["mp3", "mp4"] * 2
    each = [*(files[kind] for kind in kinds * 2), files["60 s"]]
    rows = {"memory at peak, mixed requests of 8 clients, MB": _peak(server, each, 8, mixed)}
    if many:
        server.ask([files["wav"]] * many, clients=8)
        rows[f"memory after {many:,} more, MB"] = held(server.process.pid)
    return rows


def _memory_long(server: Serving, files: Mapping[str, bytes]) -> Rows:
    """Measure the peak of ever more at once: one server, so none is below the one before."""
    return {
        "memory at peak, 60 s, MB": _peak(server, [files["60 s"]], 1, 4),
        "memory at peak, 600 s, MB": _peak(server, [files["600 s"]], 1, 2),
        "memory at peak, four of 600 s at once, MB": _peak(server, [files["600 s"]], 4, 4),
    }


def _peak(server: Serving, bodies: Sequence[bytes], clients: int, times: int) -> float:
    with Weighing(server.process.pid) as weighing:
        server.ask(islice(cycle(bodies), times), clients=clients)
    return weighing.peak
