"""Every recipe measured as it was published, and on unseen voices."""

import hashlib
import json
import os
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, as_completed
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from ser.corpora import CORPORA, scan
from ser.data.cache import code_digest, function_digest
from ser.data.dataset import Dataset, load_dataset
from ser.data.parallel import processes
from ser.data.splits import find_protocol
from ser.errors import SerError
from ser.models.recipes import KerasRecipe, Recipe, recipe_features

UNSEEN = "actors5"
PUBLISHED_RUN, UNSEEN_RUN = "published", "unseen"
# Of a recipe, what has no part in its figures; of `build`, its code has.
_WORDS = {"summary", "published", "grid", "selection", "note", "build"}
_CODE = (
    "features/*.py", "augmentation/spectrogram.py", "augmentation/waveform.py",
    "data/augmented_rows.py", "data/hold_out.py", "data/splits.py", "models/sklearn_models.py",
    "training/keras_training.py", "training/train.py",
)  # fmt: skip
_FIGURES = ("accuracy", "uar", "sd", "interval", "n", "leaks", "seeds")


@dataclass(frozen=True)
class Run:
    """One recipe under one protocol.

    Attributes:
        kind: ``published`` or ``unseen``; the latter is not run where the former already
            keeps the speakers apart.
        counts: clips of each corpus that it is run on.
        matrix: the published features, where they are at hand.
        epochs: the most a network trains for; None is the recipe's number.
        seeds: how often, each from a seed of its own.
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
        """The epochs that are run; None of a recipe without."""
        if not isinstance(self.recipe, KerasRecipe):
            return None
        return min(self.epochs or self.recipe.epochs, self.recipe.epochs)

    def path(self, folder: Path) -> Path:
        """Return where the result is kept."""
        return folder / f"{self.recipe.name}--{self.kind}.json"

    def key(self) -> dict[str, Any]:
        """Return what makes it another run: a result with another key is not this one's."""
        return {"identity": self.identity(), "epochs": self.n_epochs, "seeds": self.seeds}

    def identity(self) -> str:
        """Return a digest of what its figures come from: recipe, protocol, data and code.

        What a recipe says in words is left out.
        """
        recipe = self.recipe
        facts = {
            field.name: repr(getattr(recipe, field.name))
            for field in fields(recipe)
            if field.name not in _WORDS
        }
        if isinstance(recipe, KerasRecipe):
            facts["build"] = function_digest(recipe.build)
        data = self.matrix.name if self.matrix else self.counts
        what = [facts, self.protocol, data, code_digest(*_CODE)]
        return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:24]


def plan_runs(
    recipes: Iterable[Recipe], data: Sequence[Path], *, epochs: int | None = None, seeds: int = 1
) -> list[Run]:
    """Return the runs of recipes, the longest first."""
    there = Counter(utterance.corpus for utterance in scan(data, CORPORA).utterances)
    runs = []
    for recipe in recipes:
        for kind, protocol in kinds(recipe).items():
            matrix = recipe.published and kind == PUBLISHED_RUN and recipe.published.matrix
            path = _find(matrix, data) if matrix else None
            wanted = {c: n for c, n in there.items() if c in _corpora(recipe)} or there
            counts = tuple(sorted(wanted.items()))
            runs.append(Run(recipe, kind, protocol, tuple(data), counts, path, epochs, seeds))
    return sorted(runs, key=lambda run: -(run.n_epochs or 0))


def kinds(recipe: Recipe) -> dict[str, str]:
    """Return the kinds of run that a recipe has, each with its protocol."""
    published = {PUBLISHED_RUN: recipe.published.protocol} if recipe.published else {}
    leaks = all(find_protocol(protocol).leaks for protocol in published.values())
    return published | ({UNSEEN_RUN: UNSEEN} if leaks else {})


def _find(name: str, folders: Iterable[Path]) -> Path | None:
    found = (path for folder in folders for path in sorted(folder.rglob(name)))
    return next(found, None)


def is_done(run: Run, folder: Path) -> bool:
    """Say whether the result of a run is there, of this very recipe and data."""
    path = run.path(folder)
    return path.is_file() and json.loads(path.read_text())["key"] == run.key()


def run_all(runs: Sequence[Run], folder: Path, *, jobs: int = 1) -> Iterator[tuple[Run, dict]]:
    """Perform runs side by side, each in a process of its own; yield and store their results."""
    folder.mkdir(parents=True, exist_ok=True)
    with processes(jobs, calls_each=1) as pool:  # TensorFlow gives no memory back
        futures: dict[Future, Run] = {pool.submit(run_one, run): run for run in runs}
        for future in as_completed(futures):
            run, result = futures[future], future.result()
            partial = run.path(folder).with_suffix(".partial")
            partial.write_text(json.dumps(result, indent=2) + "\n")
            partial.replace(run.path(folder))
            yield run, result


def run_one(run: Run) -> dict[str, Any]:
    """Train and test a recipe; return its figures, or ``error``, with what it was run on."""
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
        dataset = _clips(run)
        result["on"] = dataset.for_recipe(run.recipe).corpus_counts()
        protocol = find_protocol(run.protocol)
        seeds = range(run.seeds)
        done = evaluate(run.recipe, dataset, protocol, seeds=seeds, epochs=run.n_epochs).summary()
        result |= {name: done[name] for name in _FIGURES}
    except SerError as error:
        result["error"] = str(error)
    return result | {"seconds": round(time.monotonic() - started)}


def _clips(run: Run) -> Dataset:
    features = recipe_features(run.recipe)
    if run.matrix:
        return load_dataset([run.matrix], features)
    dataset = load_dataset(run.data, features)
    rows = [i for i, u in enumerate(dataset.utterances) if u.corpus in _corpora(run.recipe)]
    return dataset.select(rows) if rows else dataset


def _corpora(recipe: Recipe) -> tuple[str, ...]:
    """Return the corpora that a recipe was published on; none stands for all."""
    return recipe.published.corpora if recipe.published else ()


def results(runs: Iterable[Run], folder: Path) -> dict[str, dict[str, dict]]:
    """Return the stored results: of each recipe, of each kind of run.

    One is ``stale`` that was made by another recipe of that name, of other data, or by other
    code.
    """
    found: dict[str, dict[str, dict]] = {}
    for run in runs:
        path = run.path(folder)
        if path.is_file():
            result = json.loads(path.read_text())
            result["stale"] = result["key"]["identity"] != run.identity()
            found.setdefault(run.recipe.name, {})[run.kind] = result
    return found
