"""The figures of an evaluation as tables, for reports and model cards."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

#: What `ser.evaluation.evaluate.Evaluation.summary` gives, and a model file carries.
Figures = Mapping[str, Any]

_SPREAD = ("sd", "95 %")
_NAMES = {"uar": "UAR", "accuracy": "accuracy", "macro_f1": "macro-F1", "ece": "ECE"}


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return the lines of a Markdown table."""
    return [f"| {' | '.join(line)} |" for line in (header, ["---"] * len(header), *rows)]


def percent(value: float | None) -> str:
    """Return a share of 0 to 1 as percent; a dash for None."""
    return "–" if value is None else f"{value:.1%}"


def report_lines(figures: Figures, others: Mapping[str, Figures] | None = None) -> list[str]:
    """Return all that an evaluation found as Markdown.

    Args:
        others: the same of other recipes, by name, for comparison under recording conditions.
    """
    groups = [
        [name.removeprefix("uar_by_"), kind, percent(value), *_spread(figures, name, kind)]
        for name in ("uar_by_split", "uar_by_sex", "uar_by_intensity")
        for kind, value in figures.get(name, {}).items()
    ]
    emotions = [
        [
            label,
            *(
                cell
                for name in ("recall", "precision")
                for cell in (percent(figures[name][label]), *_spread(figures, name, label))
            ),
        ]
        for label in figures["recall"]
    ]
    blocks = [
        _headline(figures),
        table(["emotion", "recall", *_SPREAD, "precision", *_SPREAD], emotions),
        table(["by", "", "UAR", *_SPREAD], groups),
        _conditions(figures, others or {}),
        _certainty(figures),
        *_long_audio(figures),
        _times_tested(figures),
    ]
    return [line for block in blocks if block for line in (*block, "")][:-1]


def _headline(figures: Figures) -> list[str]:
    rows = [[name, percent(figures[key]), *_spread(figures, key)] for key, name in _NAMES.items()]
    n_seeds = len(figures["seeds"])
    runs = "one seed" if n_seeds == 1 else f"mean of {n_seeds} seeds"
    return table(["", runs, "sd over seeds", "95 % interval, over speakers"], rows)


def _spread(figures: Figures, *key: str) -> tuple[str, str]:
    """Return the standard deviation over seeds and the interval of a figure; dashes for none."""
    found: list[Any] = [figures.get("sd"), figures.get("interval")]
    for part in key:
        found = [(of or {}).get(part) for of in found]
    sd, interval = found
    return percent(sd), " to ".join(map(percent, interval or ())) or "–"


def _conditions(figures: Figures, others: Mapping[str, Figures]) -> list[str]:
    own = figures.get("uar_by_condition")
    if not own:
        return []
    compared = {name: o for name, o in others.items() if o.get("uar_by_condition")}
    rows = [["as published", percent(figures["uar"]), ""]]
    rows += [[name, percent(value), _cost(figures["uar"], value)] for name, value in own.items()]
    for other in compared.values():
        unspoilt = {"as published": other["uar"]}
        for row in rows:
            row.append(percent((unspoilt | other["uar_by_condition"]).get(row[0])))
    header = ["recording", f"UAR of `{figures['recipe']}`", "points lost"]
    return table([*header, *(f"UAR of `{name}`" for name in compared)], rows)


def _cost(clean: float, corrupted: float | None) -> str:
    return "–" if corrupted is None else f"{100 * (clean - corrupted):z.1f}"


def _certainty(figures: Figures) -> list[str]:
    sides = figures.get("by_certainty")
    if not sides or not sides["uncertain"]["share"]:
        return []
    sure, unsure = sides["certain"], sides["uncertain"]
    return [
        f"Answers with a confidence below {figures['uncertain_below']:.0%} are called uncertain: "
        f"{unsure['share']:.0%} of all, of which {percent(unsure['accuracy'])} are right; of the "
        f"others {percent(sure['accuracy'])}. The threshold is fitted on validation speakers: "
        "below it wrong answers outnumber right ones."
    ]


def _long_audio(figures: Figures) -> list[list[str]]:
    scores = figures.get("long_audio")
    if not scores:
        return []
    silence = [
        [level, percent(scores["voice_lost"][level]), percent(found)]
        for level, found in scores["pause_found"].items()
    ]
    return [
        [
            "Recordings joined of clips of the validation speakers, answered by those members of "
            "a network that were not trained on them; on these, window, hop, join and level are "
            "chosen:"
        ],
        table(["window and hop", "UAR over time"], _percents(scores["over_time"])),
        table(["recordings of one emotion, by join", "UAR"], _percents(scores["whole"])),
        table(["silent below the loudest by", "voiced windows lost", "pauses found"], silence),
    ]


def _percents(values: Mapping[str, float | None]) -> list[list[str]]:
    return [[name, percent(value)] for name, value in values.items()]


def _times_tested(figures: Figures) -> list[str]:
    before = figures.get("tested_before", 0)
    earlier = "not scored before" if not before else f"scored {before} time(s) before"
    chosen = f" {figures['selection']}" if figures.get("selection") else ""
    return [f"These test clips were {earlier} with this recipe.{chosen}"]
