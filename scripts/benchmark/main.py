"""Measure the app beside the app of the tutorials: two tables, JSON and a chart.

Everything is measured in one run on this machine, over HTTP, as medians of many requests.
The tutorial app (tutorial_app.py) loads the model on each request; a second one loads it once.
"""

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

from scripts.benchmark.offline_rows import CLASSIC, offline_rows
from scripts.benchmark.server_rows import (
    CLIENTS,
    KINDS,
    ROOT,
    Plan,
    Rows,
    memory_and_start,
    speed_in_turns,
)
from scripts.benchmark.sizes import sizes
from scripts.benchmark.sounds import CLIP_S, bodies
from scripts.benchmark.stages import Floor, milliseconds, model_floor, stages_of
from scripts.benchmark.tables import READ, chart, markdown
from ser.audio import ffmpeg_path
from ser.cli.options import note, write_json

HERE = Path(__file__).parent
PARTS = ("memory", "latency", "throughput", "packages", "training")
TUTORIAL = ("flask", "tensorflow", "librosa")
TENSORFLOW = {"KERAS_BACKEND": "tensorflow"}


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("reports/bench"), help="JSON and chart")
    parser.add_argument(
        "--only", nargs="+", choices=PARTS, default=list(PARTS), help="measure these parts"
    )
    parser.add_argument(
        "--ours", action="store_true", help="leave out the tutorial app and the classic model"
    )
    parser.add_argument(
        "--beside", type=Path, metavar="DIR",
        help="measure the app of this checkout in the same turns, with its .venv if it has one",
    )  # fmt: skip
    parser.add_argument("--requests", type=int, default=200, help="of each kind, to our app")
    parser.add_argument(
        "--many", type=int, default=10_000, help="requests before memory is measured again"
    )
    parser.add_argument("--clips", type=int, default=600, help="of extraction and training")
    parser.add_argument("--epochs", type=int, default=100, help="of training")
    args = parser.parse_args()
    if min(args.requests, args.many, args.epochs) < 16 or args.clips < 64:
        parser.error("--requests, --many and --epochs must be at least 16, --clips 64")
    if args.beside and not (args.beside / "app.py").is_file():
        parser.error(f"--beside {args.beside}: no app.py there")
    return args


def main() -> int:
    args = parse()
    args.out.mkdir(parents=True, exist_ok=True)
    os.environ["KERAS_BACKEND"] = "openvino"
    with tempfile.TemporaryDirectory(prefix="ser-bench-") as folder:
        columns = _measure(args, Path(folder))
    machine = f"{_processor()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    write_json(args.out / "bench.json", {"machine": machine, "columns": columns})
    chart(columns, args.out / "bench.png")
    print(markdown(columns, READ))
    print(f"\nEvery figure\n\n{markdown(columns)}")
    print(f"\nMeasured on {machine}; {time.strftime('%Y-%m-%d')}. A clip has {CLIP_S} s.")
    return 0


def _measure(args: argparse.Namespace, folder: Path) -> dict[str, Rows]:
    """Measure the parts that are wanted; return the rows of each server."""
    files = bodies()
    plans = _plans(args, folder)
    columns: dict[str, Rows] = {name: {} for name in plans}
    if "memory" in args.only:
        for name, plan in plans.items():
            note(f"{name}: start and memory …")
            columns[name] |= memory_and_start(plan, files)
    _measure_speed(args.only, plans, files, columns)
    ours = columns["this app"]
    if "packages" in args.only:
        note("packages …")
        for name, wanted in (("this app", _pins()), ("tutorial app", TUTORIAL)):
            if name in columns:
                whole, packed = sizes(wanted)
                columns[name] |= {"installed, MB": whole, "installed, compressed, MB": packed}
    if "training" in args.only:
        note("extraction and training …")
        ours |= offline_rows(folder, args.clips, args.epochs)
    return columns


