"""Scores by corpus, by hand; and two evaluations compared."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ser.corpora import Utterance
from ser.data import find_protocol
from ser.errors import UsageError
from ser.evaluation.comparison import compare_reports, save_answers
from ser.evaluation.corpus_scores import Predictions, corpus_scores
from ser.evaluation.results import Evaluation
from ser.evaluation.split_result import SplitResult
from ser.models.recipes import RECIPES
from ser.reports.corpus_tables import comparison_report, matrix_uars
from ser.reports.markdown import evaluation_report

LABELS = RECIPES["tree-mfcc40"].labels
INDEX = {label: i for i, label in enumerate(LABELS)}


def clip(corpus, speaker, emotion, number=0):
    return Utterance(
        path=Path(f"{corpus}-{speaker}-{emotion}-{number}"), emotion=emotion, corpus=corpus,
        speaker=f"{corpus}-{speaker}", sex="male" if speaker % 2 else "female",
    )  # fmt: skip


def row(**probabilities):
    values = np.zeros(len(LABELS))
    for label, value in probabilities.items():
        values[INDEX[label]] = value
    return values


def predictions(pairs):
    tested = [one for one, _ in pairs]
    return Predictions(
        tested,
        np.zeros(len(pairs), dtype=int),
        np.array([INDEX[u.emotion] for u in tested]),
        np.array([probabilities for _, probabilities in pairs]),
    )


def test_by_hand():
    rows = predictions(
        [
            (clip("emodb", 1, "angry"), row(fear=0.6, angry=0.4)),  # high, but fear is open
            (clip("emodb", 2, "sad"), row(sad=1.0)),
            (clip("emodb", 1, "disgust"), row(happy=1.0)),  # without arousal; wrong in any case
            (clip("tess", 2, "sad"), row(angry=1.0)),
        ]
    )
    found, mean = corpus_scores(rows, ["emodb", "emodb", "emodb", "tess"], LABELS)
    emodb, tess = found["emodb"], found["tess"]
    assert (emodb["n"], emodb["speakers"]) == (3, 2)
    assert emodb["uar"] == pytest.approx(1 / 3, abs=1e-4)
    # Among angry, sad and disgust, the first is angry; the third is all zero, so the first label.
    assert emodb["uar_own_labels"] == pytest.approx(2 / 3, abs=1e-4)
    assert emodb["uar_arousal"] == 1.0
    assert emodb["ece"] == pytest.approx((0.6 + 1.0) / 3, abs=1e-4)
    assert emodb["by_sex"]["female"]["uar"] == 1.0
    assert emodb["by_sex"]["male"]["uar"] == 0.0
    assert emodb["by_sex"]["male"]["uar_arousal"] is None  # only high
    assert tess["interval"] is None  # one speaker
    assert tess["uar_arousal"] is None
    assert mean["uar"] == pytest.approx(1 / 6, abs=1e-4)
    assert mean["interval"] is None


def evaluation(protocol, skill, seeds=(0, 1), name="tree-mfcc40"):
    """Return an evaluation in which a fraction `skill` of the answers is correct."""
    corpora = {"emodb": 5, "tess": 4, "ravdess": 6}
    clips = {
        corpus: tuple(
            clip(corpus, speaker, emotion, number)
            for speaker in range(n)
            for emotion in ("sad", "angry", "happy")
            for number in range(4)
        )
        for corpus, n in corpora.items()
    }
    results = []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        for corpus, own in clips.items():
            others = [u for other, us in clips.items() if other != corpus for u in us]
            tested = tuple(others) if protocol == "matrix" else own
            truth = np.array([INDEX[u.emotion] for u in tested])
            probabilities = rng.dirichlet(np.ones(len(LABELS)), len(tested))
            sure = rng.random(len(tested)) < skill
            probabilities[sure] = 0.2 * probabilities[sure] + 0.8 * np.eye(len(LABELS))[truth[sure]]
            probabilities /= probabilities.sum(axis=1, keepdims=True)
            results.append(
                SplitResult(corpus, seed, tested, truth, probabilities, 0, 1.0, 0.4, {}, {}, {})
            )
    recipe = replace(RECIPES["tree-mfcc40"], name=name)
    return Evaluation(recipe, find_protocol(protocol), tuple(results))


def test_each_corpus_has_its_scores_and_intervals():
    figures = evaluation("corpora", 0.5).summary()
    assert set(figures["by_corpus"]) == {"emodb", "tess", "ravdess"}
    for entry in figures["by_corpus"].values():
        for name in ("uar", "uar_own_labels", "ece", "uar_arousal"):
            low, high = entry["interval"][name]
            assert low <= high
            assert entry["sd"][name] is not None
        assert entry["interval"]["uar"][0] <= entry["uar"] <= entry["interval"]["uar"][1]
        assert set(entry["by_sex"]) == {"female", "male"}
        assert entry["uar_own_labels"] >= entry["uar"]
    mean = figures["mean_over_corpora"]
    uars = [entry["uar"] for entry in figures["by_corpus"].values()]
    assert mean["uar"] == pytest.approx(np.mean(uars), abs=1e-4)
    wide = np.ptp(figures["by_corpus"]["tess"]["interval"]["uar"])
    assert np.ptp(mean["interval"]["uar"]) < wide
    text = evaluation_report(figures)
    assert "| tested on | clips | speakers | UAR, all answers open |" in text
    assert "| **mean over the corpora** |" in text
    assert "| emodb, female |" in text
    assert {"uar", "accuracy", "n"} <= figures.keys()


def test_intervals_are_of_means_over_seeds():
    """A calibration error of the answers of two models together is not that of a model."""
    drawn = evaluation("matrix", 0.5)
    certain = np.eye(len(LABELS))
    results = tuple(
        replace(r, probabilities=certain[r.probabilities.argmax(axis=1)]) if r.seed == 1 else r
        for r in drawn.results
    )
    for protocol in ("matrix", "loso"):
        figures = Evaluation(drawn.recipe, find_protocol(protocol), results).summary()
        entries = [figures] if protocol == "loso" else figures["matrix"]["emodb"].values()
        for entry in entries:
            assert entry["sd"]["ece"] > 0.1
            assert entry["interval"]["ece"][0] < entry["ece"] < entry["interval"]["ece"][1]


def test_one_speaker_has_no_interval():
    found = evaluation("loso", 0.5)
    sex_of = {speaker: "male" for r in found.results for speaker in (u.speaker for u in r.tested)}
    sex_of[next(iter(sex_of))] = "female"
    results = tuple(
        replace(r, tested=tuple(replace(u, sex=sex_of[u.speaker]) for u in r.tested))
        for r in found.results
    )
    figures = replace(found, results=results).summary()
    assert figures["uar_by_sex"].keys() == {"female", "male"}
    assert figures["interval"]["uar_by_sex"]["female"] == [None, None]
    low, high = figures["interval"]["uar_by_sex"]["male"]
    assert low < high
    assert "None" not in evaluation_report(figures)


def test_the_matrix_is_trained_on_by_tested_on():
    figures = evaluation("matrix", 0.5).summary()
    uars = matrix_uars(figures)
    assert list(uars) == ["emodb", "tess", "ravdess"]
    for number, values in enumerate(uars.values()):
        assert [value is None for value in values] == [i == number for i in range(3)]
    assert figures["matrix"]["emodb"]["tess"]["n"] == 48
    text = evaluation_report(figures)
    assert "| trained on | tested on emodb | tested on tess | tested on ravdess |" in text
    assert "| emodb | – | " in text


def test_other_protocols_have_no_scores_by_corpus():
    figures = evaluation("loso", 0.5).summary()
    assert "by_corpus" not in figures
    assert "tested on" not in evaluation_report(figures)


@pytest.fixture
def reports(tmp_path):
    """Return a function that writes the report of an evaluation."""

    def write(name, *args, **options):
        (tmp_path / name).mkdir()
        save_answers(evaluation(*args, name=name, **options), tmp_path / name)
        return tmp_path / name

    return write


def test_a_better_recipe_differs_by_more_than_its_interval(reports):
    good, bad = reports("good", "corpora", 0.7), reports("bad", "corpora", 0.3, seeds=(5,))
    found = compare_reports(good, bad / "scores.json")
    assert found["recipes"] == ["good", "bad"]
    assert found["n"] == 180
    low, high = found["uar"]["interval"]
    assert 0 < low < found["uar"]["difference"] < high
    assert found["uar"]["uars"][0] == evaluation("corpora", 0.7).summary()["uar"]
    own = evaluation("corpora", 0.7).summary()["by_corpus"]["tess"]["uar"]
    assert found["by_corpus"]["tess"]["uars"][0] == pytest.approx(own, abs=1e-4)
    mean = found["mean_over_corpora"]
    each = [entry["difference"] for entry in found["by_corpus"].values()]
    assert mean["difference"] == pytest.approx(np.mean(each), abs=1e-4)
    text = comparison_report(found)
    assert "| tested on | UAR of good | UAR of bad | difference | 95 % interval |" in text
    assert compare_reports(bad, good)["uar"]["difference"] == -found["uar"]["difference"]


def test_a_report_against_itself(reports):
    one = reports("one", "matrix", 0.5)
    found = compare_reports(one, one)
    assert found["uar"] | {"uars": []} == {"uars": [], "difference": 0, "interval": [0, 0]}
    assert "emodb > tess" in found["by_corpus"]


def test_the_pairing_narrows_the_interval(reports):
    """The same speakers are hard for both, so the difference is surer than either UAR."""
    one = evaluation("loso", 0.5)
    found = compare_reports(reports("a", "loso", 0.5), reports("b", "loso", 0.5))
    assert np.ptp(found["uar"]["interval"]) == 0 < np.ptp(one.summary()["interval"]["uar"])
    assert "by_corpus" not in found


def test_what_cannot_be_compared(reports, tmp_path):
    one, other = reports("one", "corpora", 0.5), reports("other", "matrix", 0.5)
    with pytest.raises(UsageError, match="protocols differ: corpora and matrix"):
        compare_reports(one, other)
    with pytest.raises(UsageError, match=r"holds no answers\.npz"):
        compare_reports(one, tmp_path / "gone")
    stored = dict(np.load(one / "answers.npz"))
    stored["clips"] = np.char.add(stored["clips"], "x")
    (tmp_path / "changed").mkdir()
    np.savez(tmp_path / "changed" / "answers.npz", **stored)
    with pytest.raises(UsageError, match="180 are only in the first report, 180 only"):
        compare_reports(one, tmp_path / "changed")
