"""Damaged files by the thousand, sent to the real server: `python -m tests.fuzz --files 10000`."""

import argparse
import collections
import json
import sys
import tempfile
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from scripts.benchmark.memory import held
from tests import files
from tests.conftest import Server

SEEDS = ("wav", "flac", "mp3", "ogg", "opus", "m4a", "webm")
#: What the contract allows for a file whose content is wrong, by status.
ALLOWED = {
    200: {"ok"},
    400: {"empty_file"},
    415: {"unsupported_media"},
    422: {"no_audio", "damaged", "unsupported_format", "invalid_samples", "too_short", "silent",
          "too_complex"},
}  # fmt: skip
_EXTREMES = tuple(
    bytes.fromhex(value)
    for value in "00 ff 7f 80 00000000 ffffffff 7fffffff ffffff7f 00000001 01000000".split()
)


def mutate(rng: np.random.Generator) -> tuple[str, bytes]:
    """Return the extension of a file and what is left of it after one to three mutations."""
    extension = str(rng.choice(SEEDS))
    data = bytearray(files.encoded(extension))
    for _ in range(rng.integers(1, 4)):
        if len(data):
            _MUTATIONS[rng.integers(len(_MUTATIONS))](rng, data)
    return extension, bytes(data)


def _flip_bits(rng: np.random.Generator, data: bytearray) -> None:
    for at in rng.integers(len(data), size=rng.integers(1, 200)):
        data[at] ^= 1 << int(rng.integers(8))


def _edit_header(rng: np.random.Generator, data: bytearray) -> None:
    for _ in range(rng.integers(1, 5)):
        value = _EXTREMES[rng.integers(len(_EXTREMES))]
        at = int(rng.integers(min(len(data), 256)))
        data[at : at + len(value)] = value


def _edit_tail(rng: np.random.Generator, data: bytearray) -> None:
    """Like `_edit_header`: the index of an mp4 is at its end."""
    value = _EXTREMES[rng.integers(len(_EXTREMES))]
    at = int(rng.integers(max(0, len(data) - 1500), len(data)))
    data[at : at + len(value)] = value


def _cut(rng: np.random.Generator, data: bytearray) -> None:
    del data[int(rng.integers(len(data))) :]


def _remove(rng: np.random.Generator, data: bytearray) -> None:
    at = int(rng.integers(len(data)))
    del data[at : at + int(rng.integers(1, 5000))]


def _splice(rng: np.random.Generator, data: bytearray) -> None:
    other = files.encoded(str(rng.choice(SEEDS)))
    start = int(rng.integers(len(other)))
    at = int(rng.integers(len(data)))
    data[at:at] = other[start : start + int(rng.integers(1, 20_000))]


def _noise(rng: np.random.Generator, data: bytearray) -> None:
    at = int(rng.integers(len(data)))
    size = min(int(rng.integers(1, 2000)), len(data) - at)
    data[at : at + size] = rng.bytes(size)


_MUTATIONS = (_flip_bits, _edit_header, _edit_tail, _cut, _remove, _splice, _noise)


def fuzz(
    count: int, seed: int, *, timeout_s: float = 25, keep: Path | None = None
) -> dict[str, Any]:
    """Send `count` mutated files, two at a time, and return what came of them.

    Args:
        timeout_s: of one decoding; more than it takes on a machine that is busy otherwise.
        keep: a folder for the files that got an answer other than the contract's.
    """
    rng = np.random.default_rng(seed)
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        server = Server(TMPDIR=folder, SER_TIMEOUT_S=str(timeout_s), SER_LOG_LEVEL="ERROR")
        try:
            server.wait_ready(120)
            found = _send(server, (mutate(rng) for _ in range(count)), keep)
            alive = server.process.poll() is None
            left = [path.name for path in Path(folder).rglob("*")]
        finally:
            exit_status = server.stop()
    answers, slowest, wrong, memory = found
    return {
        "files": count,
        "seed": seed,
        "answers": dict(sorted(answers.items())),
        "crashes": int(not alive),
        "exit_status": exit_status,
        "over_the_limit": answers["timeout"],
        "files_left": len(left),
        "other_answers": wrong,
        "slowest_s": round(slowest, 2),
        "memory_mb": memory,
    }


def _send(server: Server, mutants: Any, keep: Path | None) -> tuple:
    answers: collections.Counter[str] = collections.Counter()
    slowest, wrong, memory = 0.0, [], []

    def send(mutant: tuple[str, bytes]) -> tuple[str, str, float, bytes]:
        start = time.monotonic()
        verdict = ask(server, mutant[1])
        return *verdict, time.monotonic() - start, mutant[1]

    with ThreadPoolExecutor(2) as pool:
        while batch := [m for _, m in zip(range(100), mutants, strict=False)]:
            for extension_answer in zip(batch, pool.map(send, batch), strict=True):
                (extension, _), (code, fault, seconds, data) = extension_answer
                answers[code] += 1
                slowest = max(slowest, seconds)
                if fault:
                    wrong.append(f"{extension}: {fault}")
                    print(wrong[-1], file=sys.stderr)  # noqa: T201
                    if keep:
                        (keep / f"{len(wrong)}.{extension}").write_bytes(data)
            memory.append(round(held(server.process.pid)))
            print(f"{answers.total()} files", file=sys.stderr, flush=True)  # noqa: T201
    return answers, slowest, wrong, memory[:: max(1, len(memory) // 10)]


def ask(server: Server, data: bytes) -> tuple[str, str]:
    """Return the code that the server answers, and what is wrong with the answer, if anything."""
    separate = len(data) % 3 == 0  # a third of the files: each channel apart
    url = f"{server.url}/predict" + ("?channels=separate" if separate else "")
    request = urllib.request.Request(url, data, {"Content-Type": "audio/x"})
    try:
        with urllib.request.urlopen(request, timeout=600) as response:
            status, answer = response.status, json.load(response)
    except urllib.error.HTTPError as response:
        with response:
            status, answer = response.code, json.load(response)
    except (OSError, ValueError) as error:
        return "no answer", repr(error)
    if status == 200:
        heard = [c for c in answer.get("channels", [answer]) if not c.get("silent")]
        totals = [sum(channel["probabilities"].values()) for channel in heard]
        is_good = totals and all(abs(total - 1) < 1e-6 for total in totals)
        return "ok", "" if is_good and answer["duration"] >= 0.3 else f"{answer}"
    code = answer["error"]["code"]
    return code, "" if code in ALLOWED.get(status, ()) else f"{status} {answer}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--timeout", type=float, default=25, help="seconds for one decoding")
    parser.add_argument("--keep", type=Path, help="a folder for files that are answered wrongly")
    args = parser.parse_args()
    found = fuzz(args.files, args.seed, timeout_s=args.timeout, keep=args.keep)
    print(json.dumps(found, indent=2))  # noqa: T201


if __name__ == "__main__":
    main()
