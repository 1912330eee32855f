"""An interrupted evaluation resumes, and has the same results as one without a break."""

import sys
from dataclasses import replace

import pytest

from ser.augmentation import CORRUPTIONS
from ser.data.dataset import load_dataset
from ser.data.protocols import find_protocol
from ser.errors import UsageError
from ser.evaluation import evaluate
from ser.models.recipes import RECIPES, recipe_features

module = sys.modules["ser.evaluation.evaluate"]  # the room exports a function of the same name
RECIPE = RECIPES["tree-mfcc40"]
CONDITIONS = (CORRUPTIONS[0], "babble 20 dB")
RELATIVE = replace(RECIPE, name="relative", features="mfcc40-relative")


@pytest.fixture(scope="module")
def dataset(tiny_corpus):
    return load_dataset([tiny_corpus], recipe_features(RECIPE))


def run(dataset, **options):
    return evaluate(RECIPE, dataset, find_protocol("loso"), corrupted=CONDITIONS, **options)


def test_finished_trainings_are_not_repeated(dataset, tmp_path, monkeypatch):
    train, trained = module.train, []

    def interrupted(*args, **options):
        if len(trained) == 2:
            raise KeyboardInterrupt
        trained.append(options["seed"])
        return train(*args, **options)

    monkeypatch.setattr(module, "train", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(dataset, folder=tmp_path)
    assert len(trained) == 2

    counted: list[int] = []
    monkeypatch.setattr(
        module, "train", lambda *a, **k: counted.append(k["seed"]) or train(*a, **k)
    )
    resumed = run(dataset, folder=tmp_path)
    assert len(counted) == 4
    assert resumed.summary() == run(dataset).summary()


def test_another_seed_or_other_data_is_trained_again(dataset, tmp_path, monkeypatch):
    run(dataset, folder=tmp_path)

    def fails(*args, **options):
        raise UsageError("trained")

    monkeypatch.setattr(module, "train", fails)
    run(dataset, folder=tmp_path)
    with pytest.raises(UsageError, match="trained"):
        run(dataset, folder=tmp_path, seeds=(1,))
    with pytest.raises(UsageError, match="trained"):
        run(dataset.select(range(1, len(dataset.utterances))), folder=tmp_path)


def test_two_processes_give_the_same_scores(dataset):
    assert run(dataset, jobs=2).summary() == run(dataset).summary()


def test_every_score_has_a_deviation_and_an_interval(dataset):
    """Over seeds and over speakers, and also by emotion, sex and intensity."""
    figures = run(dataset, seeds=(0, 1)).summary()
    for spread in (figures["sd"], figures["interval"]):
        assert {"uar", "accuracy", "macro_f1", "ece"} <= spread.keys()
        for name in ("recall", "precision", "uar_by_sex", "uar_by_intensity"):
            assert spread[name].keys() == figures[name].keys(), name
    for label, (low, high) in figures["interval"]["recall"].items():
        if figures["recall"][label] is not None:
            assert low <= figures["recall"][label] <= high, label


def test_references_are_tested_under_every_condition(tiny_corpus, tmp_path):
    relative = load_dataset([tiny_corpus], recipe_features(RELATIVE))
    found = evaluate(
        RELATIVE, relative, find_protocol("loso"), corrupted=CONDITIONS, folder=tmp_path
    )
    for result in found.results:
        assert result.referenced.shape == result.probabilities.shape
        assert set(result.corrupted_referenced) == set(CONDITIONS)
    assert any((r.referenced != r.probabilities).any() for r in found.results)
    with_reference = found.summary()["with_reference"]
    assert set(with_reference["uar_by_condition"]) == set(CONDITIONS)
    again = evaluate(
        RELATIVE, relative, find_protocol("loso"), corrupted=CONDITIONS, folder=tmp_path
    )
    assert again.summary() == found.summary()
