"""The figures of the benchmark as tables and as a chart."""

from collections.abc import Mapping, Sequence
from pathlib import Path

#: The rows of the first table. The others help to make the app faster.
READ = (
    "cold start, s",
    "wav, median, ms",
    "wav, 99 %, ms",
    "mp3, median, ms",
    "mp4, median, ms",
    "wav of 60 s, median, ms",
    "requests a second, 8 clients",
    "memory idle, MB",
    "memory at peak, mixed requests of 8 clients, MB",
    "memory at peak, four of 600 s at once, MB",
    "installed, compressed, MB",
    "extraction, clips a second, 2 processes",
)
_CHART = (
    "wav, median, ms",
    "requests a second, 8 clients",
    "memory at peak, mixed requests of 8 clients, MB",
    "cold start, s",
)
Columns = Mapping[str, Mapping[str, float]]


def markdown(columns: Columns, rows: Sequence[str] | None = None) -> str:
    """Return figures as a Markdown table; those of the tutorial apps also as multiples of ours.

    Args:
        columns: the figures of each server, by row; the first server is this app.
        rows: their order; all rows if None. A row that was not measured is left out.
    """
    ours = next(iter(columns.values()))
    lines = [f"| | {' | '.join(columns)} |", f"|---{'|---:' * len(columns)}|"]
    measured = dict.fromkeys(name for own in columns.values() for name in own)
    for row in [row for row in rows or measured if row in measured]:
        cells = []
        for name, own in columns.items():
            text = number(own[row]) if row in own else ""
            if text and name.startswith("tutorial") and row in ours:
                text += f" (× {number(own[row] / ours[row])})"
            cells.append(text)
        lines.append(f"| {row} | {' | '.join(cells)} |")
    return "\n".join(lines)


def number(value: float) -> str:
    """Return a figure with two or three digits, or as a whole number."""
    return f"{value:.2g}" if value < 1 else f"{value:.1f}" if value < 20 else f"{value:,.0f}"


def chart(columns: Columns, path: Path) -> None:
    """Draw the four figures that most people ask for, as far as they were measured."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, grid = pyplot.subplots(2, 2, figsize=(9, 5), layout="constrained")
    colours = ["#adb5bd" if name.startswith("tutorial") else "#4c6ef5" for name in columns]
    for panel, row in zip(grid.flat, _CHART, strict=True):
        values = [own.get(row, 0) for own in columns.values()]
        bars = panel.barh(list(columns), values, color=colours)
        panel.bar_label(bars, [number(value) if value else "" for value in values], padding=3)
        panel.set_title(row, fontsize=10, loc="left")
        panel.margins(x=0.2)
        panel.invert_yaxis()
        panel.spines[["top", "right"]].set_visible(False)
        panel.label_outer()
        panel.xaxis.set_visible(False)
    figure.savefig(path, dpi=120)
