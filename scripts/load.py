"""Put the app under load and print the figures of docs/reliability.md."""

import argparse
import random
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np

from ser.cli import run
from ser.cli.options import note
from ser.web.settings import Settings
from tests import load, synth
from tests.exchange import SMALL, WAV, Request
from tests.server import Server


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="which loads")
    parser.add_argument("--seconds", type=float, default=60, help="how long each load lasts")
    parser.add_argument("--clients", type=int, default=64, help="clients that ask at once")
    parser.add_argument("--uploads", type=int, default=50, help="slow uploads, a byte a second")
    parser.add_argument("--stops", type=int, default=200, help="how often the app is stopped")
    parser.add_argument("--seed", type=int, default=0, help="of the moments of the stops")
    options = parser.parse_args()
    failed = False
    for name in options.only:
        note(f"{name} …")
        good, text = PARTS[name](options)
        print(f"{name}: {text}", flush=True)
        failed |= not good
    return 1 if failed else 0


def _mixed(options: argparse.Namespace) -> tuple[bool, str]:
    server = Server(**SMALL).wait_ready()
    try:
        before = load.answers(server.port)
        how = {"clients": options.clients, "requests": load.all_requests()}
        load.mixed(server, seconds=options.seconds / 2, **how)  # until its memory has grown
        seen = load.mixed(server, seconds=options.seconds, **how)
        same = load.answers(server.port) == before
    finally:
        status = server.stop()
    good = same and not seen.wrong and status == 0
    return good, "\n".join(
        [
            f"{options.clients} clients, {options.seconds:g} s, {seen.answers.total()} answers",
            f"  unexpected: {len(seen.wrong)} {seen.wrong[:5]}",
            f"  {_counts(seen.answers)}",
            f"  predictions: {_times(seen.seconds)}",
            f"  /health and /ready meanwhile: {_times(seen.probes)}",
            f"  memory: {seen.memory[-1][1]:.0f} MB, {seen.slope():+.1f} MB a minute",
            f"  afterwards the same answers as before: {same}; exit status {status}",
        ]
    )


def _busy(options: argparse.Namespace) -> tuple[bool, str]:
    """Keep all threads and the whole queue busy with clips of a minute."""
    settings = Settings()
    places = settings.threads + settings.queue
    long = [Request("a minute", 200, "ok", synth.wav(synth.voice(60)), WAV)]
    server = Server().wait_ready()
    try:
        seen = load.mixed(server, clients=places, seconds=options.seconds, requests=long)
    finally:
        status = server.stop()
    probes = np.percentile(seen.probes, 99)
    return not seen.wrong and status == 0 and probes < 0.1, "\n".join(
        [
            f"{places} clients with a minute of voice each, {options.seconds:g} s: "
            f"{settings.threads} at work, {settings.queue} waiting",
            f"  unexpected: {len(seen.wrong)} {seen.wrong[:5]}",
            f"  {_counts(seen.answers)}",
            f"  predictions: {_times(seen.seconds)}",
            f"  /health and /ready meanwhile: {_times(seen.probes)}",
        ]
    )


def _slow(options: argparse.Namespace) -> tuple[bool, str]:
    server = Server().wait_ready()
    try:
        alone = load.slow_uploads(server, uploads=0, seconds=options.seconds / 4)
        seen = load.slow_uploads(server, uploads=options.uploads, seconds=options.seconds)
    finally:
        status = server.stop()
    return not seen.wrong and status == 0, "\n".join(
        [
            f"{options.uploads} uploads of one byte a second, {options.seconds:g} s",
            f"  unexpected: {len(seen.wrong)} {seen.wrong[:5]}",
            f"  predictions for others: {_times(seen.seconds)}",
            f"  without the uploads: {_times(alone.seconds)}",
            f"  /health and /ready meanwhile: {_times(seen.probes)}",
        ]
    )


def _stops(options: argparse.Namespace) -> tuple[bool, str]:
    moments = random.Random(options.seed)  # noqa: S311 - no secret
    ends = []
    for number in range(options.stops):
        with tempfile.TemporaryDirectory() as folder:
            ends.append(
                load.stop_under_load(Path(folder), clients=8, after_s=moments.uniform(0, 2))
            )
        if (number + 1) % 10 == 0:
            note(f"{number + 1} of {options.stops}")
    answers = sum((end.answers for end in ends), Counter())
    unanswered = [error for end in ends for error in end.unanswered]
    left = [name for end in ends for name in end.left]
    statuses = Counter(end.status for end in ends)
    return not unanswered and not left and set(statuses) == {0}, "\n".join(
        [
            f"{options.stops} SIGTERMs under the load of 8 clients",
            f"  sent before the signal: {answers.total()} answered, {len(unanswered)} not",
            f"  {_counts(answers)} {unanswered[:5]}",
            f"  exit statuses: {dict(statuses)}; files left: {len(left)} {left[:5]}",
            f"  from the signal to the end: {_times([end.seconds for end in ends])}",
        ]
    )


def _counts(answers: Counter) -> str:
    return ", ".join(f"{n} × {status} {code}" for (status, code), n in answers.most_common())


def _times(seconds: list[float]) -> str:
    middle, most, longest = np.percentile(seconds, [50, 99, 100]) * 1000
    return f"median {middle:.0f} ms, 99 % under {most:.0f} ms, longest {longest:.0f} ms"


PARTS = {"mixed": _mixed, "busy": _busy, "slow": _slow, "stops": _stops}


if __name__ == "__main__":
    run(main)
