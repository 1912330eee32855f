"""Collect the reports of a folder on one page, with a bar chart of the recipes."""

import argparse
from collections.abc import Sequence
from pathlib import Path


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument(
        "folder", nargs="?", type=Path, default=Path("reports"), metavar="DIR",
        help="holds the folders that `ser evaluate`, `train` and `explore` wrote",
    )  # fmt: skip
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    from ser.filenames import show_path
    from ser.reports.html import collect_reports

    print(show_path(collect_reports(parse(arguments).folder)))
    return 0
