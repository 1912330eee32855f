"""Fine-tuning: a trained model goes on with other clips, and perhaps with other labels."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ser.corpora import Utterance
from ser.data.augmented_rows import spectrograms_of
from ser.data.dataset import Dataset
from ser.data.hold_out import partition_speakers
from ser.errors import UsageError
from ser.filenames import show_path
from ser.metrics import uar
from ser.models.model_file import ModelFile, read_model_file, write_metadata
from ser.models.recipes import RECIPES, KerasRecipe
from ser.training.confidences import why_not_fitted
from ser.training.keras_training import network_probabilities, use_training_backend
from ser.training.network_tuning import tune_model
from ser.training.train import Trained, calibrated, save

FOLDS = 4


@dataclass(frozen=True)
class FineTuned:
    """A fine-tuned model, and what it gained on clips that were held out.

    Attributes:
        trained: fitted on all clips. Its calibration is fitted on the held-out answers, or that
            of the start model if these are too few.
        start: the model file that it began with.
        before, after: UAR of the start model and of the fine-tuned one, each clip answered by a
            network that was not fine-tuned on it; 0 to 1.
        by_speaker: whether whole speakers were held out, or clips of speakers who were not.
        why_not_fitted: why the calibration is that of the start model; empty if it is not.
    """

    trained: Trained
    start: ModelFile
    before: float
    after: float
    by_speaker: bool
    why_not_fitted: str


def fine_tune(
    recipe: KerasRecipe,
    start: Path,
    dataset: Dataset,
    *,
    seed: int,
    progress: Callable[[Iterable[Any]], Iterable[Any]] = lambda steps: steps,
) -> FineTuned:
    """Fine-tune the networks of a model file on a dataset.

    The clips are divided into up to `FOLDS` folds: of whole speakers where two or more are known,
    else of clips. Each fold is answered by networks that are fine-tuned on the others.

    Args:
        recipe: of the model file, with the labels to tell apart.
        start: a Keras model file of this recipe.
        dataset: its emotions are the classes of the recipe.
        progress: wraps the trainings, such as in a progress bar.

    Raises:
        UsageError: the model file is of another recipe, or an emotion has a single clip.
        ModelFileError: it cannot be read.
    """
    use_training_backend()
    import keras

    model_file = read_start(start, recipe)
    _check_clips(recipe, dataset)
    started = keras.models.load_model(start, compile=False)
    truth, labels = dataset.label_indices(recipe.labels), model_file.metadata.labels
    folds, by_speaker = _folds(dataset.utterances, seed)
    clips = spectrograms_of(recipe, dataset)

    def tuned(rows: np.ndarray) -> Any:
        return tune_model(recipe, started, labels, dataset, rows, clips, seed)

    everything = np.arange(len(truth))
    raw = np.empty((len(truth), len(recipe.labels)))
    held_out, final = [], None
    for fold in progress([*folds, None]):
        if fold is None:
            final = tuned(everything)
            continue
        model = tuned(np.setdiff1d(everything, fold))
        raw[fold] = network_probabilities(model, dataset.features[fold])
        held_out.append((fold, model))
    trained = Trained(recipe, final, held_out=tuple(held_out))
    emotions = [u.emotion for u in dataset.utterances]
    if reason := why_not_fitted(emotions, emotions):
        its = model_file.metadata
        trained = replace(trained, temperature=its.temperature, uncertain_below=its.uncertain_below)
    else:
        trained = calibrated(trained, truth, raw)
    before = answers_among(network_probabilities(started, dataset.features), labels, recipe.labels)
    after = raw.argmax(axis=1)  # the temperature changes no answer
    uars = uar(truth, before), uar(truth, after)
    return FineTuned(trained, model_file, *uars, by_speaker, reason)


def save_fine_tuned(tuned: FineTuned, path: Path, dataset: Dataset) -> None:
    """Write the model file of a fine-tuned model; it replaces `path` in one step.

    It names the corpora and the licences of both trainings.
    """
    start = tuned.start.metadata
    fitted = f"fitted on {'speakers' if tuned.by_speaker else 'clips'} held out"
    partial = path.with_name(f".{path.stem}.tuned{path.suffix}")
    save(
        tuned.trained,
        partial,
        dataset,
        split=f"fine-tuned from {start.name} {tuned.start.version} on every clip; confidences "
        + ("as there" if tuned.why_not_fitted else fitted),
    )
    own = read_model_file(partial).metadata
    corpora = {
        corpus: start.corpora.get(corpus, 0) + own.corpora.get(corpus, 0)
        for corpus in {**start.corpora, **own.corpora}
    }
    licences = dict.fromkeys([*start.licence.split("; "), *own.licence.split("; ")])
    licence = "; ".join(text for text in licences if text)
    write_metadata(partial, replace(own, corpora=corpora, licence=licence))
    partial.replace(path)


def read_start(path: Path, recipe: KerasRecipe) -> ModelFile:
    """Return a model file that a recipe can go on from.

    Raises:
        UsageError: it is of another recipe.
        ModelFileError: it cannot be read.
    """
    model_file = read_model_file(path)
    its = model_file.metadata.recipe
    if its != recipe.name:
        is_network = isinstance(RECIPES.get(its), KerasRecipe)
        raise UsageError(
            f"{show_path(path)} is of recipe {its or 'unknown'!r}, not {recipe.name!r}: "
            + (f"ser train {its} --from …" if is_network else "it cannot be fine-tuned")
        )
    return model_file


def _check_clips(recipe: KerasRecipe, dataset: Dataset) -> None:
    emotions = [u.emotion for u in dataset.utterances]
    few = sorted(e for e in set(emotions) if emotions.count(e) < 2)
    missing = sorted(set(recipe.labels) - set(emotions))
    if few or missing or len(set(emotions)) < 2:
        raise UsageError(
            "fine-tuning needs two clips or more of each of two emotions or more; "
            f"too few of {', '.join(few + missing) or 'all but ' + emotions[0]}"
        )


def _folds(utterances: Sequence[Utterance], seed: int) -> tuple[list[np.ndarray], bool]:
    """Return the row numbers of each fold, and whether no speaker is in two folds."""
    rows = np.arange(len(utterances))
    speakers = {u.speaker for u in utterances}
    if len(speakers) >= 2 and "" not in speakers:
        return partition_speakers(utterances, rows, FOLDS), True
    number = np.empty(len(rows), dtype=int)
    rng = np.random.default_rng(seed)
    emotions = np.array([u.emotion for u in utterances])
    for emotion in np.unique(emotions):
        own = rng.permutation(rows[emotions == emotion])
        number[own] = np.arange(len(own)) % FOLDS
    return [fold for n in range(FOLDS) if len(fold := rows[number == n])], False


def answers_among(probabilities: np.ndarray, old: Sequence[str], new: Sequence[str]) -> np.ndarray:
    """Return the start model's answers among the new labels: indices, shape (n,).

    A label that it does not know is never its answer.
    """
    known = [i for i, label in enumerate(new) if label in old]
    if not known:
        return np.full(len(probabilities), -1)
    among = probabilities[:, [list(old).index(new[i]) for i in known]]
    return np.array(known)[among.argmax(axis=1)]
