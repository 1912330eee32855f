"""Collect the reports of a folder on one page, with a bar chart of the recipes."""

import argparse
from pathlib import Path


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument(
        "folder", nargs="?", type=Path, default=Path("reports"), metavar="DIR",
        help="holds the folders that `ser evaluate`, `train` and `explore` wrote",
    )  # fmt: skip
    return parser.parse_args()


def main() -> int:
    from ser.reports.html import tie_together

    print(tie_together(parse().folder))
    return 0
