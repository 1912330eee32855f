"""Figures as files for people: PNG plots and text."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from ser.features.mel import RANGE_DB, mel_power, mfcc, to_db
from ser.features.statistics import FRAME
from ser.inference.predictor import Prediction
from ser.metrics import Scores
from ser.reports.recipe_table import Accuracies
from ser.training.grid_search import Timing

_INK, _TRAIN, _VALIDATION = "#1f2430", "#3b6fb6", "#d9772b"
_CYCLE = (_TRAIN, _VALIDATION, "#4c9a6a", "#8f5fb0", "#b8455b", "#8a8f98")


def plot_curves(history: dict[str, list[float]], best_epoch: int, path: Path, title: str) -> None:
    """Draw loss and accuracy over the epochs, of training and any validation, and the kept one."""
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
    figure.savefig(path, dpi=120)


def plot_confusion(scores: Scores, path: Path, title: str) -> None:
    """Draw the confusion matrix: shares of each true emotion, with the counts."""
    totals = scores.confusion.sum(axis=1, keepdims=True)
    shares = scores.confusion / np.maximum(totals, 1)
    figure = Figure(figsize=(7.5, 6.5), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    figure.colorbar(image, label="share of the true emotion", shrink=0.8)
    ticks = range(len(scores.labels))
    axes.set_xticks(ticks, scores.labels, rotation=45, ha="right")
    axes.set_yticks(ticks, scores.labels)
    axes.set(xlabel="predicted", ylabel="true", title=title)
    for (row, column), share in np.ndenumerate(shares):
        axes.text(
            column,
            row,
            f"{share:.0%}\n{scores.confusion[row, column]}",
            ha="center",
            va="center",
            fontsize=8,
            color="white" if share > 0.55 else _INK,
        )
    figure.savefig(path, dpi=120)


def plot_recipes(figures: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Draw the UAR of evaluations as bars, the best at the top, with their 95 % intervals.

    Args:
        figures: of each evaluation, ``uar``; ``recipe`` and ``protocol``, or ``model`` and
            ``data``; perhaps ``interval`` and ``leaks``.
    """
    ordered = sorted(figures, key=lambda own: own["uar"])
    figure = Figure(figsize=(10, 1.6 + 0.36 * len(ordered)), layout="constrained")
    axes = figure.subplots()
    tested = sorted({own.get("protocol") or own["data"] for own in figures})
    for row, own in enumerate(ordered):
        on = own.get("protocol") or own["data"]
        interval = (own.get("interval") or {}).get("uar")
        axes.barh(
            row,
            own["uar"],
            color=_CYCLE[tested.index(on) % len(_CYCLE)],
            hatch="//" if own.get("leaks") else None,
            edgecolor="white",
            xerr=[[own["uar"] - interval[0]], [interval[1] - own["uar"]]] if interval else None,
            ecolor=_INK,
        )
        end = interval[1] if interval else own["uar"]
        axes.text(end + 0.01, row, f"{own['uar']:.1%}", va="center", fontsize=8)
    names = [f"{o.get('recipe') or o['model']}, {o.get('protocol') or o['data']}" for o in ordered]
    axes.set_yticks(range(len(ordered)), names, fontsize=8)
    axes.set(xlim=(0, 1.08), xlabel="UAR (hatched: voices of the test are in the training)")
    axes.grid(axis="x", alpha=0.25)
    figure.savefig(path, dpi=120)


