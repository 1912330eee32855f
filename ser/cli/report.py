"""Tie the reports of a folder together: one page, and a bar chart over the recipes."""

import argparse
from pathlib import Path


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument(
        "folder", nargs="?", type=Path, default=Path("reports"), metavar="DIR",
        help="below it the folders that evaluate.py, train.py and explore.py wrote",
    )  # fmt: skip
    return parser.parse_args()


def main() -> int:
    from ser.reports.html import tie_together

    print(tie_together(parse().folder))
    return 0
