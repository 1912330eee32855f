"""Benchmark of the recipes: each under its published protocol, and on unseen speakers."""

import hashlib
import json
import os
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ser.corpora import CORPORA, scan
from ser.data.dataset import Dataset, load_dataset
from ser.data.parallel import processes
from ser.data.protocols import find_protocol
from ser.errors import SerError
from ser.evaluation.identity import recipe_identity
from ser.models.recipes import KerasRecipe, Recipe, recipe_features

UNSEEN = "actors5"
PUBLISHED_RUN, UNSEEN_RUN = "published", "unseen"
_SCORES = ("accuracy", "uar", "sd", "interval", "n", "leaks", "seeds")


@dataclass(frozen=True)
class Run:
    """One recipe under one protocol.

    Attributes:
        kind: `PUBLISHED_RUN` or `UNSEEN_RUN`; there is no unseen run if the published protocol
            does not leak.
        counts: number of clips of each corpus.
        matrix: file of the published features, if the data has it.
        epochs: the most epochs of a network; None is the number of the recipe.
        seeds: number of repetitions, each with its own seed.
    """

    recipe: Recipe
    kind: str
    protocol: str
    data: tuple[Path, ...]
    counts: tuple[tuple[str, int], ...] = ()
    matrix: Path | None = None
    epochs: int | None = None
    seeds: int = 1

    @property
    def n_epochs(self) -> int | None:
        """Epochs of a network; None for scikit-learn."""
        if not isinstance(self.recipe, KerasRecipe):
            return None
        return min(self.epochs or self.recipe.epochs, self.recipe.epochs)

    def path(self, folder: Path) -> Path:
        """Return the path of the stored result."""
        return folder / f"{self.recipe.name}--{self.kind}.json"

    def key(self) -> dict[str, Any]:
        """Return the key of the run: a stored result with another key belongs to another run."""
        return {"identity": self.identity(), "epochs": self.n_epochs, "seeds": self.seeds}

    def identity(self) -> str:
        """Return a digest of all that changes the scores: recipe, protocol, data and code."""
        data = self.matrix.name if self.matrix else self.counts
        parts = [recipe_identity(self.recipe), self.protocol, data]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:24]


def plan_runs(
    recipes: Iterable[Recipe], data: Sequence[Path], *, epochs: int | None = None, seeds: int = 1
) -> list[Run]:
    """Return the runs of recipes, those with the most epochs first.

    Args:
        data: folders of corpora and of published matrices.
        epochs: the most epochs of a network.
        seeds: number of repetitions.
    """
    available = Counter(utterance.corpus for utterance in scan(data, CORPORA).utterances)
    runs = []
    for recipe in recipes:
        for kind, protocol in kinds(recipe).items():
            matrix = recipe.published and kind == PUBLISHED_RUN and recipe.published.matrix
            path = _find(matrix, data) if matrix else None
            used = {c: n for c, n in available.items() if c in _corpora(recipe)} or available
            counts = tuple(sorted(used.items()))
            runs.append(Run(recipe, kind, protocol, tuple(data), counts, path, epochs, seeds))
    return sorted(runs, key=lambda run: -(run.n_epochs or 0))


def kinds(recipe: Recipe) -> dict[str, str]:
    """Return the kinds of run of a recipe, each with its protocol."""
    published = {PUBLISHED_RUN: recipe.published.protocol} if recipe.published else {}
    leaks = all(find_protocol(protocol).leaks for protocol in published.values())
    return published | ({UNSEEN_RUN: UNSEEN} if leaks else {})


def _find(name: str, folders: Iterable[Path]) -> Path | None:
    found = (path for folder in folders for path in sorted(folder.rglob(name)))
    return next(found, None)


def is_done(run: Run, folder: Path) -> bool:
    """Say whether the result of this run is stored, with the same recipe, data and code."""
    path = run.path(folder)
    return path.is_file() and json.loads(path.read_text())["key"] == run.key()


def run_all(runs: Sequence[Run], folder: Path, *, jobs: int = 1) -> Iterator[tuple[Run, dict]]:
    """Do all runs, each in its own process; store each result, and yield it when it is ready.

    Args:
        folder: of the stored results.
        jobs: number of processes at a time.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with processes(jobs, calls_each=1) as pool:  # a process of TensorFlow never frees its memory
        futures: dict[Future, Run] = {pool.submit(run_one, run): run for run in runs}
        for future in as_completed(futures):
            run, result = futures[future], future.result()
            partial = run.path(folder).with_suffix(".partial")
            partial.write_text(json.dumps(result, indent=2) + "\n")
            partial.replace(run.path(folder))
            yield run, result


def run_one(run: Run) -> dict[str, Any]:
    """Train and test a recipe; return its scores, or the ``error``, and what they come from."""
    from ser.evaluation.evaluate import evaluate

    started = time.monotonic()
    result: dict[str, Any] = {
        "key": run.key(),
        "recipe": run.recipe.name,
        "protocol": run.protocol,
        "epochs": run.n_epochs,
        "cores": os.cpu_count(),
    }
    try:
        dataset = _load_data(run)
        result["on"] = dataset.for_recipe(run.recipe).corpus_counts()
        protocol = find_protocol(run.protocol)
        seeds = range(run.seeds)
        evaluation = evaluate(run.recipe, dataset, protocol, seeds=seeds, epochs=run.n_epochs)
        scores = evaluation.summary()
        result |= {name: scores[name] for name in _SCORES}
    except SerError as error:
        result["error"] = str(error)
    return result | {"seconds": round(time.monotonic() - started)}


def _load_data(run: Run) -> Dataset:
    features = recipe_features(run.recipe)
    if run.matrix:
        return load_dataset([run.matrix], features)
    dataset = load_dataset(run.data, features)
    rows = [i for i, u in enumerate(dataset.utterances) if u.corpus in _corpora(run.recipe)]
    return dataset.select(rows) if rows else dataset


def _corpora(recipe: Recipe) -> tuple[str, ...]:
    """Return the corpora of the published result; none means all."""
    return recipe.published.corpora if recipe.published else ()


def results(runs: Iterable[Run], folder: Path) -> dict[str, dict[str, dict]]:
    """Return the stored results by name of the recipe and kind of run.

    A result is ``stale`` if the recipe, the data or the code has changed since.
    """
    found: dict[str, dict[str, dict]] = {}
    for run in runs:
        path = run.path(folder)
        if path.is_file():
            result = json.loads(path.read_text())
            result["stale"] = result["key"]["identity"] != run.identity()
            found.setdefault(run.recipe.name, {})[run.kind] = result
    return found
