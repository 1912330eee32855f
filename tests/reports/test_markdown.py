"""Scores of an evaluation as Markdown."""

from ser.reports.markdown import evaluation_report

SCORES = {
    "recipe": "mine", "protocol": "actors5", "leaks": False, "seeds": [0, 1], "n": 40,
    "uar": 0.6, "accuracy": 0.62, "macro_f1": 0.59, "ece": 0.04,
    "sd": {"uar": 0.01, "accuracy": 0.02, "macro_f1": 0.01, "ece": 0.005,
           "recall": {"sad": 0.03, "happy": 0.0}},
    "interval": {"uar": [0.5, 0.7], "accuracy": [0.51, 0.71], "uar_by_sex": {"male": [0.4, 0.6]}},
    "recall": {"sad": 0.5, "happy": 0.7}, "precision": {"sad": None, "happy": 0.6},
    "uar_by_split": {"fold 1": 0.6}, "uar_by_sex": {"male": 0.55}, "uar_by_intensity": {},
    "uar_by_condition": {"telephone": 0.55, "small room": None},
    "uncertain_below": 0.4, "tested_before": 2, "selection": "Chosen by lot.",
    "by_certainty": {
        "certain": {"share": 0.75, "accuracy": 0.7},
        "uncertain": {"share": 0.25, "accuracy": 0.3},
    },
}  # fmt: skip


def test_every_score_is_in_the_report():
    other = {"uar": 0.33, "uar_by_condition": {"telephone": 0.2}}
    text = evaluation_report(SCORES, {"theirs": other, "bare": {"uar": 0.1}})
    for line in (
        "| UAR | 60.0% | 1.0% | 50.0% to 70.0% |",
        "| macro-F1 | 59.0% | 1.0% | – |",
        "| sad | 50.0% | 3.0% | – | – | – | – |",
        "| sex | male | 55.0% | – | 40.0% to 60.0% |",
        "| recording | UAR of `mine` | points lost | UAR of `theirs` |",
        "| as published | 60.0% |  | 33.0% |",
        "| telephone | 55.0% | 5.0 | 20.0% |",
        "| small room | – | – | – |",
    ):
        assert line in text.splitlines(), line
    assert "below 40%" in text
    assert "25% of the answers; 30.0% of them are correct, of the others 70.0%" in text
    assert "scored 2 time(s) before with this recipe. Chosen by lot." in text


def test_what_was_not_measured_is_left_out():
    bare = {**SCORES, "seeds": [0], "sd": {}, "interval": None, "uar_by_condition": {},
            "by_certainty": None, "tested_before": 0}  # fmt: skip
    text = evaluation_report(bare)
    assert "one seed" in text
    assert "recording" not in text
    assert "counts as uncertain" not in text
    assert "not scored before" in text
