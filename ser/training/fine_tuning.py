"""Fine-tuning: a trained network goes on with other clips, and perhaps with other labels.

First the last layer learns, then all layers at a tenth of the rate: Howard & Ruder 2018, "Universal
language model fine-tuning for text classification", arXiv 1801.06146, calls it gradual unfreezing.
"""

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ser.corpora import Utterance
from ser.data.augmented_rows import load_spectrograms
from ser.data.dataset import Dataset
from ser.data.hold_out import partition_speakers
from ser.errors import UsageError
from ser.metrics import uar
from ser.models.calibration import apply_temperature, fit_temperature, fit_threshold
from ser.models.model_file import ModelFile, read_model_file, write_metadata
from ser.models.recipes import KerasRecipe, recipe_features
from ser.training.keras_training import (
    TRAINING_BACKEND,
    loss_of,
    mean_of,
    network_probabilities,
    training_data,
)
from ser.training.train import Trained, save

FOLDS = 4
# Not tuned: a few hundred small steps, so that a few clips are not learned by heart.
HEAD_STEPS, HEAD_RATE = 100, 2e-3
STEPS, RATE = 200, 2e-4


@dataclass(frozen=True)
class FineTuned:
    """A fine-tuned model, and what it gained on clips that were held out.

    Attributes:
        trained: fitted on all clips. Its calibration is fitted on the held-out answers.
        start: the model file that it began with.
        before, after: UAR of the start model and of the fine-tuned one, each clip answered by a
            network that was not fine-tuned on it; 0 to 1.
        by_speaker: whether whole speakers were held out, or clips of speakers who were not.
    """

    trained: Trained
    start: ModelFile
    before: float
    after: float
    by_speaker: bool


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
    os.environ.setdefault("KERAS_BACKEND", TRAINING_BACKEND)
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
    import keras

    model_file = read_model_file(start)
    _check(recipe, model_file, dataset)
    started = keras.models.load_model(start, compile=False)
    truth, labels = dataset.label_indices(recipe.labels), model_file.metadata.labels
    folds, by_speaker = _folds(dataset.utterances, seed)
    clips = None
    if recipe.augmentation:
        clips = load_spectrograms(
            dataset, recipe_features(recipe), recipe.augmentation, recipe.labels
        )

    def tuned(rows: np.ndarray) -> Any:
        return mean_of(
            [
                _tune(recipe, member, labels, dataset, rows, clips, seed + n)
                for n, member in enumerate(_members(started))
            ]
        )

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
    temperature = fit_temperature(raw, truth)
    probabilities = apply_temperature(raw, temperature)
    predicted = probabilities.argmax(axis=1)
    trained = Trained(
        recipe,
        final,
        temperature=temperature,
        uncertain_below=fit_threshold(probabilities.max(axis=1), predicted == truth),
        held_out=tuple(held_out),
    )
    before = _answers(network_probabilities(started, dataset.features), labels, recipe.labels)
    return FineTuned(trained, model_file, uar(truth, before), uar(truth, predicted), by_speaker)


def save_fine_tuned(tuned: FineTuned, path: Path, dataset: Dataset) -> None:
    """Write the model file of a fine-tuned model; it replaces `path` in one step.

    It names the corpora and the licences of both trainings.
    """
    start = tuned.start.metadata
    held_out = "speakers" if tuned.by_speaker else "clips"
    partial = path.with_name(f".{path.stem}.tuned{path.suffix}")
    save(
        tuned.trained,
        partial,
        dataset,
        split=f"fine-tuned from {start.name} {tuned.start.version} on every clip; confidences "
        f"fitted on {held_out} held out",
    )
    own = replace(read_model_file(partial).metadata, name=tuned.trained.recipe.name)
    corpora = {
        corpus: start.corpora.get(corpus, 0) + own.corpora.get(corpus, 0)
        for corpus in {**start.corpora, **own.corpora}
    }
    licences = dict.fromkeys([*start.licence.split("; "), *own.licence.split("; ")])
    licence = "; ".join(text for text in licences if text)
    write_metadata(partial, replace(own, corpora=corpora, licence=licence))
    partial.replace(path)


def _check(recipe: KerasRecipe, model_file: ModelFile, dataset: Dataset) -> None:
    metadata = model_file.metadata
    if metadata.recipe != recipe.name:
        its = metadata.recipe or "unknown"
        raise UsageError(
            f"{model_file.path} is of recipe {its!r}, not {recipe.name!r}: "
            + (f"ser train {its} --from …" if metadata.recipe else "it cannot be fine-tuned")
        )
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


