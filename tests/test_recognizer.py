"""The library in one class, the examples of its documentation, and grid searches."""

import doctest
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from ser.corpora import Utterance
from ser.data.dataset import Dataset, load_dataset
from ser.errors import UsageError
from ser.features import FEATURE_SETS
from ser.models.label_sets import find_label_set
from ser.models.recipes import RECIPES, as_recipe
from ser.recognizer import EmotionRecognizer
from ser.training.grid_search import SearchResult, compare, folds, load_best, save_best, search
from tests import synth
from tests.conftest import ROOT, run_training

THREE = ["sad", "neutral", "happy"]
NUMBERS = FEATURE_SETS["mfcc40-mean"]


def recognizer(model, data, **options):
    options = {"emotions": THREE, "features": "mfcc40-mean", "data": data} | options
    return EmotionRecognizer(model, **options)


def any_clip(folder: Path) -> Path:
    return next(folder.rglob("*.wav"))


def test_the_examples_of_the_documentation(tiny_corpus, tmp_path):
    names = {"data": tiny_corpus, "clip": any_clip(tiny_corpus), "folder": tmp_path}
    result = doctest.testfile(str(ROOT / "docs" / "library.md"), module_relative=False, globs=names)
    assert result.attempted > 20
    assert result.failed == 0


@pytest.mark.parametrize(
    "model",
    [
        make_pipeline(StandardScaler(), LogisticRegression()),
        RandomForestRegressor(20, random_state=0),
        "svr-180-five",
    ],
    ids=["pipeline", "regressor", "recipe"],
)
def test_any_model(model, tiny_corpus):
    own = recognizer(model, tiny_corpus)
    own.train()
    assert own.emotions == tuple(THREE)
    assert own.train_score() >= 1 / 3
    assert set(own.predict_proba(any_clip(tiny_corpus))) == set(THREE)


def test_no_speaker_is_in_two_parts_and_the_parts_are_balanced(tmp_path):
    from tests.conftest import write_corpus

    corpus = write_corpus(tmp_path / "corpus", speakers=range(1, 13), emotions=(1, 3, 4))
    for path in sorted(corpus.rglob("03-01-04-*"))[:6]:  # the sad clips of half the speakers
        path.unlink()
    counts = recognizer("svc-mfcc40", corpus).get_samples_by_class()["train"]
    assert 0 < counts["sad"] < counts["happy"] == counts["neutral"]
    own = recognizer("svc-mfcc40", corpus, balance=True)
    table = own.get_samples_by_class()
    own.train()
    speakers = {
        part: {own._dataset.utterances[i].speaker for i in rows} for part, rows in own._rows.items()
    }
    assert all(speakers.values())
    assert sum(map(len, speakers.values())) == len(set.union(*speakers.values()))
    assert set(table["train"][THREE]) == {counts["sad"]}
    assert table.loc["total", "total"] == table.loc[THREE, "total"].sum()


def test_the_best_on_validation_is_kept(tiny_corpus, tmp_path):
    own = recognizer(None, tiny_corpus)
    ranking = own.determine_best_model(["svc-mfcc40", "tree-mfcc40"], searched=tmp_path)
    assert list(ranking.values()) == sorted(ranking.values(), reverse=True)
    assert own.recipe.name == next(iter(ranking))
    assert own._scores("validation").uar == next(iter(ranking.values()))


def test_models_with_the_same_name_are_ranked_separately(tiny_corpus, tmp_path):
    dummy, svc = (make_pipeline(StandardScaler(), m) for m in (DummyClassifier(), SVC()))
    own = recognizer(None, tiny_corpus)
    ranking = own.determine_best_model([dummy, svc], searched=tmp_path)
    assert list(ranking) == ["Pipeline 2", "Pipeline"]
    assert ranking["Pipeline"] == pytest.approx(1 / 3)
    assert own.recipe.name == "Pipeline 2"
    assert own._scores("validation").uar == ranking["Pipeline 2"] > 1 / 3


