"""Measure what `ser train --from` makes of a few clips of a corpus that the model never heard.

Half of the speakers give the clips, the other half tests: the table of docs/own-data.md.
"""

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from ser.cli import run
from ser.cli.options import extraction_progress, note
from ser.data.augmented_rows import spectrograms_of
from ser.data.dataset import Dataset, load_dataset
from ser.data.hold_out import partition_speakers
from ser.metrics import uar
from ser.models.label_sets import find_label_set
from ser.models.model_file import read_model_file
from ser.models.recipes import KerasRecipe, as_recipe, recipe_features
from ser.models.recipes.conv1d_frames import WARMUP, optimizer
from ser.training.fine_tuning import answers_among
from ser.training.keras_training import network_probabilities, use_training_backend
from ser.training.network_tuning import tune_model
from ser.training.train import train

SCRATCH_EPOCHS = 2  # so few clips are known by heart after it
WAYS = ("as it is", "fine-tuned", "from scratch")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("start", type=Path, metavar="M.h5", help="trained without the corpus")
    parser.add_argument("corpus", type=Path, metavar="DIR", help="folder of the corpus")
    parser.add_argument("--clips", type=int, nargs="+", default=[10, 30, 100], help="of each label")
    parser.add_argument("--draws", type=int, default=3, help="how often clips are drawn")
    parser.add_argument("--half", type=int, choices=(0, 1), default=1, help="of speakers: tests")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    options = parser.parse_args()
    use_training_backend()
    import keras

    metadata = read_model_file(options.start).metadata
    start = keras.models.load_model(options.start, compile=False)
    recipe = as_recipe(metadata.recipe)
    dataset = load_dataset([options.corpus], recipe_features(recipe), progress=extraction_progress)
    own = ",".join(dict.fromkeys(u.emotion for u in dataset.utterances))
    recipe = as_recipe(recipe, label_set=find_label_set(own))
    dataset = dataset.for_recipe(recipe)
    clips = spectrograms_of(recipe, dataset)
    halves = partition_speakers(dataset.utterances, np.arange(len(dataset.utterances)), 2)
    test, pool = halves[options.half], halves[1 - options.half]
    speakers = [len({dataset.utterances[i].speaker for i in half}) for half in (pool, test)]
    print(
        f"{options.corpus.name}: clips of {speakers[0]} speakers, tested on {len(test)} clips of "
        f"{speakers[1]} others; UAR, mean of {options.draws} draws (lowest – highest)\n"
    )
    print("| clips of each label |", " | ".join(options.ways), "|")
    print("|---|" + "---|" * len(options.ways))
    truth, x = dataset.label_indices(recipe.labels)[test], dataset.features[test]
    for n in options.clips:
        found: dict[str, list[float]] = {way: [] for way in options.ways}
        for seed, rows in enumerate(_draws(recipe, dataset, pool, n, options.draws)):
            for way in options.ways:
                if way == "as it is":
                    probabilities = network_probabilities(start, x)
                    answers = answers_among(probabilities, metadata.labels, recipe.labels)
                elif way == "fine-tuned":
                    facts = metadata.labels, dataset, rows, clips, seed
                    answers = network_probabilities(tune_model(recipe, start, *facts), x).argmax(1)
                else:
                    answers = _from_scratch(recipe, dataset, rows, seed, x)
                found[way].append(100 * uar(truth, answers))
                note(f"{n} clips, draw {seed}, {way}: {found[way][-1]:.1f}")
        cells = [f"{np.mean(s):.1f} ({min(s):.1f} – {max(s):.1f})" for s in found.values()]
        print(f"| {n} |", " | ".join(cells), "|", flush=True)
    return 0


def _draws(
    recipe: KerasRecipe, dataset: Dataset, pool: np.ndarray, n: int, draws: int
) -> Iterator[np.ndarray]:
    """Yield rows of `n` clips of each label, drawn anew each time."""
    labels = dataset.label_indices(recipe.labels)
    for seed in range(draws):
        rng = np.random.default_rng(seed)
        of_labels = [pool[labels[pool] == label] for label in range(len(recipe.labels))]
        yield np.concatenate([rng.choice(own, n, replace=False) for own in of_labels])


def _from_scratch(
    recipe: KerasRecipe, dataset: Dataset, rows: np.ndarray, seed: int, x: np.ndarray
) -> np.ndarray:
    """Return the answers to features of a network that learned from the rows alone."""
    steps = SCRATCH_EPOCHS * (recipe.steps_per_epoch or 0)
    short = replace(recipe, optimizer=optimizer(steps, WARMUP, 0.995))
    none = np.array([], dtype=int)
    trained = train(short, dataset, rows, none, seed=seed, epochs=SCRATCH_EPOCHS)
    return trained.raw_probabilities(x).argmax(axis=1)


if __name__ == "__main__":
    run(main)
