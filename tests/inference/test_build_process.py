"""A model built in a process of its own gives the same answers as one built in this process."""

import os
import signal
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from scripts.benchmark.memory import family
from ser.errors import ModelFileError
from ser.inference import build_process
from ser.inference.backends import build_openvino_model
from ser.inference.build_process import build_in_process
from ser.inference.predictor import Predictor
from ser.models.model_file import read_model_file
from ser.resources import DEFAULT_MODEL
from tests import make_models as models

FILES = Path("/proc/self/fd")


@pytest.fixture
def classic(tmp_path):
    path = tmp_path / "model.h5"
    models.write_keras2(path, metadata=models.metadata())
    return read_model_file(path)


@pytest.mark.parametrize("which", ["shipped", "classic"])
def test_its_answers_are_the_same_to_the_bit(which, classic, clip):
    model_file = read_model_file(DEFAULT_MODEL) if which == "shipped" else classic
    here, built = (
        Predictor.from_model_file(model_file, build)
        for build in (build_openvino_model, build_in_process)
    )
    x = np.random.default_rng(5).standard_normal((20, *model_file.features.shape), np.float32)
    for n in (1, 3, 20):
        np.testing.assert_array_equal(built.backend(x[:n]), here.backend(x[:n]))
    assert here.backend(x).std(axis=0).max() > 1e-3  # else any two models would agree
    assert built.predict(clip) == here.predict(clip)


def test_a_wrong_model_is_refused_in_the_same_words(classic):
    wrong = replace(classic, metadata=replace(classic.metadata, labels=("happy", "sad")))
    messages = []
    for build in (build_openvino_model, build_in_process):
        with pytest.raises(ModelFileError, match="2 labels, but output") as raised:
            build(wrong)
        messages.append(str(raised.value))
    assert messages[0] == messages[1]


def test_a_failed_build_is_logged_with_its_reason(classic, caplog):
    with pytest.raises(ValueError, match="has no Keras layers"):
        build_in_process(replace(classic, architecture=None))
    assert "the build process ended with 1: ValueError" in caplog.text


def test_if_the_build_process_is_killed_this_process_builds_the_model(classic, monkeypatch, caplog):
    class Killed(subprocess.Popen):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.kill()

    monkeypatch.setattr(build_process.subprocess, "Popen", Killed)
    built, x = build_in_process(classic), np.ones((2, *classic.features.shape), np.float32)
    assert f"the build process ended with {-signal.SIGKILL}" in caplog.text
    np.testing.assert_array_equal(built(x), build_openvino_model(classic)(x))


@pytest.mark.parametrize("program", ["/no/such/python", "/bin/false", "/bin/true", "/bin/cat"])
def test_if_no_python_can_be_started_this_process_builds_the_model(
    program, classic, monkeypatch, caplog
):
    monkeypatch.setattr(build_process.sys, "executable", program)
    assert build_in_process(classic).export()
    assert "process" in caplog.text


@pytest.mark.skipif(not FILES.is_dir(), reason="this system has no /proc")
def test_no_process_and_no_open_file_is_left(classic):
    before = family(os.getpid()), len(list(FILES.iterdir()))
    build_in_process(classic)
    assert (family(os.getpid()), len(list(FILES.iterdir()))) == before