def test_two_speakers_are_too_few(tmp_path):
    for voice in ("OAF", "YAF"):
        for emotion in ("sad", "happy", "neutral"):
            (tmp_path / f"{voice}_tea_{emotion}.wav").write_bytes(synth.wav(synth.voice(0.5)))
    with pytest.raises(UsageError, match=r"three speakers are needed.*the data has 2: tess-OAF"):
        recognizer("svc-mfcc40", tmp_path).train()


def test_counts_instead_of_percent(tiny_corpus):
    own = recognizer("svc-mfcc40", tiny_corpus)
    own.train()
    counts = own.confusion_matrix(percentage=False, labeled=False)
    assert counts.sum() == len(own._rows["test"])
    assert own.test_score() == counts.trace() / counts.sum()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda r: r.predict("x.wav"), r"call train\(\) first"),
        (lambda r: r.test_score(), r"call train\(\) first"),
        (lambda r: r.save("x.skops"), r"call train\(\) first"),
        (lambda r: EmotionRecognizer("svc-180").train(), "give data="),
        (lambda r: EmotionRecognizer("svc-99"), "unknown recipe 'svc-99'; known: "),
        (lambda r: EmotionRecognizer(emotions=["sad", "blue"]), "unknown emotion 'blue'"),
        (
            lambda r: EmotionRecognizer(emotions=["sad"]),
            "'sad' is a single emotion; a model needs two or more",
        ),
        (lambda r: EmotionRecognizer(features="mfcc1"), "unknown feature set 'mfcc1'"),
    ],
)
def test_usage_errors(call, words, tiny_corpus):
    with pytest.raises(UsageError, match=words):
        call(recognizer("svc-mfcc40", tiny_corpus))


def test_a_model_file_needs_the_suffix_of_its_kind(tiny_corpus, tmp_path):
    own = recognizer("svc-mfcc40", tiny_corpus)
    own.train()
    with pytest.raises(UsageError, match=r"must end in \.skops"):
        own.save(tmp_path / "m.h5")


def test_a_search_and_its_stored_result(tiny_corpus, tmp_path):
    recipe = RECIPES["svc-mfcc40"]
    dataset = load_dataset([tiny_corpus], NUMBERS).for_recipe(recipe)
    found = search(recipe, dataset, most=3)
    assert found.tried == 3
    assert set(found.params) == {"C", "gamma"}
    assert 0 <= found.uar <= 1
    save_best(found, tmp_path)
    assert load_best(recipe, tmp_path).params == found.params
    assert load_best(RECIPES["tree-mfcc40"], tmp_path) == RECIPES["tree-mfcc40"]
    measured = compare(load_best(recipe, tmp_path), dataset)
    assert [m.share for m in measured] == [0.25, 0.5, 1.0]
    assert measured[0].clips < measured[-1].clips < len(dataset.utterances)
    assert all(m.fit_seconds > 0 for m in measured)


def test_a_search_scores_on_held_out_speakers(tiny_corpus):
    dataset = load_dataset([tiny_corpus], NUMBERS)
    for train, validation in folds(dataset, seed=0):
        voices = [{dataset.utterances[i].speaker for i in rows} for rows in (train, validation)]
        assert not voices[0] & voices[1]
    alone = dataset.select([i for i, u in enumerate(dataset.utterances) if u.speaker[-1] == "1"])
    with pytest.raises(UsageError, match="two speakers or more"):
        folds(alone, seed=0)
    with pytest.raises(
        UsageError, match=r"has no grid to search; these have: conv1d-mfcc40, .*svc-mfcc40"
    ):
        search(RECIPES["tree-mfcc40"], dataset)


class Counting(ClassifierMixin, BaseEstimator):
    """Records for each fit how many rows each class has."""

    fits: list = []  # noqa: RUF012 - of all copies

    def __init__(self, n=0):
        self.n = n

    def fit(self, x, y):
        self.fits.append(Counter(y.tolist()))
        self.classes_ = np.unique(y)
        return self

    def predict(self, x):
        return np.zeros(len(x), int)


