"""Tables of the scores by corpus: each corpus, the matrix of corpora, two recipes compared."""

from collections.abc import Mapping
from typing import Any

from ser.reports.rendering import percent, render

_SCORES = {
    "uar": "UAR, all answers open",
    "uar_own_labels": "UAR, its own labels",
    "ece": "ECE",
    "uar_arousal": "UAR, high against low arousal",
}


def corpus_rows(scores: Mapping[str, Any]) -> list[list[str]]:
    """Return the header and the rows of the scores by corpus; none if there are none."""
    by_corpus = scores.get("by_corpus")
    if not by_corpus:
        return []
    rows = [["tested on", "clips", "speakers", *_SCORES.values()]]
    for corpus, entry in by_corpus.items():
        rows.append(_row(corpus, entry))
        rows += [_row(f"{corpus}, {sex}", own) for sex, own in entry["by_sex"].items()]
    return [*rows, _row("**mean over the corpora**", scores["mean_over_corpora"])]


def reference_rows(scores: Mapping[str, Any]) -> list[list[str]]:
    """Return the UAR of each split without and with a reference; none if it was not measured."""
    own = scores.get("with_reference")
    if not own:
        return []
    header = ["tested on", "UAR", "UAR with a reference"]
    rows = [
        [split, percent(uar), percent(own["uar_by_split"][split])]
        for split, uar in scores["uar_by_split"].items()
    ]
    if "mean_over_corpora" in own:
        means = (scores["mean_over_corpora"], own["mean_over_corpora"])
        return [header, *rows, ["**mean over the corpora**", *(percent(m["uar"]) for m in means)]]
    return [header, *rows, ["**all clips**", percent(scores["uar"]), percent(own["uar"])]]


def certainty_rows(scores: Mapping[str, Any]) -> list[list[str]]:
    """Return how many answers of each left-out corpus are certain, and how many of them correct."""
    if not scores.get("left_out_calibration"):
        return []
    rows = [["tested on", "certain", "correct of these", "correct of the others"]]
    for split, kinds in scores["certainty_by_split"].items():
        certain, uncertain = kinds["certain"], kinds["uncertain"]
        numbers = (certain["share"], certain["accuracy"], uncertain["accuracy"])
        rows.append([split, *map(percent, numbers)])
    return rows


def matrix_rows(scores: Mapping[str, Any]) -> list[list[str]]:
    """Return the UARs as rows: trained on; columns: tested on; none if there is no matrix."""
    uars = matrix_uars(scores)
    header = ["trained on", *(f"tested on {name}" for name in uars)]
    rows = [[name, *map(percent, row)] for name, row in uars.items()]
    return [header, *rows] if rows else []


def matrix_uars(scores: Mapping[str, Any]) -> dict[str, list[float | None]]:
    """Return for each training corpus the UAR on each corpus, None where it was not tested.

    The columns are in the order of the rows.
    """
    matrix = scores.get("matrix") or {}
    return {
        trained: [tested[name]["uar"] if name in tested else None for name in matrix]
        for trained, tested in matrix.items()
    }


def comparison_report(difference: Mapping[str, Any]) -> str:
    """Return what `ser.evaluation.comparison.compare_reports` found as Markdown."""
    groups = difference.get("by_corpus", {})
    rows = [("all clips", difference["uar"]), *groups.items()]
    if groups:
        rows.append(("**mean of these**", difference["mean_over_corpora"]))
    first, second = difference["recipes"]
    return render(
        "comparison.md.j2",
        protocol=difference["protocol"],
        n=difference["n"],
        header=["tested on", f"UAR of {first}", f"UAR of {second}", "difference", "95 % interval"],
        rows=[
            [name, *map(percent, entry["uars"]), _points(entry["difference"]), _limits(entry)]
            for name, entry in rows
        ],
    ).strip("\n")


def _row(name: str, entry: Mapping[str, Any]) -> list[str]:
    counts = [f"{entry[key]:,}" if key in entry else "" for key in ("n", "speakers")]
    return [name, *counts, *(_with_interval(entry, key) for key in _SCORES)]


def _with_interval(entry: Mapping[str, Any], key: str) -> str:
    interval = (entry["interval"] or {}).get(key)
    if entry[key] is None or not interval or None in interval:
        return percent(entry[key])
    return f"{percent(entry[key])} ({percent(interval[0])} to {percent(interval[1])})"


def _points(ratio: float) -> str:
    return f"{100 * ratio:+.1f} points"


def _limits(entry: Mapping[str, Any]) -> str:
    return " to ".join(f"{100 * limit:+.1f}" for limit in entry["interval"] or ()) or "–"
