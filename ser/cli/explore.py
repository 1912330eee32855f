"""Show what a corpus is like: counts, lengths, loudness, one clip of each emotion."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from ser.cli import options
from ser.corpora import CORPORA, scan
from ser.data.dataset import no_utterance
from ser.filenames import show_path


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument(
        "--data", nargs="+", type=Path, required=True, metavar="DIR", help="folders, or lists"
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("reports/corpus"),
        metavar="DIR",
        help="for the page and its plots",
    )
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    args = parse(arguments)
    options.check_writable(args.out)
    found = scan(args.data, CORPORA)
    summary, *unknown = found.summary().splitlines()
    options.note(summary, *unknown)
    if not found.utterances:
        raise no_utterance(args.data, found)

    from ser.reports.corpus_report import write_corpus_report

    names = sorted({CORPORA[u.corpus].title for u in found.utterances})
    page = write_corpus_report(
        found.utterances,
        args.out,
        title=f"Corpus: {', '.join(names)}",
        notes=[f"{summary}."],
        progress=options.progress_bar("clips"),
    )
    print(show_path(page))
    return 0
