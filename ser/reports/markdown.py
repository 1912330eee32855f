"""The scores of an evaluation as Markdown, for reports and model cards."""

from collections.abc import Mapping, Sequence
from typing import Any

from ser.reports.corpus_tables import certainty_rows, corpus_rows, matrix_rows, reference_rows
from ser.reports.rendering import percent, render

#: What `ser.evaluation.results.Evaluation.summary` returns, and what a model file carries.
EvaluationScores = Mapping[str, Any]

_HEADLINE = {"uar": "UAR", "accuracy": "accuracy", "macro_f1": "macro-F1", "ece": "ECE"}
_GROUPS = ("split", "sex", "intensity")


def evaluation_report(
    scores: EvaluationScores, others: Mapping[str, EvaluationScores] | None = None
) -> str:
    """Return everything that an evaluation measured as Markdown.

    Args:
        others: scores of other recipes by name, to compare under recording conditions.
    """
    n_seeds = len(scores["seeds"])
    by_certainty = scores.get("by_certainty") or {}
    uncertain = by_certainty.get("uncertain")
    return render(
        "evaluation.md.j2",
        scores={"long_audio": None, "uncertain_below": 0} | dict(scores),
        runs="one seed" if n_seeds == 1 else f"mean of {n_seeds} seeds",
        headline=[
            [name, percent(scores[key]), *_spread(scores, key)] for key, name in _HEADLINE.items()
        ],
        emotions=[_emotion_row(scores, label) for label in scores["recall"]],
        groups=_group_rows(scores),
        corpora=corpus_rows(scores),
        references=reference_rows(scores),
        certainty=certainty_rows(scores),
        matrix=matrix_rows(scores),
        conditions=_condition_rows(scores, others or {}),
        certain=by_certainty.get("certain"),
        uncertain=uncertain if uncertain and uncertain["share"] else None,
        tested_before=scores.get("tested_before", 0),
        selection=scores.get("selection"),
        **_long_audio_rows(scores.get("long_audio") or {}),
    ).rstrip("\n")


def _spread(scores: EvaluationScores, *key: str) -> tuple[str, str]:
    """Return the standard deviation over seeds and the 95 % interval of one score."""
    sd: Any = scores.get("sd")
    interval: Any = scores.get("interval")
    for part in key:
        sd, interval = (sd or {}).get(part), (interval or {}).get(part)
    known = interval if interval and None not in interval else ()
    return percent(sd), " to ".join(map(percent, known)) or "–"


def _emotion_row(scores: EvaluationScores, label: str) -> list[str]:
    row = [label]
    for name in ("recall", "precision"):
        row += [percent(scores[name][label]), *_spread(scores, name, label)]
    return row


def _group_rows(scores: EvaluationScores) -> list[list[str]]:
    return [
        [group, kind, percent(uar), *_spread(scores, f"uar_by_{group}", kind)]
        for group in _GROUPS
        for kind, uar in scores.get(f"uar_by_{group}", {}).items()
    ]


def _condition_rows(
    scores: EvaluationScores, others: Mapping[str, EvaluationScores]
) -> list[list[str]]:
    """Return the header and the rows of the recording conditions; none if none was measured."""
    conditions = scores.get("uar_by_condition")
    if not conditions:
        return []
    compared = {name: other for name, other in others.items() if other.get("uar_by_condition")}
    header = ["recording", f"UAR of `{scores['recipe']}`", "points lost"]
    header += [f"UAR of `{name}`" for name in compared]
    clean = ["as published", percent(scores["uar"]), ""]
    clean += [percent(other["uar"]) for other in compared.values()]
    rows = [
        [name, percent(uar), _points_lost(scores["uar"], uar)]
        + [percent(other["uar_by_condition"].get(name)) for other in compared.values()]
        for name, uar in conditions.items()
    ]
    return [header, clean, *rows]


def _points_lost(clean: float, corrupted: float | None) -> str:
    return "–" if corrupted is None else f"{100 * (clean - corrupted):z.1f}"


def _long_audio_rows(
    long_audio: Mapping[str, Mapping[str, float | None]],
) -> dict[str, Sequence[list[str]]]:
    over_time, whole, lost, found = (
        long_audio.get(name, {}) for name in ("over_time", "whole", "voice_lost", "pause_found")
    )
    return {
        "over_time": [[name, percent(uar)] for name, uar in over_time.items()],
        "whole": [[name, percent(uar)] for name, uar in whole.items()],
        "silence": [[level, percent(lost[level]), percent(found[level])] for level in found],
    }
