"""Convert a corpus's mp4 and other files to WAV; run again to resume."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from ser.corpora.files.convert import convert, plan


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("in_dir", type=Path, metavar="IN_DIR", help="searched with its subfolders")
    parser.add_argument("out_dir", type=Path, metavar="OUT_DIR", help="gets the same subfolders")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    from tqdm import tqdm

    args = parse(arguments)
    jobs = plan(args.in_dir, args.out_dir)
    todo = [job for job in jobs if not job.done]
    failed = 0
    for _, error in tqdm(convert(todo), total=len(todo), desc="convert", unit="file"):
        if error is not None:
            failed += 1
            tqdm.write(f"not converted: {error}", file=sys.stderr)
    print(f"{len(todo) - failed} converted, {len(jobs) - len(todo)} were there, {failed} failed")
    return 1 if failed else 0