def _members(model: Any) -> list[Any]:
    """Return the networks of an ensemble, or the one network."""
    import keras

    if isinstance(model.layers[-1], keras.layers.Average):
        return [layer for layer in model.layers if isinstance(layer, keras.Model)]
    return [model]


def _tune(
    recipe: KerasRecipe,
    start: Any,
    labels: Sequence[str],
    dataset: Dataset,
    rows: np.ndarray,
    clips: Any,
    seed: int,
) -> Any:
    """Return a fine-tuned copy of one network."""
    import keras

    keras.utils.set_random_seed(seed)
    model = _with_labels(start, labels, recipe.labels)
    own = clips.only(rows) if clips is not None else None
    head = _layers(model)[-1]
    for steps, rate, layers in ((HEAD_STEPS, HEAD_RATE, [head]), (STEPS, RATE, _layers(model))):
        _train_only(model, layers)
        model.compile(
            keras.optimizers.AdamW(rate), loss_of(recipe), steps_per_execution=steps
        )  # fmt: skip
        model.fit(**_batches(recipe, dataset, rows, own, steps, seed), verbose=0)
    model.trainable = True  # the file says nothing of what was frozen
    return model


def _batches(
    recipe: KerasRecipe, dataset: Dataset, rows: np.ndarray, clips: Any, steps: int, seed: int
) -> dict[str, Any]:
    """Return the data arguments of `fit` for one epoch of so many batches."""
    data = training_data(recipe, dataset, rows, clips, seed)
    if "steps_per_epoch" in data:
        return data | {"steps_per_epoch": steps}
    n, rng = len(data["x"]), np.random.default_rng(seed)
    passes = -(-steps * recipe.batch_size // n)
    drawn = np.concatenate([rng.permutation(n) for _ in range(passes)])[: steps * recipe.batch_size]
    return data | {"x": data["x"][drawn], "y": data["y"][drawn], "shuffle": False}


def _train_only(model: Any, layers: Sequence[Any]) -> None:
    """Freeze all layers but some; batch normalisation keeps the statistics of the first training.

    A few clips have other statistics, and none that are worth more.
    """
    import keras

    chosen = {id(layer) for layer in layers}
    for layer in _layers(model):
        is_normalisation = isinstance(layer, keras.layers.BatchNormalization)
        layer.trainable = id(layer) in chosen and not is_normalisation


def _layers(model: Any) -> list[Any]:
    """Return all layers of a model, those of the models in it instead of these models."""
    import keras

    return [
        layer
        for outer in model.layers
        for layer in (_layers(outer) if isinstance(outer, keras.Model) else [outer])
    ]


def _with_labels(model: Any, old: Sequence[str], new: Sequence[str]) -> Any:
    """Return a copy of a network with outputs for other labels; it keeps what it knows of old ones.

    Raises:
        UsageError: its last layer is no dense layer.
    """
    import keras

    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    if tuple(old) == tuple(new):
        return copy
    last = copy.layers[-1]
    if isinstance(last, keras.Model):  # a network behind the layer that scales its features
        inputs, rescaling = keras.Input(copy.input_shape[1:]), copy.layers[-2]
        return keras.Model(inputs, _with_labels(last, old, new)(rescaling(inputs)))
    if not isinstance(last, keras.layers.Dense):
        raise UsageError(f"the last layer is a {type(last).__name__}: other labels need a Dense")
    dense = keras.layers.Dense(len(new), activation="softmax", name=last.name)
    changed = keras.Model(copy.inputs[0], dense(last.input))
    old_weights, weights = last.get_weights(), dense.get_weights()
    for i, label in enumerate(new):
        if label in old:
            for of_new, of_old in zip(weights, old_weights, strict=True):
                of_new[..., i] = of_old[..., list(old).index(label)]
    dense.set_weights(weights)
    return changed


def _answers(probabilities: np.ndarray, old: Sequence[str], new: Sequence[str]) -> np.ndarray:
    """Return the start model's answers among the new labels: indices, shape (n,).

    A label that it does not know is never its answer.
    """
    known = [i for i, label in enumerate(new) if label in old]
    if not known:
        return np.full(len(probabilities), -1)
    among = probabilities[:, [list(old).index(new[i]) for i in known]]
    return np.array(known)[among.argmax(axis=1)]
