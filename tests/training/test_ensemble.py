"""An ensemble: each member holds its own speakers out, and together they train on all."""

import json
from pathlib import Path

import numpy as np
import pytest

from ser.corpora import Utterance
from ser.data.hold_out import partition_speakers
from tests.conftest import run_training


def spoken_by(*names: str) -> list[Utterance]:
    return [
        Utterance(path=Path(str(i)), emotion="sad", speaker=n, corpus="")
        for i, n in enumerate(names)
    ]


@pytest.mark.parametrize(
    ("names", "n", "expected"),
    [
        ("abcdabcd", 3, [[0, 3, 4, 7], [1, 5], [2, 6]]),
        ("abab", 3, [[0, 2], [1, 3]]),
        ("aabb", 1, [[0, 1, 2, 3]]),
        ("", 3, [[]]),
    ],
)
def test_all_rows_of_a_speaker_are_in_one_part(names, n, expected):
    rows = np.arange(len(names))
    assert [part.tolist() for part in partition_speakers(spoken_by(*names), rows, n)] == expected


def test_clips_of_unknown_speakers_are_partitioned_one_by_one():
    parts = partition_speakers(spoken_by("a", "", "", "", ""), np.array([1, 2, 4]), 2)
    assert [part.tolist() for part in parts] == [[1, 4], [2]]


# The features are noise and the emotions random: only a network that was trained on a clip
# predicts it correctly. One process trains both: TensorFlow takes seconds to start.
_MEMORISE = """
import dataclasses, json
from pathlib import Path
import keras, numpy as np
from ser.corpora import Utterance
from ser.data.dataset import Dataset
from ser.models.recipes import RECIPES
from ser.training.train import train

def build(shape, n_labels):
    return keras.Sequential([
        keras.Input(shape), keras.layers.Flatten(), keras.layers.Dense(128, "relu"),
        keras.layers.Dense(n_labels, "softmax"),
    ])

recipe = dataclasses.replace(
    RECIPES["conv1d-mfcc40"], build=build, batch_size=32,
    optimizer={"class_name": "Adam", "config": {"learning_rate": 1e-2}}, monitor=None,
)
rng = np.random.default_rng(0)
n = 480
utterances = tuple(
    Utterance(path=Path(str(i)), emotion=emotion, speaker=f"s{i % 12}", corpus="")
    for i, emotion in enumerate(rng.choice(recipe.labels, n).tolist())
)
dataset = Dataset(rng.standard_normal((n, 40, 1)).astype("f"), utterances)
held_out = np.array([i for i in range(n) if i % 12 >= 8])
rows = np.setdiff1d(np.arange(n), held_out)
truth = dataset.label_indices(recipe.labels)

def accuracy(truth, probabilities):
    return float((truth == probabilities.argmax(axis=1)).mean())

def memorise(members):
    trained = train(
        dataclasses.replace(recipe, members=members), dataset, rows, held_out, seed=0, epochs=8
    )
    return {
        "training": accuracy(truth[rows], trained.probabilities(dataset.features[rows])),
        "held out": accuracy(truth[held_out], trained.probabilities(dataset.features[held_out])),
        "validated": accuracy(*trained.validate(dataset)),
        "parts": [len(part) for part, _ in trained.held_out_models()],
        "temperature": trained.temperature,
    }

print(json.dumps([memorise(1), memorise(3)]))
"""


@pytest.fixture(scope="module")
def memorised() -> list[dict]:
    """Return the accuracies of a single network and of an ensemble of three."""
    return json.loads(run_training(_MEMORISE).splitlines()[-1])


def test_a_single_network_is_not_trained_on_held_out_speakers(memorised):
    network, _ = memorised
    assert network["training"] > 0.95
    assert network["held out"] == network["validated"] < 0.25  # chance is 0.125
    assert network["parts"] == [160]


def test_members_train_on_the_parts_of_others_and_validate_on_their_own(memorised):
    _, ensemble = memorised
    assert ensemble["training"] > 0.95
    assert ensemble["held out"] > 0.9  # two of three members were trained on each clip
    assert ensemble["validated"] < 0.25
    assert ensemble["parts"] == [80, 40, 40]
    assert ensemble["temperature"] > 2  # confident, and wrong
