"""Plots as PNG files, and the classification report as text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from ser.metrics import Scores
from ser.training.grid_search import Timing

_DPI = 120
_INK, _GREY, _TRAIN, _VALIDATION = "#1f2430", "#8a8f98", "#3b6fb6", "#d9772b"
_CYCLE = (_TRAIN, _VALIDATION, "#4c9a6a", "#8f5fb0", "#b8455b", _GREY)


@dataclass(frozen=True)
class Accuracies:
    """The accuracies of a recipe, 0 to 1; None where it was not measured."""

    recipe: str
    published: float | None
    here: float | None
    unseen: float
    chance: float


def plot_curves(history: dict[str, list[float]], best_epoch: int, path: Path, title: str) -> None:
    """Draw loss and accuracy over the epochs, and a line at the kept epoch.

    Args:
        history: the values of each epoch, as Keras names them; validation may be missing.
        best_epoch: the kept epoch, from 1.
    """
    figure = Figure(figsize=(10, 4), layout="constrained")
    figure.suptitle(title)
    for axes, quantity in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
        epochs = range(1, len(history[quantity]) + 1)
        axes.plot(epochs, history[quantity], color=_TRAIN, label="training")
        if held_out := history.get(f"val_{quantity}"):
            axes.plot(epochs, held_out, color=_VALIDATION, label="validation")
        axes.axvline(best_epoch, color=_INK, linewidth=1, linestyle=":", label="kept epoch")
        axes.set(xlabel="epoch", ylabel=quantity)
        axes.grid(alpha=0.25)
        axes.legend()
    figure.savefig(path, dpi=_DPI)


def plot_confusion(scores: Scores, path: Path, title: str) -> None:
    """Draw the confusion matrix: the fraction of each true emotion, and the counts."""
    totals = scores.confusion.sum(axis=1, keepdims=True)
    fractions = scores.confusion / np.maximum(totals, 1)
    figure = Figure(figsize=(7.5, 6.5), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(fractions, cmap="Blues", vmin=0, vmax=1)
    colorbar = figure.colorbar(image, label="of the clips of the true emotion", shrink=0.8)
    colorbar.ax.yaxis.set_major_formatter(PercentFormatter(1))
    ticks = range(len(scores.labels))
    axes.set_xticks(ticks, scores.labels, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(ticks, scores.labels)
    axes.set(xlabel="predicted", ylabel="true")
    figure.suptitle(title, wrap=True, fontsize="medium")
    for (row, column), fraction in np.ndenumerate(fractions):
        axes.text(
            column,
            row,
            f"{fraction:.0%}\n{scores.confusion[row, column]}",
            ha="center",
            va="center",
            fontsize=8,
            color="white" if fraction > 0.55 else _INK,
        )
    figure.savefig(path, dpi=_DPI)


def plot_matrix(uars: Mapping[str, Sequence[float | None]], path: Path, title: str) -> None:
    """Draw a heat map of UARs: rows are trained on, columns are tested on.

    Args:
        uars: for each training corpus the UAR on each corpus, in the same order; 0 to 1, or None.
    """
    values = np.array(list(uars.values()), dtype=float)
    side = 3 + 0.8 * len(uars)
    figure = Figure(figsize=(side + 1, side), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(np.ma.masked_invalid(values), cmap="Blues", vmin=0)
    colorbar = figure.colorbar(image, label="UAR", shrink=0.8)
    colorbar.ax.yaxis.set_major_formatter(PercentFormatter(1))
    axes.set_xticks(range(len(uars)), list(uars), rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(uars)), list(uars))
    axes.set(xlabel="tested on", ylabel="trained on")
    figure.suptitle(title, wrap=True, fontsize="medium")
    for (row, column), value in np.ndenumerate(values):
        dark = value > 0.6 * np.nanmax(values)
        text = "–" if np.isnan(value) else f"{value:.0%}"
        axes.text(
            column, row, text, ha="center", va="center", fontsize=9,
            color="white" if dark else _INK,
        )  # fmt: skip
    figure.savefig(path, dpi=_DPI)


def plot_evaluations(evaluations: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Draw the UAR of evaluations as bars, the best at the top, with their 95 % intervals.

    Args:
        evaluations: as `scores.json` holds them: ``uar``; ``recipe`` and ``protocol``, or
            ``model`` and ``data``; optionally ``interval`` and ``leaks``.
    """
    ordered = sorted(evaluations, key=lambda one: one["uar"])
    figure = Figure(figsize=(10, 1.6 + 0.36 * len(ordered)), layout="constrained")
    axes = figure.subplots()
    names = [(one.get("recipe") or one["model"], _tested_on(one)) for one in ordered]
    colours = dict(zip(sorted({tested for _, tested in names}), cycle(_CYCLE), strict=False))
    for row, (one, (_, tested)) in enumerate(zip(ordered, names, strict=True)):
        interval = (one.get("interval") or {}).get("uar")
        axes.barh(
            row,
            one["uar"],
            height=min(0.8, 0.25 * len(ordered)),
            color=colours[tested],
            hatch="//" if one.get("leaks") else None,
            edgecolor="white",
            xerr=[[one["uar"] - interval[0]], [interval[1] - one["uar"]]] if interval else None,
            ecolor=_INK,
        )
        end = interval[1] if interval else one["uar"]
        axes.text(end + 0.01, row, f"{one['uar']:.1%}", va="center", fontsize=8)
    axes.set_yticks(range(len(ordered)), [", ".join(name) for name in names], fontsize=8)
    axes.set(
        xlim=(0, 1.08),
        ylim=(-0.7, len(ordered) - 0.3),
        xlabel="UAR (hatched: the test speakers are also in the training)",
    )
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.grid(axis="x", alpha=0.25)
    axes.set_axisbelow(True)
    figure.savefig(path, dpi=_DPI)


