"""An evaluation that was stopped goes on; its results are those of one that was not."""

import sys

import pytest

from ser.augmentation import CORRUPTIONS
from ser.data.dataset import load_dataset
from ser.data.splits import find_protocol
from ser.errors import UsageError
from ser.evaluation import evaluate
from ser.models.recipes import RECIPES, recipe_features

module = sys.modules["ser.evaluation.evaluate"]  # the package exports the function so named
RECIPE = RECIPES["tree-mfcc40"]
SPOILT = (CORRUPTIONS[0], "babble 20 dB")


@pytest.fixture(scope="module")
def dataset(tiny_corpus):
    return load_dataset([tiny_corpus], recipe_features(RECIPE))


def run(dataset, **options):
    return evaluate(RECIPE, dataset, find_protocol("loso"), corrupted=SPOILT, **options)


def test_what_is_done_is_not_done_again(dataset, tmp_path, monkeypatch):
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


def test_another_seed_or_other_data_is_done_anew(dataset, tmp_path, monkeypatch):
    run(dataset, folder=tmp_path)

    def fails(*args, **options):
        raise UsageError("trained")

    monkeypatch.setattr(module, "train", fails)
    run(dataset, folder=tmp_path)
    with pytest.raises(UsageError, match="trained"):
        run(dataset, folder=tmp_path, seeds=(1,))
    with pytest.raises(UsageError, match="trained"):
        run(dataset.select(range(1, len(dataset.utterances))), folder=tmp_path)


def test_processes_give_the_same_as_one(dataset):
    assert run(dataset, jobs=2).summary() == run(dataset).summary()


def test_every_figure_has_its_spread(dataset):
    """Over seeds and over speakers, those of each emotion, sex and intensity too."""
    figures = run(dataset, seeds=(0, 1)).summary()
    for spread in (figures["sd"], figures["interval"]):
        assert {"uar", "accuracy", "macro_f1", "ece"} <= spread.keys()
        for name in ("recall", "precision", "uar_by_sex", "uar_by_intensity"):
            assert spread[name].keys() == figures[name].keys(), name
    for label, (low, high) in figures["interval"]["recall"].items():
        if figures["recall"][label] is not None:
            assert low <= figures["recall"][label] <= high, label
