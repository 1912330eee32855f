"""A killed training resumes and ends with the same result."""

import os
import signal
import subprocess
import sys
import time

import h5py
import numpy as np
import pytest

from tests.conftest import ROOT, training_environment

# `ser train`. The recipe that is an ensemble gets two members, a small network with batch
# normalisation and dropout, short epochs and few speeds.
TRAIN = f"""
import dataclasses, runpy
from ser.models.recipes import RECIPES

def build(shape, n_labels):
    from keras import Input, Model, layers
    inputs = Input((None, shape[-1]))
    x = layers.BatchNormalization()(layers.Conv1D(8, 5)(inputs))
    x = layers.Dropout(0.5)(layers.GlobalAveragePooling1D()(x))
    return Model(inputs, layers.Dense(n_labels, "softmax")(x))

recipe = RECIPES["conv1d-actors"]
few = dict(speeds=dict(ravdess=(1.0, 1.1)), telephone=dict(ravdess=(1.0,)))
augmentation = dataclasses.replace(recipe.augmentation, **few)
RECIPES[recipe.name] = dataclasses.replace(
    recipe, build=build, members=2, steps_per_epoch=6, augmentation=augmentation
)
runpy.run_path({str(ROOT / "scripts" / "train.py")!r}, run_name="__main__")
"""


def start(*arguments) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", TRAIN, *map(str, arguments)],
        env=training_environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def finish(*arguments) -> str:
    process = start(*arguments)
    _, stderr = process.communicate(timeout=280)
    assert process.returncode == 0, stderr
    return stderr


def weights(path) -> dict[str, np.ndarray]:
    found: dict[str, np.ndarray] = {}
    with h5py.File(path) as file:
        file["model_weights"].visititems(
            lambda name, node: found.update({name: node[()]}) if hasattr(node, "shape") else None
        )
    return found


@pytest.mark.slow
@pytest.mark.parametrize(
    ("recipe", "epochs", "total"), [("conv1d-mfcc40", 22, 22), ("conv1d-actors", 2, 4)]
)
def test_a_killed_training_resumes_to_the_same_result(tiny_corpus, tmp_path, recipe, epochs, total):
    """One recipe monitors validation; one has members, augmentation and averaged weights."""
    whole, killed = tmp_path / "whole.h5", tmp_path / "killed.h5"
    arguments = [recipe, "--data", tiny_corpus, "--epochs", epochs, "--report", tmp_path / "report"]
    progress = finish(*arguments, "--out", whole)
    assert f"0/{total} " in progress  # the progress bar is over all members
    assert f"{total}/{total} " in progress
    assert not (tmp_path / "whole.checkpoints").exists()

    checkpoints = tmp_path / "killed.checkpoints"
    process = start(*arguments, "--out", killed)
    deadline = time.monotonic() + 280
    while not list(checkpoints.glob("*[0-9a-f].npz")):
        assert process.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert not killed.exists()
    assert f"{total}/{total} " in finish(*arguments, "--out", killed)
    expected, found = weights(whole), weights(killed)
    assert expected.keys() == found.keys()
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values, err_msg=name)
