"""Measure servers over HTTP: start, latency, throughput, memory."""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from scripts.benchmark.memory import Weighing, held, settled
from scripts.benchmark.serving import Serving

ROOT = Path(__file__).resolve().parents[2]
KINDS = ("wav", "mp3", "mp3 from a pipe", "opus", "m4a", "mp4", "60 s", "600 s")
CLIENTS = (1, 2, 4, 8, 16)
STARTS = 3
ROUNDS = 5
MIXED = 500
_RARER = {"60 s": 2, "600 s": 40}  # long files are sent so many times less often

#: What was measured: name and unit to figure.
Rows = dict[str, float]


@dataclass(frozen=True)
class Plan:
    """A server, and how many requests it gets.

    Attributes:
        command: a script and its arguments.
        n: requests of each kind for the latency; half as many of a minute, at least two of
            ten minutes.
        n_throughput: requests for each number of clients; so many that start and end, when
            not all clients are at work, hardly count.
        settings: environment variables on top of ours; the app's own settings are left out.
        mixed: requests of 8 clients while the peak of the memory is measured.
        many: requests after that, before the memory is measured again.
        folder: the checkout that the server is started in.
        python: the interpreter.
    """

    command: Sequence[Any]
    n: int
    n_throughput: int
    settings: Mapping[str, str] = field(default_factory=dict)
    mixed: int = MIXED
    many: int = 0
    folder: Path = ROOT
    python: str = sys.executable

    def start(self) -> Serving:
        """Start it; it is ready on return."""
        ours = ("SER_", "KERAS_", "WEB_")
        own = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
        argv = [self.python, *map(str, self.command)]
        return Serving(argv, cwd=self.folder, environment={**own, **self.settings})


def memory_and_start(plan: Plan, files: Mapping[str, bytes]) -> Rows:
    """Measure the start and the memory of a server, started anew for each part.

    Args:
        files: as `sounds.bodies` gives them.
    """
    rows = {"cold start, s": median([_start(plan.start()) for _ in range(STARTS)])}
    with plan.start() as server:
        server.ask([files["wav"]] * 3)
        rows["memory idle, MB"] = settled(server.process.pid)
        rows |= _memory_mixed(server, files, plan.mixed, plan.many)
    with plan.start() as server:
        rows |= _memory_long(server, files)
    return rows


def speed_in_turns(
    plans: Mapping[str, Plan],
    files: Mapping[str, bytes],
    *,
    kinds: Sequence[str] = KINDS,
    clients: Sequence[int] = CLIENTS,
    after_each: Callable[[str], None] = lambda _: None,
) -> dict[str, Rows]:
    """Start all servers, send each a few requests in turn, and time them.

    The turns make the servers comparable: on a machine that others use as well, the speed
    changes by a quarter within minutes.

    Args:
        files: as `sounds.bodies` gives them.
        kinds: of file, each sent by one client, to measure the latency.
        clients: numbers of clients that send short clips at once, to measure the throughput.
        after_each: called once in each round with its name, such as ``wav, 8 clients``.
    """
    rows: dict[str, Rows] = {name: {} for name in plans}
    with ExitStack() as stack:
        servers = {name: stack.enter_context(plan.start()) for name, plan in plans.items()}

        def ask(kind: str, together: int, times: Mapping[str, int]) -> dict[str, _Timed]:
            timed = {name: _Timed() for name in plans}
            for turn in range(ROUNDS):
                for name, server in servers.items():
                    # The other servers have filled the processor's caches.
                    server.ask([files["wav"]] * 3)
                    n = times[name] * (turn + 1) // ROUNDS - times[name] * turn // ROUNDS
                    timed[name].add(*server.ask([files[kind]] * n, clients=together))
                after_each(f"{kind}, {together} clients")
            return timed

        for kind in kinds:
            rarer = _RARER.get(kind, 1)
            times = {name: max(2, plan.n // rarer) for name, plan in plans.items()}
            for name, timed in ask(kind, 1, times).items():
                rows[name] |= _latency(kind, timed.seconds)
        for together in clients:
            times = {name: plan.n_throughput for name, plan in plans.items()}
            for name, timed in ask("wav", together, times).items():
                rate = len(timed.seconds) / timed.total_s
                rows[name][f"requests a second, {together} clients"] = rate
    return rows


@dataclass
class _Timed:
    """The seconds of each request, and of all of them from the first to the last."""

    seconds: list[float] = field(default_factory=list)
    total_s: float = 0

    def add(self, seconds: list[float], total_s: float) -> None:
        self.seconds += seconds
        self.total_s += total_s


def _start(serving: Serving) -> float:
    with serving:
        return serving.start_s


def _latency(kind: str, seconds: list[float]) -> Rows:
    name = f"wav of {kind}" if kind.endswith(" s") else kind
    rows = {f"{name}, median, ms": 1e3 * median(seconds)}
    if kind != "600 s":  # too few requests for a percentile
        for percent in (95, 99):
            rows[f"{name}, {percent} %, ms"] = 1e3 * float(np.percentile(seconds, percent))
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
    """Measure the peak of ever larger loads on one server."""
    return {
        "memory at peak, 60 s, MB": _peak(server, [files["60 s"]], 1, 4),
        "memory at peak, 600 s, MB": _peak(server, [files["600 s"]], 1, 2),
        "memory at peak, four of 600 s at once, MB": _peak(server, [files["600 s"]], 4, 4),
    }


def _peak(server: Serving, bodies: Sequence[bytes], clients: int, times: int) -> float:
    with Weighing(server.process.pid) as weighing:
        server.ask(islice(cycle(bodies), times), clients=clients)
    return weighing.peak
