"""Evaluation of a recipe under a protocol: train on each split, test on its held-out rows."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ser.data.corrupted_rows import corrupted_features
from ser.data.dataset import Dataset
from ser.data.parallel import parallel_map
from ser.data.protocols import Protocol
from ser.data.references import draw_references
from ser.data.splits import Split
from ser.evaluation.identity import recipe_identity
from ser.evaluation.results import Evaluation
from ser.evaluation.split_result import SplitResult, load_result, save_result
from ser.evaluation.window_search import score_long_audio
from ser.inference.reference import fits, joined
from ser.models.recipes import Recipe, recipe_features
from ser.training.train import Trained, train


@dataclass(frozen=True)
class _Task:
    """A recipe, one split and one seed.

    Attributes:
        epochs: instead of the number of the recipe; None keeps it.
        corrupted: names of recording conditions to test under.
        long_audio: whether to compare ways to cut long recordings.
        path: of the stored result; None does not store it.
    """

    recipe: Recipe
    dataset: Dataset
    split: Split
    seed: int
    epochs: int | None
    corrupted: Sequence[str]
    long_audio: bool
    path: Path | None


def evaluate(
    recipe: Recipe,
    dataset: Dataset,
    protocol: Protocol,
    *,
    seeds: Sequence[int] = (0,),
    epochs: int | None = None,
    jobs: int = 1,
    corrupted: Sequence[str] = (),
    long_audio: bool = False,
    folder: Path | None = None,
    callbacks: Callable[[Split], list[Any]] = lambda _: [],
    done: Callable[[SplitResult], None] = lambda _: None,
) -> Evaluation:
    """Train a recipe on each split of a protocol, and test it on the held-out rows.

    Args:
        seeds: of weights, batches and the validation rows; every split is trained once for each.
        epochs: of a network, instead of the number of the recipe.
        jobs: number of parallel trainings, each in its own process; with more than one,
            `callbacks` are not used.
        corrupted: names of recording conditions; the test rows are tested again under each.
        long_audio: compare windows, hops and joins on recordings of the validation speakers.
        folder: stores the result of each training. After a kill the same call trains only what
            is missing. A change of code that the scores depend on makes stored results invalid.
        callbacks: returns the Keras callbacks for a split, such as a progress bar.
        done: called with the result of each training.
    """
    dataset = dataset.for_recipe(recipe)
    digest, identity = folder and dataset.digest(), recipe_identity(recipe)

    def task(split: Split, seed: int) -> _Task:
        rows = [part.tolist() for part in (split.train, split.validation, split.test)]
        facts = [
            identity, digest, split.name, rows, dict(split.merged_labels), seed, epochs,
            corrupted, long_audio,
        ]  # fmt: skip
        key = hashlib.sha256(repr(facts).encode()).hexdigest()[:24]
        return _Task(
            recipe,
            dataset.merge_labels(split.merged_labels),
            split,
            seed,
            epochs,
            corrupted,
            long_audio,
            folder and folder / f"{key}.npz",
        )

    splits = [
        (split, seed) for seed in seeds for split in protocol.splits(dataset.utterances, seed)
    ]
    jobs = min(jobs, len(splits))
    run_task = partial(_run_task, callbacks=callbacks) if jobs == 1 else _run_task
    results = []
    tasks = (task(split, seed) for split, seed in splits)
    for result in parallel_map(run_task, tasks, jobs=jobs):
        done(result)
        results.append(result)
    return Evaluation(recipe, protocol, tuple(results))


def _run_task(
    task: _Task, callbacks: Callable[[Split], Iterable[Any]] = lambda _: ()
) -> SplitResult:
    tested = tuple(task.dataset.utterances[i] for i in task.split.test)
    if task.path and task.path.is_file():
        return load_result(task.path, tested)
    dataset, split, recipe = task.dataset, task.split, task.recipe
    trained = train(
        recipe,
        dataset,
        split.train,
        split.validation,
        seed=task.seed,
        epochs=task.epochs,
        callbacks=list(callbacks(split)),
    )
    plain, with_reference = _predict(trained, dataset, split.test, task.corrupted)
    result = SplitResult(
        split=split.name,
        seed=task.seed,
        tested=tested,
        truth=dataset.label_indices(recipe.labels)[split.test],
        probabilities=plain.pop(""),
        best_epoch=trained.best_epoch,
        temperature=trained.temperature,
        uncertain_below=trained.uncertain_below,
        history=trained.history,
        corrupted=plain,
        long_audio=score_long_audio(
            [(rows, model.predictor()) for rows, model in trained.held_out_models()],
            dataset,
            seed=task.seed,
        )
        if task.long_audio
        else {},
        referenced=with_reference.pop("", None),
        corrupted_referenced=with_reference,
    )
    if task.path:
        save_result(result, task.path)
    return result


def _predict(
    trained: Trained, dataset: Dataset, rows: np.ndarray, conditions: Sequence[str]
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return the probabilities of rows by recording condition, "" as recorded; without and with
    references.

    A reference is of two other clips of the speaker, as recorded. As in the app, it is used where
    it fits. There are none with references if the features take none.
    """
    plain, with_reference = {}, {}
    for name in ("", *conditions):
        if name:
            features = recipe_features(trained.recipe)
            x, means = corrupted_features(dataset, rows, features, name)
        else:
            x = dataset.features[rows]
            means = x[:0] if dataset.means is None else dataset.means[rows]
        plain[name] = trained.probabilities(x)
        if dataset.means is not None:
            references = draw_references(dataset.utterances, dataset.means, rows)
            used = np.where(fits(means, references)[:, np.newaxis], references, means)
            relative = trained.probabilities(x + (means - used)[:, np.newaxis])
            with_reference[name] = joined(plain[name], relative)
    return plain, with_reference
