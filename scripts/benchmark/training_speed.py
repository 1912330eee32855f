"""Measure how fast conv1d-frames trains on a FOLDER, and how fast its batches are made.

Prints JSON, in milliseconds: making a batch; a training step on batches made before; a step on
batches made when needed. If the last two are alike, making batches is no bottleneck.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["TF_NUM_INTRAOP_THREADS"] = "1"  # as trainings run

from ser.augmentation import batches
from ser.data.augmented_rows import load_spectrograms
from ser.data.dataset import load_dataset
from ser.models.recipes import RECIPES, recipe_features
from ser.training.keras_training import compile_network
from ser.training.training_data import prefetched

# isort: split
# After ser, which limits NumPy's matrix products to one thread.
import keras
import numpy as np


def main(folder: Path) -> dict[str, float]:
    """Return the three figures."""
    recipe = RECIPES["conv1d-frames"]
    features, steps, size = recipe_features(recipe), recipe.steps_per_epoch, recipe.batch_size
    dataset = load_dataset([folder], features)
    clips = load_spectrograms(dataset, features, recipe.augmentation, recipe.labels)
    n_mfcc = features.params["n_mfcc"]
    stream = batches(clips, recipe.augmentation, batch_size=size, n_mfcc=n_mfcc, seed=0)
    targets = np.eye(len(recipe.labels))
    fresh = ((x, targets[y]) for x, y in stream)

    model = recipe.build(features.shape, len(recipe.labels))
    compile_network(recipe, model, len(dataset.utterances), keras.losses.CategoricalCrossentropy())

    def train(source: Any) -> None:
        model.fit(prefetched(source), steps_per_epoch=steps, shuffle=False, verbose=0)

    made = list(islice(fresh, steps))
    train(iter(made))  # traces the graph
    return {
        "a batch alone": _each(lambda: list(islice(fresh, steps)), steps),
        "a step on batches made before": _each(lambda: train(iter(made)), steps),
        "a step with its batch": _each(lambda: train(fresh), steps),
    }


def _each(call: Callable[[], Any], steps: int) -> float:
    began = time.perf_counter()
    call()
    return 1e3 * (time.perf_counter() - began) / steps


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]))))
