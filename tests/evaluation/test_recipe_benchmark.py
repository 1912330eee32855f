"""The benchmark of the recipes: which runs it plans, and which results are stale."""

import json
from dataclasses import replace

import numpy as np
import pytest

from ser.evaluation import recipe_benchmark as benchmark
from ser.models.recipes import RECIPES
from ser.reports.recipe_table import recipe_table


def kinds(name, data, **options):
    return [(r.kind, r.protocol) for r in benchmark.plan_runs([RECIPES[name]], [data], **options)]


def test_a_leaking_protocol_gets_a_run_on_unseen_speakers(tmp_path):
    assert sorted(kinds("mlp-180", tmp_path)) == [("published", "random:25"), ("unseen", "actors5")]
    assert kinds("conv1d8-mfcc216-male2", tmp_path) == [("published", "last-actors")]
    assert kinds("conv1d-actors", tmp_path) == [("unseen", "actors5")]


def test_published_features_are_used_if_they_are_available(tmp_path):
    (tmp_path / "in").mkdir()
    y = np.arange(120) % 8
    matrix = tmp_path / "in" / "mfcc40_5252.npz"
    np.savez(matrix, X=np.random.default_rng(0).normal(size=(120, 40)) + y[:, None], y=y)
    runs = benchmark.plan_runs([RECIPES["tree-mfcc40"]], [tmp_path], seeds=2)
    assert [run.matrix for run in runs if run.kind == "published"] == [matrix]
    (found,) = (benchmark.run_one(run) for run in runs if run.matrix)
    assert found["seeds"] == [0, 1]
    assert found["sd"]["accuracy"] is not None
    assert found["n"] == 40
    assert found["on"] == {"mfcc40_5252": 120}
    assert found["leaks"]


def test_the_longest_run_is_first_and_epochs_are_capped(tmp_path):
    runs = benchmark.plan_runs(
        [RECIPES["svc-180"], RECIPES["conv1d-mfcc40"]], [tmp_path], epochs=300
    )
    assert [run.n_epochs for run in runs] == [300, 300, None, None]
    (run,) = benchmark.plan_runs([RECIPES["conv1d-actors"]], [tmp_path], epochs=300)
    assert run.n_epochs == RECIPES["conv1d-actors"].epochs


@pytest.mark.parametrize(
    "change", [{"epochs": 5}, {"seeds": 2}, {"protocol": "loso"}, {"recipe": RECIPES["rnn-180"]}]
)
def test_the_result_of_another_run_does_not_count(tmp_path, change):
    (run, _) = benchmark.plan_runs([RECIPES["conv1d-mfcc40"]], [tmp_path])
    assert not benchmark.is_done(run, tmp_path)
    run.path(tmp_path).write_text(json.dumps({"key": run.key()}))
    assert benchmark.is_done(run, tmp_path)
    assert not benchmark.is_done(replace(run, **change), tmp_path)


def _other(shape, n_labels):
    raise NotImplementedError


@pytest.mark.parametrize(
    ("changed", "stale"),
    [({"note": "Other words."}, False), ({"batch_size": 8}, True), ({"build": _other}, True)],
)
def test_scores_of_a_changed_recipe_are_marked(tmp_path, changed, stale):
    recipe = RECIPES["conv1d-mfcc40"]
    (run, _) = benchmark.plan_runs([recipe], [tmp_path])
    figures = {"key": run.key(), "protocol": "published", "accuracy": 0.8, "on": {}}
    run.path(tmp_path).write_text(json.dumps(figures))
    changed = replace(recipe, **changed)
    runs = benchmark.plan_runs([changed], [tmp_path])
    assert benchmark.is_done(runs[0], tmp_path) != stale
    text = recipe_table([changed], benchmark.results(runs, tmp_path))
    assert ("| 80.0% † (`published`) |" in text) == stale


def test_scores_of_other_data_are_marked(tiny_corpus, tmp_path):
    recipe = RECIPES["tree-mfcc40"]
    runs = [run for run in benchmark.plan_runs([recipe], [tiny_corpus]) if run.kind == "unseen"]
    for run in runs:
        run.path(tmp_path).write_text(json.dumps({"key": run.key()}))
    assert not benchmark.results(runs, tmp_path)["tree-mfcc40"]["unseen"]["stale"]
    fewer = [replace(run, counts=(("ravdess", 1),)) for run in runs]
    assert benchmark.results(fewer, tmp_path)["tree-mfcc40"]["unseen"]["stale"]
