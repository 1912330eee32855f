"""What is done with the scores of evaluations: into a model file, or one against another."""

import json
from pathlib import Path
from typing import Any

from ser.cli import options
from ser.errors import UsageError
from ser.evaluation.comparison import compare_reports
from ser.filenames import show_path
from ser.models.model_file import add_scores, read_model_file
from ser.reports.corpus_tables import comparison_report
from ser.reports.model_card import write_model_card


def read_scores(path: Path) -> dict[str, Any]:
    """Return the figures that an evaluation wrote.

    Raises:
        UsageError: the file holds something else.
    """
    try:
        figures = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UsageError(f"{path} is not JSON: {error}") from error
    if not isinstance(figures, dict) or "uar" not in figures:
        raise UsageError(f"{path} does not hold the scores of an evaluation")
    return figures


def add_to_model(figures: dict[str, Any], model: Path) -> None:
    """Add figures to a model file, and write its card beside it.

    Raises:
        UsageError: they are of a finished model, or of other emotions than the model's.
    """
    if "protocol" not in figures:
        raise UsageError("those are scores of a finished model, not of a recipe under a protocol")
    trained = read_model_file(model).metadata
    if figures["recipe"] == trained.recipe and set(figures["recall"]) != set(trained.labels):
        raise UsageError(
            f"the figures are of {', '.join(figures['recall'])}; {model} tells "
            f"{', '.join(trained.labels)} apart"
        )
    add_scores(model, figures)
    card = write_model_card(model)
    options.note(
        f"{show_path(model)} carries the figures of {figures['protocol']}; "
        f"{show_path(card)} is its card"
    )


def print_comparison(first: Path, second: Path) -> None:
    """Print the difference of the UARs of two report folders, and it as one JSON line."""
    difference = compare_reports(first, second)
    print(comparison_report(difference))
    print(json.dumps(difference))
