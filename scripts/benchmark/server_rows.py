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

from benchmark.memory import Weighing, held, settled
from benchmark.serving import Serving

ROOT = Path(__file__).resolve().parents[2]
CLIENTS = (1, 2, 4, 8, 16)
STARTS = 3
ROUNDS = 5
MIXED = 500
_PARTS = {"60 s": 2, "600 s": 40}  # by which long files are asked for less often

#: What was measured: name and unit to figure.
Rows = dict[str, float]


@dataclass(frozen=True)
class Plan:
    """A server, and how much it is asked.

    Attributes:
        command: of Python, a script and its arguments.
        n: requests of each kind; half as many of a minute, at least two of ten minutes.
        together: requests of each number of clients, enough that beginning and end, when not
            all of them are there, count for little.
        settings: environment variables on top of ours, from which the app's are taken out.
        mixed: requests of 8 clients that memory is measured under.
        many: further requests, after which it is measured again.
        folder: of the checkout whose server it is.
        python: that runs it.
    """

    command: Sequence[Any]
    n: int
    together: int
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
    """Start a server anew for each part, and measure what does not depend on others.

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
    alone: Sequence[str] = ("wav", "mp3", "mp4", "60 s", "600 s"),
    together: Sequence[int] = CLIENTS,
    after_each: Callable[[str], None] = lambda _: None,
) -> dict[str, Rows]:
    """Have all servers run, ask one after the other, a few requests at a time, and time them.

    What is measured minutes apart cannot be compared: the speed of a machine that others
    use as well changes by a quarter.

    Args:
        files: as `sounds.bodies` gives them.
        alone: which of them one client asks for.
        together: how many clients ask for short ones at a time.
        after_each: called with what was asked for, once in each round.
    """
    rows: dict[str, Rows] = {name: {} for name in plans}
    with ExitStack() as stack:
        servers = {name: stack.enter_context(plan.start()) for name, plan in plans.items()}

        def ask(kind: str, clients: int, times: Mapping[str, int]) -> dict[str, _Asked]:
            asked = {name: _Asked() for name in plans}
            for turn in range(ROUNDS):
                for name, server in servers.items():
                    server.ask([files["wav"]] * 3)  # the caches are the others'
                    n = times[name] * (turn + 1) // ROUNDS - times[name] * turn // ROUNDS
                    asked[name].add(*server.ask([files[kind]] * n, clients=clients))
                after_each(f"{kind}, {clients} clients")
            return asked

        for kind in alone:
            part = _PARTS.get(kind, 1)
            times = {name: max(2, plan.n // part) for name, plan in plans.items()}
            for name, asked in ask(kind, 1, times).items():
                rows[name] |= _latency(kind, asked.seconds)
        for clients in together:
            times = {name: plan.together for name, plan in plans.items()}
            for name, asked in ask("wav", clients, times).items():
                rate = len(asked.seconds) / asked.together_s
                rows[name][f"requests a second, {clients} clients"] = rate
    return rows


@dataclass
class _Asked:
    """The seconds of each request, and those of all together."""

    seconds: list[float] = field(default_factory=list)
    together_s: float = 0

    def add(self, seconds: list[float], together_s: float) -> None:
        self.seconds += seconds
        self.together_s += together_s


def _start(serving: Serving) -> float:
    with serving:
        return serving.start_s


def _latency(kind: str, seconds: list[float]) -> Rows:
    name = f"wav of {kind}" if kind.endswith(" s") else kind
    rows = {f"{name}, median, ms": 1e3 * median(seconds)}
    if kind != "600 s":  # too few for that
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
