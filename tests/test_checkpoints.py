"""A training that was killed gives what it would have given."""

import os
import signal
import subprocess
import sys
import time

import h5py
import numpy as np
import pytest

from tests.conftest import ROOT
from tests.test_scripts import run


def weights(path) -> dict[str, np.ndarray]:
    found: dict[str, np.ndarray] = {}
    with h5py.File(path) as file:
        file["model_weights"].visititems(
            lambda name, node: found.update({name: node[()]}) if hasattr(node, "shape") else None
        )
    return found


@pytest.mark.slow
@pytest.mark.parametrize(("recipe", "epochs"), [("conv1d-mfcc40", 100), ("conv1d-frames", 2)])
def test_a_killed_training_goes_on_to_the_same_result(tiny_corpus, tmp_path, recipe, epochs):
    """One monitors validation; one has members, augmentation and averaged weights."""
    whole, killed = tmp_path / "whole.h5", tmp_path / "killed.h5"
    arguments = [recipe, "--data", tiny_corpus, "--epochs", epochs, "--report", tmp_path / "report"]
    done = run("train.py", *arguments, "--out", whole)
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "whole.checkpoints").exists()

    checkpoints = tmp_path / "killed.checkpoints"
    command = [sys.executable, ROOT / "scripts" / "train.py", *arguments, "--out", killed]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("KERAS_")}
    process = subprocess.Popen(
        list(map(str, command)), env=environment, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    deadline = time.monotonic() + 280
    while not list(checkpoints.glob("*[0-9a-f].npz")):
        assert process.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not killed.exists()
    done = run("train.py", *arguments, "--out", killed)
    assert done.returncode == 0, done.stderr
    expected, found = weights(whole), weights(killed)
    assert expected.keys() == found.keys()
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values, err_msg=name)
