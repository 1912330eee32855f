"""The folder that `ser evaluate --report` writes: plots, text, scores and answers."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ser.evaluation.comparison import save_answers
from ser.evaluation.results import Evaluation
from ser.metrics import Scores
from ser.reports.corpus_tables import matrix_uars
from ser.reports.plots import classification_text, plot_confusion, plot_curves, plot_matrix


def write_scores(
    folder: Path, scores: Scores, figures: Mapping[str, Any], *, title: str, details: str
) -> None:
    """Write the confusion matrix, the text, and the figures as `scores.json`."""
    folder.mkdir(parents=True, exist_ok=True)
    plot_confusion(scores, folder / "confusion.png", title)
    (folder / "report.txt").write_text(f"{title}\n\n{classification_text(scores)}\n{details}\n")
    (folder / "scores.json").write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def write_evaluation(
    folder: Path, evaluation: Evaluation, figures: Mapping[str, Any], *, title: str, details: str
) -> None:
    """Write all of an evaluation: also the answers for each clip, the curves and the matrix."""
    if (n_seeds := len(evaluation.seeds)) > 1:
        title += f" ({n_seeds} seeds: each clip counts {n_seeds} times)"
    write_scores(folder, evaluation.scores(), figures, title=title, details=details)
    save_answers(evaluation, folder)
    if uars := matrix_uars(figures):
        plot_matrix(uars, folder / "matrix.png", title)
    for run in filter(lambda run: run.history, evaluation.results):
        name = re.sub(r"\W+", "-", f"{run.split} seed {run.seed}")
        plot_curves(
            run.history,
            run.best_epoch,
            folder / f"curves-{name}.png",
            f"{evaluation.recipe.name}, {run.split}, seed {run.seed}",
        )
