"""Markdown and HTML from the Jinja2 templates in `templates/`."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape


def percent(ratio: float | None) -> str:
    """Return a ratio of 0 to 1 as percent; a dash for None."""
    return "–" if ratio is None else f"{ratio:.1%}"


_ENVIRONMENT = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=select_autoescape(["html.j2"], default=False),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
_ENVIRONMENT.filters["percent"] = percent


def render(template: str, **values: Any) -> str:
    """Return the text of a template, such as ``report.html.j2``; HTML is escaped.

    Raises:
        jinja2.UndefinedError: the template uses a value that is missing.
    """
    return _ENVIRONMENT.get_template(template).render(values)
