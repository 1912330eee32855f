"""Measuring a recipe, or a model file, under a protocol."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from typing import Any

from ser.dataset import Dataset, spoilt_features
from ser.long_audio import score_long_audio
from ser.protocols import Protocol, Split
from ser.recipes import Recipe, recipe_features
from ser.results import Evaluation, SplitResult
from ser.training import train


def evaluate(
    recipe: Recipe,
    dataset: Dataset,
    protocol: Protocol,
    *,
    seeds: Sequence[int] = (0,),
    epochs: int | None = None,
    jobs: int = 1,
    spoilt: Sequence[str] = (),
    long_audio: bool = False,
    callbacks: Callable[[Split], list[Any]] = lambda _: [],
    done: Callable[[SplitResult], None] = lambda _: None,
) -> Evaluation:
    """Train a recipe on each split of a protocol, and test it on what was held out.

    Args:
        seeds: of weights, batches and validation; each trains every split anew.
        jobs: number of trainings side by side, each in a process of its own;
            `callbacks` are for one job only.
        spoilt: names of recording conditions under which the test rows are tested again.
        long_audio: compare windows, hops and joins on recordings of the validation speakers.
        callbacks: Keras callbacks for the training of a split, such as a progress bar.
        done: called with the result of each training as it ends.
    """
    dataset = dataset.for_recipe(recipe)
    tasks = [
        (recipe, dataset.merged(split.merged), split, seed, epochs, spoilt, long_audio)
        for seed in seeds
        for split in protocol.splits(dataset.utterances, seed)
    ]
    results = []
    if jobs == 1 or len(tasks) == 1:
        for task in tasks:
            results.append(_run_split(*task, callbacks(task[2])))
            done(results[-1])
    else:
        # Spawned, not forked: TensorFlow does not survive a fork.
        with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
            futures = [pool.submit(_run_split, *task) for task in tasks]
            for future in as_completed(futures):
                done(future.result())
            results = [future.result() for future in futures]
    return Evaluation(recipe, protocol, tuple(results))


def _run_split(
    recipe: Recipe,
    dataset: Dataset,
    split: Split,
    seed: int,
    epochs: int | None,
    spoilt: Sequence[str],
    long_audio: bool,
    callbacks: Iterable[Any] = (),
) -> SplitResult:
    trained = train(
        recipe,
        dataset,
        split.train,
        split.validation,
        seed=seed,
        epochs=epochs,
        callbacks=list(callbacks),
    )
    return SplitResult(
        split=split.name,
        seed=seed,
        tested=tuple(dataset.utterances[i] for i in split.test),
        truth=dataset.label_indices(recipe.labels)[split.test],
        probabilities=trained.probabilities(dataset.features[split.test]),
        best_epoch=trained.best_epoch,
        temperature=trained.temperature,
        uncertain_below=trained.uncertain_below,
        history=trained.history,
        spoilt={
            name: trained.probabilities(
                spoilt_features(dataset, split.test, recipe_features(recipe), name)
            )
            for name in spoilt
        },
        long_audio=score_long_audio(trained.predictor(), dataset, split.validation, seed=seed)
        if long_audio
        else {},
    )
