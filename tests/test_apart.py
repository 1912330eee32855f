"""A model that was built in a process of its own answers as one that was built here."""

import os
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import ser.apart
from scripts._memory import family
from ser import spawn
from ser.apart import build_apart
from ser.bundle import DEFAULT_MODEL, read_bundle
from ser.errors import ModelFileError
from ser.graph import imported_single
from ser.predictor import Predictor
from ser.runtime import build_graph
from tests import models

FILES = Path("/proc/self/fd")

pytestmark = pytest.mark.skipif(not spawn.possible(), reason="no files to inherit on this system")


@pytest.fixture
def classic(tmp_path):
    path = tmp_path / "model.h5"
    models.write_keras2(path, metadata=models.metadata())
    return read_bundle(path)


@pytest.mark.parametrize("which", ["shipped", "classic"])
def test_its_answers_are_the_same_to_the_bit(which, classic, clip):
    bundle = read_bundle(DEFAULT_MODEL) if which == "shipped" else classic
    here, apart = (Predictor.from_bundle(bundle, build) for build in (build_graph, build_apart))
    x = np.random.default_rng(5).standard_normal((20, *bundle.features.shape), np.float32)
    for n in (1, 3, 20):
        np.testing.assert_array_equal(apart.scorer(x[:n]), here.scorer(x[:n]))
    assert here.scorer(x).std(axis=0).max() > 1e-3  # or any two would be alike
    assert apart.predict(clip) == here.predict(clip)


def test_without_the_graph_for_single_windows_it_answers_alike(classic):
    with_it, without = build_apart(classic), build_apart(classic, with_single=False)
    x = np.random.default_rng(6).standard_normal((5, *classic.features.shape), np.float32)
    for n in (1, 5):
        np.testing.assert_allclose(without(x[:n]), with_it(x[:n]), atol=1e-6)
    assert imported_single(without.export_single())(x[:1]) == pytest.approx(with_it(x[:1]))


def test_what_is_wrong_with_a_model_is_told_in_the_same_words(classic):
    wrong = replace(classic, metadata=replace(classic.metadata, labels=("happy", "sad")))
    told = []
    for build in (build_graph, build_apart):
        with pytest.raises(ModelFileError, match="2 labels, but output") as raised:
            build(wrong)
        told.append(str(raised.value))
    assert told[0] == told[1]


def test_a_fault_is_told_with_its_place(classic):
    with pytest.raises(RuntimeError, match=r"(?s)process that builds.*has no graph"):
        build_apart(replace(classic, architecture=None))


def test_where_a_builder_is_ended_the_model_is_built_here(classic, monkeypatch, caplog):
    def spawn_and_end(module, inherited):
        process = spawn.spawn(module, inherited)
        process.kill()
        return process

    monkeypatch.setattr(ser.apart, "spawn", spawn_and_end)
    apart, x = build_apart(classic), np.ones((2, *classic.features.shape), np.float32)
    assert f"built the model ended with {-signal.SIGKILL}" in caplog.text
    np.testing.assert_array_equal(apart(x), build_graph(classic)(x))


@pytest.mark.parametrize("program", ["/no/such/python", "/bin/false", "/bin/cat"])
def test_where_no_python_can_be_started_the_model_is_built_here(
    program, classic, monkeypatch, caplog
):
    monkeypatch.setattr(spawn.sys, "executable", program)
    assert build_apart(classic).export_single()
    assert "process" in caplog.text


@pytest.mark.skipif(not FILES.is_dir(), reason="no /proc to look into")
def test_nothing_of_it_stays(classic):
    before = family(os.getpid()), len(list(FILES.iterdir()))
    build_apart(classic)
    assert (family(os.getpid()), len(list(FILES.iterdir()))) == before
