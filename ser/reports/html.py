"""HTML pages: one page of sections, and the page that collects all reports of a folder."""

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ser.errors import UsageError
from ser.filenames import show_path
from ser.reports.plots import plot_evaluations
from ser.reports.rendering import percent, render

PAGE = "index.html"


@dataclass(frozen=True, kw_only=True)
class Section:
    """A part of a page.

    Attributes:
        table: its first row is the header.
        images, links: paths relative to the folder of the page.
    """

    heading: str
    text: str = ""
    table: Sequence[Sequence[str]] = ()
    images: Sequence[str] = ()
    links: Sequence[str] = ()


def write_page(path: Path, title: str, sections: Iterable[Section]) -> None:
    """Write a page that needs no other file than its images."""
    page = render("report.html.j2", title=title, sections=list(sections))
    path.write_text(page, encoding="utf-8")


def collect_reports(folder: Path) -> Path:
    """Write a page of all reports below a folder, with a chart of the evaluations.

    A report is a folder that `ser evaluate`, `ser train` or `ser explore` wrote.

    Returns:
        the path of the page.

    Raises:
        UsageError: the folder holds no report.
    """
    reports = sorted({path.parent for path in folder.rglob("*.png")} - {folder})
    if not reports:
        raise UsageError(f"no report with plots below {show_path(folder)}")
    scores = {report: _read_scores(report) for report in reports}
    evaluations = [found for found in scores.values() if found]
    sections = [_evaluations_section(evaluations, folder)] if evaluations else []
    sections += [_report_section(folder, report, scores[report]) for report in reports]
    page = folder / PAGE
    write_page(page, "Speech emotion recognition: reports", sections)
    return page


def _read_scores(report: Path) -> dict[str, Any]:
    """Return the scores of a report; empty if it is not of an evaluation."""
    path = report / "scores.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def _evaluations_section(evaluations: Sequence[dict[str, Any]], folder: Path) -> Section:
    plot_evaluations(evaluations, folder / "recipes.png")
    header = (
        "recipe or model", "tested on", "test speakers also in training",
        "UAR", "95 %", "accuracy", "clips",
    )  # fmt: skip
    return Section(
        heading="Evaluations",
        text="UAR is the mean recall of the emotions. If test speakers are also in the training, "
        "the result shows how well the model knows these speakers, not how well it generalises.",
        table=[header, *map(_evaluation_row, evaluations)],
        images=["recipes.png"],
    )


def _evaluation_row(scores: dict[str, Any]) -> tuple[str, ...]:
    interval = (scores.get("interval") or {}).get("uar")
    leaks = scores.get("leaks")
    return (
        scores.get("recipe") or scores["model"],
        scores.get("protocol") or scores["data"],
        "not known" if leaks is None else "yes" if leaks else "no",
        percent(scores["uar"]),
        " to ".join(map(percent, interval)) if interval else "",
        percent(scores["accuracy"]),
        f"{scores['n']:,}",
    )


def _report_section(folder: Path, report: Path, scores: dict[str, Any]) -> Section:
    addresses = {file: _address(file.relative_to(folder)) for file in sorted(report.iterdir())}
    return Section(
        heading=show_path(report.relative_to(folder).as_posix()),
        text=" · ".join(_evaluation_row(scores)[:2]) if scores else "",
        images=[address for file, address in addresses.items() if file.suffix == ".png"],
        links=[address for file, address in addresses.items() if file.suffix in (".txt", ".html")],
    )


def _address(path: Path) -> str:
    """Return a relative path as an address; letters of any alphabet stay readable."""
    return "".join(
        c if c.isprintable() and c not in "%?#" else quote(os.fsencode(c)) for c in path.as_posix()
    )
