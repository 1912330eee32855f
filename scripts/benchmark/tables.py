"""The figures of the benchmark as tables and as a chart."""

from collections.abc import Mapping, Sequence
from pathlib import Path

#: The rows that people read; the others are for whoever works on the speed.
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
    """Return rows as a Markdown table, all if None; in brackets as a multiple of the first column.

    Args:
        columns: name of a server to its figures, by row; the first is this app.
    """
    ours = next(iter(columns.values()))
    lines = [f"| | {' | '.join(columns)} |", f"|---{'|---:' * len(columns)}|"]
    for row in rows or dict.fromkeys(name for own in columns.values() for name in own):
        cells = []
        for name, own in columns.items():
            text = number(own[row]) if row in own else ""
            if text and name.startswith("tutorial") and row in ours:
                text += f" (× {number(own[row] / ours[row])})"
            cells.append(text)
        lines.append(f"| {row} | {' | '.join(cells)} |")
    return "\n".join(lines)


def number(value: float) -> str:
    """Return a figure with as many digits as it is worth."""
    return f"{value:.2g}" if value < 1 else f"{value:.1f}" if value < 20 else f"{value:,.0f}"


def chart(columns: Columns, path: Path) -> None:
    """Draw the four figures that most people ask for."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, grid = pyplot.subplots(2, 2, figsize=(9, 5), layout="constrained")
    colours = ["#adb5bd" if name.startswith("tutorial") else "#4c6ef5" for name in columns]
    for panel, row in zip(grid.flat, _CHART, strict=True):
        bars = panel.barh(list(columns), [own[row] for own in columns.values()], color=colours)
        panel.bar_label(bars, [number(own[row]) for own in columns.values()], padding=3)
        panel.set_title(row, fontsize=10, loc="left")
        panel.margins(x=0.2)
        panel.invert_yaxis()
        panel.spines[["top", "right"]].set_visible(False)
        panel.label_outer()
        panel.xaxis.set_visible(False)
    figure.savefig(path, dpi=120)
