"""Reports as one HTML page: what the folders of a report hold, tied together."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

from ser.errors import UsageError
from ser.reports.markdown import percent
from ser.reports.plots import plot_recipes

PAGE = "index.html"
_STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 75rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; }
th, td { padding: .25rem .75rem; text-align: left; border-bottom: 1px solid #8886; }
img { max-width: 100%; background: #fff; margin: .5rem 0; }
section { margin-block: 3rem; }
"""


@dataclass(frozen=True, kw_only=True)
class Section:
    """A part of a page.

    Attributes:
        table: its first row is the header.
        images, links: paths from the page's folder.
    """

    heading: str
    text: str = ""
    table: Sequence[Sequence[str]] = ()
    images: Sequence[str] = field(default_factory=tuple)
    links: Sequence[str] = field(default_factory=tuple)


def write_page(path: Path, title: str, sections: Iterable[Section]) -> None:
    """Write a page that stands alone but for its images."""
    body = "\n".join(_section(section) for section in sections)
    path.write_text(
        f'<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width">\n<title>{escape(title)}</title>\n'
        f"<style>{_STYLE}</style>\n<h1>{escape(title)}</h1>\n{body}\n</html>\n",
        encoding="utf-8",
    )


def _section(section: Section) -> str:
    parts = [f"<h2>{escape(section.heading)}</h2>"]
    if section.text:
        parts.append(f"<p>{escape(section.text)}</p>")
    if section.table:
        header, *rows = section.table
        parts.append("<table>" + _row("th", header))
        parts += [_row("td", row) for row in rows]
        parts.append("</table>")
    parts += [
        f'<p><img src="{escape(image)}" alt="{escape(Path(image).stem)}" loading="lazy"></p>'
        for image in section.images
    ]
    parts += [f'<p><a href="{escape(link)}">{escape(link)}</a></p>' for link in section.links]
    return "<section>\n" + "\n".join(parts) + "\n</section>"


def _row(tag: str, cells: Sequence[str]) -> str:
    return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells) + "</tr>"


def tie_together(folder: Path) -> Path:
    """Write the page of all reports below a folder, with a chart over the evaluations.

    A report is a folder that `evaluate.py`, `train.py` or `explore.py` wrote.

    Returns:
        the page.

    Raises:
        UsageError: there is no report.
    """
    reports = sorted({path.parent for path in folder.rglob("*.png")} - {folder})
    if not reports:
        raise UsageError(f"no report with plots below {folder}")
    scores = {report: _scores(report) for report in reports}
    measured = [figures for figures in scores.values() if figures]
    sections = []
    if measured:
        plot_recipes(measured, folder / "recipes.png")
        sections.append(
            Section(
                heading="Evaluations",
                text="UAR is the mean recall of the classes. Where voices of the test are also in "
                "the training, the figure measures memory of voices.",
                table=[_HEADER, *map(_figures_row, measured)],
                images=["recipes.png"],
            )
        )
    sections += [_report_section(folder, report, scores[report]) for report in reports]
    page = folder / PAGE
    write_page(page, "Speech emotion recognition: reports", sections)
    return page


_HEADER = ("what", "tested on", "voices also in training", "UAR", "95 %", "accuracy", "clips")


def _scores(report: Path) -> dict[str, Any]:
    path = report / "scores.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def _figures_row(figures: dict[str, Any]) -> tuple[str, ...]:
    interval = (figures.get("interval") or {}).get("uar")
    leaks = figures.get("leaks")
    return (
        figures.get("recipe") or figures["model"],
        figures.get("protocol") or figures["data"],
        "not known" if leaks is None else "yes" if leaks else "no",
        percent(figures["uar"]),
        " to ".join(map(percent, interval)) if interval else "",
        percent(figures["accuracy"]),
        f"{figures['n']:,}",
    )


def _report_section(folder: Path, report: Path, figures: dict[str, Any]) -> Section:
    name = report.relative_to(folder)
    files = sorted(report.iterdir())
    return Section(
        heading=str(name),
        text=" · ".join(_figures_row(figures)[:2]) if figures else "",
        images=[(name / file.name).as_posix() for file in files if file.suffix == ".png"],
        links=[(name / file.name).as_posix() for file in files if file.suffix in (".txt", ".html")],
    )