def _tested_on(evaluation: Mapping[str, Any]) -> str:
    return evaluation.get("protocol") or evaluation["data"]


def plot_accuracies(rows: Sequence[Accuracies], path: Path) -> None:
    """Draw the accuracies of recipes, as published and on held-out speakers, one line a recipe."""
    figure = Figure(figsize=(10, 1.8 + 0.3 * len(rows)), layout="constrained")
    axes = figure.subplots()
    kinds = (
        ("published", "X", _INK, "published"),
        ("here", "o", _VALIDATION, "here, by the source's protocol"),
        ("unseen", "o", _TRAIN, "on held-out speakers"),
        ("chance", "|", _GREY, "guessing"),
    )
    for y, row in enumerate(reversed(rows)):
        known = [value for kind, *_ in kinds if (value := getattr(row, kind)) is not None]
        axes.plot([min(known), max(known)], [y, y], color="#c9ccd3", linewidth=2, zorder=1)
        for kind, marker, color, label in kinds:
            if (value := getattr(row, kind)) is not None:
                axes.scatter(value, y, marker=marker, color=color, label=label, s=55, zorder=2)
    axes.set_yticks(range(len(rows)), [row.recipe for row in reversed(rows)], fontsize=8)
    axes.set(xlim=(0, 1), ylim=(-0.8, len(rows) - 0.2), xlabel="accuracy")
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.grid(axis="x", alpha=0.25)
    handles, labels = axes.get_legend_handles_labels()
    legend = dict(zip(labels, handles, strict=True))
    order = [label for *_, label in kinds if label in legend]
    figure.legend(
        [legend[label] for label in order], order, loc="outside upper center", ncols=len(order)
    )
    figure.savefig(path, dpi=_DPI)


def plot_comparison(timings: Sequence[Timing], path: Path, title: str) -> None:
    """Draw UAR and times of recipes side by side, one bar for each fraction of the clips."""
    recipes = list(dict.fromkeys(timing.recipe for timing in timings))
    fractions = sorted({timing.share for timing in timings})
    width = 0.8 / len(fractions)
    figure = Figure(figsize=(max(7, 1.3 * len(recipes)), 9), layout="constrained")
    figure.suptitle(title)
    quantities = {
        "uar": "UAR on validation speakers",
        "fit_seconds": "time to fit, s",
        "predict_seconds": "time to predict, s",
    }
    for axes, (name, label) in zip(figure.subplots(3, 1), quantities.items(), strict=True):
        for number, fraction in enumerate(fractions):
            values = {t.recipe: getattr(t, name) for t in timings if t.share == fraction}
            axes.bar(
                np.arange(len(recipes)) + (number - (len(fractions) - 1) / 2) * width,
                [values[recipe] for recipe in recipes],
                width,
                color=_TRAIN,
                alpha=(number + 1) / len(fractions),
                label=f"{fraction:.0%}",
            )
        axes.set_xticks(
            range(len(recipes)), recipes, rotation=20, ha="right", rotation_mode="anchor"
        )
        axes.set_ylabel(label)
        axes.grid(axis="y", alpha=0.25)
        axes.set_axisbelow(True)
        if name == "uar":
            axes.set_ylim(0, 1)
            axes.yaxis.set_major_formatter(PercentFormatter(1))
        else:
            axes.set_yscale("log")
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(
        handles, labels, title="of the training clips", loc="outside lower center",
        ncols=len(fractions),
    )  # fmt: skip
    figure.savefig(path, dpi=_DPI)


def classification_text(scores: Scores) -> str:
    """Return precision, recall and F1 per class, accuracy and UAR, as a text table."""
    from sklearn.metrics import classification_report

    truth, predicted = (
        np.repeat(index.ravel(), scores.confusion.ravel())
        for index in np.indices(scores.confusion.shape)
    )
    table = classification_report(
        truth,
        predicted,
        labels=range(len(scores.labels)),
        target_names=scores.labels,
        digits=3,
        zero_division=0,
    )
    return f"{table}\nUAR {scores.uar:.3f}, accuracy {scores.accuracy:.3f}, n {scores.n}\n"
