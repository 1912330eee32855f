"""Rows of the benchmark without a server: how fast features are extracted and networks trained."""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from scripts.benchmark.server_rows import ROOT, Rows
from scripts.benchmark.sounds import write_corpus
from ser.models.recipes import RECIPES

CLASSIC, SHIPPED = "conv1d-mfcc40", "conv1d-frames"
_SCRIPTS = ROOT / "scripts"


def offline_rows(folder: Path, n_clips: int, epochs: int) -> Rows:
    """Measure extraction and training on a synthesised corpus of `n_clips`.

    Args:
        folder: for the corpus, tables and models.
        epochs: of the classic network.
    """
    corpus = folder / "corpus"
    write_corpus(corpus, n_clips)
    return _extraction(corpus, folder) | _training(corpus, folder, epochs)


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
    """Run a script with an empty cache; raise an error if it fails."""
    environment = {k: v for k, v in os.environ.items() if k != "KERAS_BACKEND"}
    with tempfile.TemporaryDirectory(prefix="ser-cache-") as cache:
        done = subprocess.run(
            [sys.executable, str(_SCRIPTS / name), *map(str, arguments)],
            env={**environment, "SER_CACHE": cache},
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        raise RuntimeError(f"{name} failed: {done.stderr}")
    return done
