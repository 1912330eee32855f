"""Measure the app beside the app of the tutorials: one table, JSON and a chart.

Everything is measured in one run on this machine, over HTTP, medians of many requests. The
tutorial app (scripts/tutorial_app.py) loads the model on each request; a second one, once.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import imageio_ffmpeg

from benchmark.server_rows import ROOT, Plan, Rows, memory_and_start, speed_in_turns
from benchmark.sizes import sizes
from benchmark.sounds import CLIP_S, bodies, write_corpus
from benchmark.stages import Floor, milliseconds, model_floor
from ser.audio.ffmpeg import ffmpeg_path
from ser.cli.options import note, write_json
from ser.models.recipes import RECIPES

SCRIPTS = ROOT / "scripts"
HERE = Path(__file__).parent
TUTORIAL = ("flask", "tensorflow", "librosa")
TENSORFLOW = {"KERAS_BACKEND": "tensorflow"}
CLASSIC, SHIPPED = "conv1d-mfcc40", "conv1d-frames"


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("reports/bench"), help="JSON and chart")
    parser.add_argument("--requests", type=int, default=200, help="of each kind, to our app")
    parser.add_argument("--many", type=int, default=10_000, help="requests of the last row")
    parser.add_argument("--clips", type=int, default=600, help="of extraction and training")
    parser.add_argument("--epochs", type=int, default=100, help="of training")
    args = parser.parse_args()
    if min(args.requests, args.many, args.epochs) < 16 or args.clips < 64:
        parser.error("--requests, --many and --epochs must be at least 16, --clips 64")
    return args


def main() -> int:
    args = parse()
    args.out.mkdir(parents=True, exist_ok=True)
    os.environ["KERAS_BACKEND"] = "openvino"
    files = bodies()
    with tempfile.TemporaryDirectory(prefix="ser-bench-") as folder:
        classic, corpus = Path(folder, "classic.h5"), Path(folder, "corpus")
        _write_classic(classic)
        n = args.requests
        few = max(16, n // 5)  # what the tutorial app stands in the time
        app, tutorial = [ROOT / "app.py"], [HERE / "tutorial_app.py", classic]
        plans = {
            "this app": Plan(app, n, 8 * n, many=args.many),
            f"with {CLASSIC}": Plan(app, n, 8 * n, {"SER_MODEL": str(classic)}),
            "tutorial app": Plan(tutorial, few, 2 * few, TENSORFLOW, mixed=few),
            "tutorial, loading once": Plan(
                [*tutorial, "--once"], few, 2 * few, TENSORFLOW, mixed=few
            ),
        }
        columns = {}
        for name, plan in plans.items():
            note(f"{name}: start and memory …")
            columns[name] = memory_and_start(plan, files)
        note("speed …")
        with Floor(files["wav"]) as floor:
            for name, rows in speed_in_turns(plans, files, after_each=floor.measure).items():
                columns[name] |= rows
        ours = columns["this app"]
        ours |= _stage_rows(floor, ours) | _ffmpeg_rows(plans["this app"], files, Path(folder))
        note("packages, extraction, training …")
        write_corpus(corpus, args.clips)
        ours |= _extraction(corpus, Path(folder)) | _training(corpus, Path(folder), args.epochs)
        for name, wanted in (("this app", _pins()), ("tutorial app", TUTORIAL)):
            whole, packed = sizes(wanted)
            columns[name] |= {"installed, MB": whole, "installed, compressed, MB": packed}
    machine = f"{_processor()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    write_json(args.out / "bench.json", {"machine": machine, "columns": columns})
    _chart(columns, args.out / "bench.png")
    print(_table(columns))
    print(f"\nMeasured on {machine}; {time.strftime('%Y-%m-%d')}. A clip has {CLIP_S} s.")
    return 0


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


def _ffmpeg_rows(plan: Plan, files: Mapping[str, bytes], folder: Path) -> Rows:
    """Measure what of an mp4's time is ffmpeg's start, with the system's and with the packages'."""
    nothing = folder / "no-programs"
    nothing.mkdir()
    without = replace(plan, settings={**plan.settings, "PATH": str(nothing)})
    name = "mp4 where the system has no ffmpeg"
    measured = speed_in_turns({name: without}, files, alone=["mp4"], together=[])[name]
    rows = {key.replace("mp4", name, 1): value for key, value in measured.items()}
    kinds = {"that is used": ffmpeg_path(), "of imageio-ffmpeg": imageio_ffmpeg.get_ffmpeg_exe()}
    for kind, path in kinds.items():
        rows[f"start of the ffmpeg {kind}, ms"] = milliseconds(
            lambda path=path: subprocess.run([path, "-version"], capture_output=True, check=True)
        )
    return rows


def _extraction(corpus: Path, folder: Path) -> Rows:
    rows = {}
    for jobs in (1, 2):
        arguments = ["--data", corpus, "--features", "mfcc40-mean", "--jobs", jobs]
        done = _script("extract.py", *arguments, "--out", folder / f"{jobs}.parquet")
        rate = next(line for line in done.stderr.splitlines() if line.endswith("clips a second"))
        rows[f"extraction, clips a second, {jobs} processes"] = float(rate.split()[0])
    return rows


def _training(corpus: Path, folder: Path, epochs: int) -> Rows:
    began = time.perf_counter()
    arguments = ["--data", corpus, "--epochs", epochs, "--report", folder / "report"]
    _script("train.py", CLASSIC, *arguments, "--out", folder / "trained.h5")
    rows = {f"training, {epochs} epochs of {CLASSIC}, s": time.perf_counter() - began}
    speed = json.loads(_script("benchmark/training_speed.py", corpus).stdout)
    rows |= {f"training {SHIPPED}, {name}, ms": ms for name, ms in speed.items()}
    recipe = RECIPES[SHIPPED]
    epoch = (recipe.steps_per_epoch or 0) * speed["a step with its batch"] / 1e3
    rows[f"training {SHIPPED}, an epoch of one network, s"] = epoch
    whole = f"{recipe.members} networks × {recipe.epochs} epochs, computed, s"
    rows[f"training {SHIPPED}, {whole}"] = recipe.members * recipe.epochs * epoch
    return rows


def _script(name: str, *arguments: Any) -> subprocess.CompletedProcess[str]:
    """Run a script of ours, with an empty cache; its errors are ours."""
    environment = {k: v for k, v in os.environ.items() if k != "KERAS_BACKEND"}
    with tempfile.TemporaryDirectory(prefix="ser-cache-") as cache:
        return subprocess.run(
            [sys.executable, str(SCRIPTS / name), *map(str, arguments)],
            env={**environment, "SER_CACHE": cache, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        )


def _write_classic(path: Path) -> None:
    """Write the published network, untrained: what it answers takes as long."""
    code = (
        "import sys; from ser.models.recipes import RECIPES; "
        f"RECIPES[{CLASSIC!r}].build((40, 1), 8).save(sys.argv[1])"
    )
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow", "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", code, str(path)], env=environment, check=True)


def _pins() -> Iterator[str]:
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    return (line for line in lines if line and not line.startswith("#"))


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next(line.partition(": ")[2] for line in lines if line.startswith("model name"))


def _table(columns: dict[str, Rows]) -> str:
    """Return the figures as Markdown; those of the others also as a multiple of ours."""
    ours = columns["this app"]
    lines = [f"| | {' | '.join(columns)} |", f"|---{'|---:' * len(columns)}|"]
    for row in dict.fromkeys(name for rows in columns.values() for name in rows):
        cells = []
        for name, rows in columns.items():
            text = _number(rows[row]) if row in rows else ""
            if text and name.startswith("tutorial") and row in ours:
                text += f" (× {_number(rows[row] / ours[row])})"
            cells.append(text)
        lines.append(f"| {row} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _number(value: float) -> str:
    return f"{value:.2g}" if value < 1 else f"{value:.1f}" if value < 20 else f"{value:,.0f}"


def _chart(columns: dict[str, Rows], path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    shown = (
        "wav, median, ms",
        "requests a second, 8 clients",
        "memory at peak, mixed requests of 8 clients, MB",
        "cold start, s",
    )
    figure, grid = pyplot.subplots(2, 2, figsize=(9, 5), layout="constrained")
    colours = ["#adb5bd" if name.startswith("tutorial") else "#4c6ef5" for name in columns]
    for panel, row in zip(grid.flat, shown, strict=True):
        bars = panel.barh(list(columns), [rows[row] for rows in columns.values()], color=colours)
        panel.bar_label(bars, [_number(rows[row]) for rows in columns.values()], padding=3)
        panel.set_title(row, fontsize=10, loc="left")
        panel.margins(x=0.2)
        panel.invert_yaxis()
        panel.spines[["top", "right"]].set_visible(False)
        panel.label_outer()
        panel.xaxis.set_visible(False)
    figure.savefig(path, dpi=120)