def _plans(args: argparse.Namespace, folder: Path) -> dict[str, Plan]:
    """Return the servers by the names of their columns."""
    n, many, app = args.requests, args.many, ["app.py"]
    plans = {
        "this app": Plan(app, n, 8 * n, many=many),
        "two copies": Plan(app, n, 8 * n, {"WEB_CONCURRENCY": "2"}, many=many),
    }
    if args.beside:
        checkout = args.beside.resolve()
        python = checkout / ".venv" / "bin" / "python"
        plans["version before"] = Plan(
            app, n, 8 * n, many=many, folder=checkout,
            python=str(python) if python.exists() else sys.executable,
        )  # fmt: skip
    if args.ours:
        return plans
    classic = folder / "classic.h5"
    _write_classic(classic)
    tutorial = [HERE / "tutorial_app.py", classic]
    settings = TENSORFLOW | {"PATH": _path_with_ffmpeg(folder)}
    few = max(16, n // 5)  # it takes much longer for each
    return plans | {
        f"with {CLASSIC}": Plan(app, n, 8 * n, {"SER_MODEL": str(classic)}),
        "tutorial app": Plan(tutorial, few, 2 * few, settings, mixed=few),
        "tutorial, loading once": Plan([*tutorial, "--once"], few, 2 * few, settings, mixed=few),
    }


def _path_with_ffmpeg(folder: Path) -> str:
    """Return a PATH with our ffmpeg: librosa decodes an mp4 with the one that it finds there."""
    programs = folder / "bin"
    programs.mkdir()
    (programs / "ffmpeg").symlink_to(ffmpeg_path())
    return os.pathsep.join([str(programs), os.environ.get("PATH", os.defpath)])


def _measure_speed(
    parts: list[str],
    plans: Mapping[str, Plan],
    files: Mapping[str, bytes],
    columns: dict[str, Rows],
) -> None:
    """Add latency and throughput; with both, our app's stages without a server, too."""
    kinds = KINDS if "latency" in parts else ()
    clients = CLIENTS if "throughput" in parts else ()
    if not kinds and not clients:
        return
    note(f"{', '.join(part for part in parts if part in ('latency', 'throughput'))} …")
    with ExitStack() as stack:
        floor = stack.enter_context(Floor(files["wav"])) if kinds and clients else None
        measure = floor.measure if floor else lambda _: None
        rows = speed_in_turns(plans, files, kinds=kinds, clients=clients, after_each=measure)
        for name, own in rows.items():
            columns[name] |= own
    if floor:
        ours = columns["this app"]
        ours |= _stage_rows(floor, ours) | _ffmpeg_row()
        for name in ("60 s", "600 s"):
            stages = stages_of(floor.predictor, files[name])
            ours |= {f"{name}, stage {stage}, ms": value for stage, value in stages.items()}


def _stage_rows(floor: Floor, ours: Rows) -> Rows:
    spent = floor.stages()
    together = sum(spent.values())
    count, at_rate = model_floor(floor.predictor.model_file)
    rows = {f"stage {name}, ms": value for name, value in spent.items()}
    rows["stage receive and send, ms"] = ours["wav, median, ms"] - together
    rows["stages in process, together, ms"] = together
    rows["model, million multiply-adds"] = count
    rows["model, at this core's rate, ms"] = at_rate
    served = ours["requests a second, 8 clients"]
    for how, rate in floor.rates().items():
        rows[f"stages {how}, answers a second"] = rate
        rows[f"the app with 8 clients, % of stages {how}"] = 100 * served / rate
    return rows


def _ffmpeg_row() -> Rows:
    """Measure the part of an mp4's time that is ffmpeg's start."""
    command = [ffmpeg_path(), "-version"]
    started = milliseconds(lambda: subprocess.run(command, capture_output=True, check=True))
    return {"start of ffmpeg, ms": started}


def _write_classic(path: Path) -> None:
    """Write the published network, untrained: its speed is the same."""
    code = (
        "import sys; from ser.models.recipes import RECIPES; "
        f"RECIPES[{CLASSIC!r}].build((40, 1), 8).save(sys.argv[1])"
    )
    environment = os.environ | TENSORFLOW
    subprocess.run([sys.executable, "-c", code, str(path)], env=environment, check=True)


def _pins() -> Iterator[str]:
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    return (line for line in lines if line and not line.startswith("#"))


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next(line.partition(": ")[2] for line in lines if line.startswith("model name"))
