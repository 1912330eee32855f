"""Calibration on other corpora, and references in evaluations."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ser.corpora import Utterance
from ser.data import find_protocol
from ser.evaluation.left_out_calibration import calibrate_on_others
from ser.evaluation.results import Evaluation
from ser.evaluation.split_result import SplitResult, load_result, save_result
from ser.metrics import calibration_error
from ser.models.calibration import apply_temperature, fit_group_threshold
from ser.models.recipes import RECIPES
from ser.reports.markdown import evaluation_report

RECIPE = RECIPES["tree-mfcc40"]
N = 600


def result(corpus: str, *, temperature: float, skill: float, seed: int = 0) -> SplitResult:
    """Return answers that are honest at this temperature, and are stored at temperature 2."""
    rng = np.random.default_rng([seed, len(corpus)])
    honest = apply_temperature(rng.dirichlet(np.full(8, 1 / skill), N) + 1e-9, 1.0)
    truth = np.array([rng.choice(8, p=row) for row in honest])
    tested = tuple(
        Utterance(
            path=Path(f"{corpus}-{i}"), emotion=RECIPE.labels[label], corpus=corpus,
            speaker=f"{corpus}-{i % 4}", sex="male" if i % 2 else "female",
        )
        for i, label in enumerate(truth)
    )  # fmt: skip
    raw = apply_temperature(honest, 1 / temperature)
    stored = apply_temperature(raw, 2.0)
    return SplitResult(
        split=corpus, seed=seed, tested=tested, truth=truth, probabilities=stored, best_epoch=1,
        temperature=2.0, uncertain_below=0.5, history={}, corrupted={}, long_audio={},
    )  # fmt: skip


CORPORA = ("emodb", "nemo", "turev")


def test_a_corpus_is_calibrated_on_the_others_alone():
    results = [result(name, temperature=3.0, skill=8) for name in CORPORA]
    made = calibrate_on_others(results)
    assert made.temperature == pytest.approx(3.0, rel=0.1)
    for before, after in zip(results, made.results, strict=True):
        p = after.probabilities
        correct = p.argmax(axis=1) == after.truth
        assert calibration_error(p.max(axis=1), correct) < 0.07
        assert (p.argmax(axis=1) == before.probabilities.argmax(axis=1)).all()
    # Other answers for one corpus leave its own calibration as it is, and change the others'.
    changed = calibrate_on_others([result("emodb", temperature=1.0, skill=8), *results[1:]])
    assert changed.results[0].temperature == made.results[0].temperature
    assert changed.results[1].temperature < made.results[1].temperature


def test_the_threshold_holds_in_every_group():
    confidence = np.tile(np.linspace(0, 1, 101), 10)
    groups = np.repeat(["easy", "hard"], len(confidence) // 2)
    rng = np.random.default_rng(0)
    right_from = np.where(groups == "easy", 0.3, 0.7)
    correct = np.where(confidence >= right_from, rng.random(len(groups)) < 0.9, False)
    threshold = fit_group_threshold(confidence, correct, groups)
    for name in ("easy", "hard"):
        sure = (groups == name) & (confidence >= threshold)
        assert correct[sure].mean() >= 0.6
    assert 0.5 < threshold < 0.75
    assert fit_group_threshold(confidence, np.zeros(len(groups), bool), groups) == 1
    assert fit_group_threshold(confidence, np.ones(len(groups), bool), groups) == 0


def test_the_summary_has_both_and_the_report_shows_them(tmp_path):
    results = []
    for name in CORPORA:
        one = result(name, temperature=2.0, skill=8)
        certain = np.eye(8)[one.truth] * 0.9 + 0.0125
        results.append(replace(one, referenced=certain))
        save_result(results[-1], tmp_path / f"{name}.npz")
        stored = load_result(tmp_path / f"{name}.npz", one.tested)
        np.testing.assert_array_equal(stored.referenced, certain)
    made = Evaluation(RECIPE, find_protocol("corpora"), tuple(results)).summary()
    assert made["left_out_calibration"]
    assert made["with_reference"]["uar"] == 1
    assert made["with_reference"]["mean_over_corpora"]["uar"] == 1
    assert 0.2 < made["mean_over_corpora"]["uar"] < 0.9
    assert set(made["certainty_by_split"]) == set(CORPORA)
    text = evaluation_report(made)
    assert "UAR with a reference" in text
    assert "| **mean over the corpora** |" in text
    assert "correct of these" in text


def test_a_recipe_without_references_has_none():
    results = tuple(result(name, temperature=2.0, skill=8) for name in CORPORA)
    made = Evaluation(RECIPE, find_protocol("speakers:2"), results).summary()
    assert made["with_reference"] is None
    assert "left_out_calibration" not in made
    assert made["temperature"] == 2.0
    assert "UAR with a reference" not in evaluation_report(made)