@pytest.mark.parametrize("balance", [True, False])
def test_a_search_balances_if_the_recipe_does(balance):
    emotions = ["sad"] * 9 + ["happy"] * 3 + ["neutral"] * 6
    clips = [
        Utterance(path=Path("x"), emotion=emotion, speaker=f"s{i % 3}", corpus="c")
        for i, emotion in enumerate(emotions)
    ]
    dataset = Dataset(np.zeros((len(emotions), 40, 1), np.float32), tuple(clips))
    label_set = find_label_set(",".join(THREE))
    recipe = as_recipe(Counting(), label_set=label_set, balance=balance, grid={"n": [1, 2]})
    Counting.fits.clear()
    assert search(recipe, dataset).tried == 2
    assert len(Counting.fits) == 2 * 3
    expected = {0: 2, 1: 2, 2: 2} if balance else {0: 6, 1: 4, 2: 2}
    assert all(fit == expected for fit in Counting.fits)
    Counting.fits.clear()
    measured = compare(recipe, dataset)
    assert [sum(fit.values()) for fit in Counting.fits] == [m.clips for m in measured]
    assert Counting.fits[-1] == expected
    assert all(len(set(fit.values())) == 1 for fit in Counting.fits) == balance


def test_tuples_of_a_grid_are_tuples_again_after_json(tmp_path):
    params = {"hidden_layer_sizes": (200,), "alpha": 0.01}
    save_best(SearchResult("perceptron-180", params, 0.5, 1, 0.1), tmp_path)
    assert load_best(RECIPES["perceptron-180"], tmp_path).params == params


def test_a_regressor_of_other_emotions_gets_new_values():
    recipe = as_recipe("svr-180-five", label_set=find_label_set("sad,happy"))
    assert recipe.values == (0, 1)
    assert as_recipe("svr-180-five").values == (1, 2, 3, 4, 5)


# Networks train on TensorFlow, in another process: the backend of this one cannot train.
_NETWORKS = """
import sys
from pathlib import Path
import numpy as np
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from ser.data.dataset import load_dataset
from ser.models.sklearn_models import flat
from ser.models.recipes import RECIPES, recipe_features
from ser.recognizer import EmotionRecognizer
from ser.training.grid_search import search
from ser.training.sklearn_wrapper import as_estimator
from dataclasses import replace

data, out = map(Path, sys.argv[1:])
recipe = replace(RECIPES["conv1d-mfcc40"], epochs=2)
dataset = load_dataset([data], recipe_features(recipe)).for_recipe(recipe)
x, y = flat(dataset.features), dataset.label_indices(recipe.labels)
model = make_pipeline(StandardScaler(), as_estimator(recipe)).fit(x, y)
np.testing.assert_allclose(model.predict_proba(x).sum(axis=1), 1, atol=1e-5)
assert len(model[-1].history_.epoch) == 2, "the wrapper trains for the recipe's epochs"
np.testing.assert_array_equal(model.predict(x), model.predict_proba(x).argmax(axis=1))
assert len(cross_val_score(as_estimator(recipe), x, y, cv=2)) == 2
two = dataset.select([i for i, u in enumerate(dataset.utterances) if u.speaker[-1] in "12"])
assert search(recipe, two).tried == 3  # each in two folds

recognizer = EmotionRecognizer("conv1d-mfcc40", data=data, emotions=["sad", "happy"])
recognizer.train(epochs=2)
recognizer.save(out)
clip = next(data.rglob("*.wav"))
loaded = EmotionRecognizer.load(out).predict_proba(clip)
assert all(abs(loaded[k] - v) < 1e-4 for k, v in recognizer.predict_proba(clip).items())
"""


@pytest.mark.slow
def test_networks_as_estimators(tiny_corpus, tmp_path):
    run_training(_NETWORKS, tiny_corpus, tmp_path / "m.h5")
    own = EmotionRecognizer.load(tmp_path / "m.h5")
    assert own.emotions == ("sad", "happy")
    assert np.isclose(sum(own.predict_proba(any_clip(tiny_corpus)).values()), 1)