def plot_accuracies(rows: Sequence[Accuracies], path: Path) -> None:
    """Draw what published accuracies become on unseen voices: a line a recipe, in their order."""
    figure = Figure(figsize=(10, 1.8 + 0.3 * len(rows)), layout="constrained")
    axes = figure.subplots()
    kinds = (
        ("published", "X", _INK, "published"),
        ("here", "o", _VALIDATION, "here, in the source's way"),
        ("unseen", "o", _TRAIN, "on unseen voices"),
        ("chance", "|", "#8a8f98", "chance"),
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
    figure.legend(legend.values(), legend.keys(), loc="outside upper center", ncols=len(legend))
    figure.savefig(path, dpi=120)


def plot_take(samples: np.ndarray, rate: int, answer: Prediction, path: Path) -> None:
    """Draw a recording: its waveform, its mel spectrogram, and what it was answered.

    Args:
        samples: shape (n,), float32, at `rate` in Hz.
    """
    figure = Figure(figsize=(10, 5), layout="constrained")
    figure.suptitle(f"{answer.emotion} ({answer.confidence:.0%}), {answer.duration:.1f} s")
    grid = figure.add_gridspec(2, 2, width_ratios=(3, 1))
    wave = figure.add_subplot(grid[0, 0])
    draw_waveform(wave, samples, rate)
    draw_spectrogram(figure.add_subplot(grid[1, 0], sharex=wave), samples, rate)
    for segment in answer.segments[1:]:
        wave.axvline(segment.start, color=_INK, linewidth=0.8, linestyle=":")
    bars = figure.add_subplot(grid[:, 1])
    bars.barh([*answer.probabilities], [*answer.probabilities.values()], color=_TRAIN)
    bars.invert_yaxis()
    bars.set(xlim=(0, 1), xlabel="probability")
    figure.savefig(path, dpi=120)


def draw_waveform(axes: Axes, samples: np.ndarray, rate: int) -> None:
    """Draw samples of shape (n,) over seconds."""
    axes.plot(np.arange(len(samples)) / rate, samples, color=_TRAIN, linewidth=0.4)
    peak = max(1e-6, float(np.abs(samples).max()))
    axes.set(xlim=(0, len(samples) / rate), ylim=(-1.1 * peak, 1.1 * peak), ylabel="amplitude")


def draw_spectrogram(axes: Axes, samples: np.ndarray, rate: int) -> None:
    """Draw the mel spectrogram of samples of shape (n,) over seconds, in dB."""
    mel_db = to_db(mel_power(samples.astype(np.float32), sample_rate=rate, **FRAME))
    floor = mel_db.max() - RANGE_DB
    _draw_frames(axes, mel_db, len(samples) / rate, "mel band", cmap="magma", vmin=floor)


def draw_mfcc(axes: Axes, samples: np.ndarray, rate: int) -> None:
    """Draw the MFCCs 1 to 12 of samples of shape (n,); the 0th, the level, hides the rest."""
    mel_db = to_db(mel_power(samples.astype(np.float32), sample_rate=rate, **FRAME))
    shape = mfcc(mel_db, n_mfcc=13)[:, 1:]
    most = np.percentile(np.abs(shape), 98)
    colours = {"cmap": "coolwarm", "vmin": -most, "vmax": most}
    _draw_frames(axes, shape, len(samples) / rate, "MFCC", base=1, **colours)


def _draw_frames(
    axes: Axes, frames: np.ndarray, seconds: float, label: str, *, base: int = 0, **options: Any
) -> None:
    extent = (0, seconds, base - 0.5, base + frames.shape[1] - 0.5)
    axes.imshow(frames.T, origin="lower", aspect="auto", extent=extent, **options)
    axes.set(xlabel="s", ylabel=label)
    axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))


def plot_comparison(measured: Sequence[Timing], path: Path, title: str) -> None:
    """Draw recipes side by side, a bar for each share of the clips: UAR, and the times."""
    recipes = list(dict.fromkeys(m.recipe for m in measured))
    shares = sorted({m.share for m in measured})
    figure = Figure(figsize=(max(7, 1.3 * len(recipes)), 9), layout="constrained")
    figure.suptitle(title)
    quantities = {
        "uar": "UAR on validation speakers",
        "fit_seconds": "to fit, s",
        "predict_seconds": "to predict, s",
    }
    for axes, (name, words) in zip(figure.subplots(3, 1), quantities.items(), strict=True):
        for number, share in enumerate(shares):
            values = {m.recipe: getattr(m, name) for m in measured if m.share == share}
            at = np.arange(len(recipes)) + (number - (len(shares) - 1) / 2) * 0.8 / len(shares)
            heights = [values[recipe] for recipe in recipes]
            shade = (number + 1) / len(shares)
            axes.bar(
                at, heights, 0.8 / len(shares), color=_TRAIN, alpha=shade, label=f"{share:.0%}"
            )
        axes.set_xticks(range(len(recipes)), recipes, rotation=20, ha="right")
        axes.set_ylabel(words)
        axes.grid(axis="y", alpha=0.25)
        if name == "uar":
            axes.set_ylim(0, 1)
            axes.legend(title="of the clips", ncols=len(shares))
        else:
            axes.set_yscale("log")
    figure.savefig(path, dpi=120)


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
