"""Figures as files for people: PNG plots and text."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from ser.metrics import Scores

_INK, _TRAIN, _VALIDATION = "#1f2430", "#3b6fb6", "#d9772b"


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
