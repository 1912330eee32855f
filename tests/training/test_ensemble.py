"""A network of several members: each leaves its own voices out, and together they hear all."""

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
def test_speakers_are_dealt_whole(names, n, expected):
    rows = np.arange(len(names))
    assert [part.tolist() for part in partition_speakers(spoken_by(*names), rows, n)] == expected


def test_clips_of_nobody_known_are_dealt_one_by_one():
    parts = partition_speakers(spoken_by("a", "", "", "", ""), np.array([1, 2, 4]), 2)
    assert [part.tolist() for part in parts] == [[1, 4], [2]]


# Noise with emotions drawn by lot: right is only who has heard the clip itself.
_MEMORISE = """
import dataclasses, json, sys
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
    optimizer={"class_name": "Adam", "config": {"learning_rate": 3e-3}},
    monitor=None, members=int(sys.argv[1]),
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
trained = train(recipe, dataset, rows, held_out, seed=0, epochs=30)

def right(truth, probabilities):
    return float((truth == probabilities.argmax(axis=1)).mean())

truth = dataset.label_indices(recipe.labels)
print(json.dumps({
    "training": right(truth[rows], trained.probabilities(dataset.features[rows])),
    "held out": right(truth[held_out], trained.probabilities(dataset.features[held_out])),
    "validated": right(*trained.validate(dataset)),
    "parts": [len(part) for part, _ in trained.held_out_models()],
    "temperature": trained.temperature,
}))
"""


def memorise(members: int) -> dict:
    return json.loads(run_training(_MEMORISE, members).splitlines()[-1])


def test_a_single_network_hears_no_voice_that_is_held_out():
    found = memorise(1)
    assert found["training"] > 0.95
    assert found["held out"] == found["validated"] < 0.25  # of 8 emotions, by lot
    assert found["parts"] == [160]


def test_members_hear_what_the_others_leave_out_and_are_judged_on_what_they_did_not():
    found = memorise(3)
    assert found["training"] > 0.95
    assert found["held out"] > 0.9  # two of three members have heard each clip
    assert found["validated"] < 0.25
    assert found["parts"] == [80, 40, 40]
    assert found["temperature"] > 2  # so sure, and so wrong
