"""Fetch corpora from their publishers; run again to resume."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from ser.cli import options
from ser.corpora import CORPORA, Corpus, Edition
from ser.corpora.files.download import fetch, list_files, mirrored
from ser.errors import DownloadFault, UsageError
from ser.filenames import show_path
from ser.plugins import lookup


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument(
        "corpora", nargs="*", metavar="CORPUS[:EDITION]", help="what to fetch; see --list"
    )
    parser.add_argument("--list", action="store_true", help="list corpora and editions, and stop")
    parser.add_argument("--to", type=Path, metavar="DIR", help="gets a folder for each corpus")
    parser.add_argument(
        "--accept-licence", action="store_true", help="accept the licences instead of being asked"
    )
    parser.add_argument(
        "--mirror", metavar="URL", help="fetch the files of the same names from here instead"
    )
    args = parser.parse_args(arguments)
    if not args.list and not (args.corpora and args.to):
        parser.error("CORPUS and --to are needed (or --list)")
    return args


def main(arguments: Sequence[str] | None = None) -> int:
    args = parse(arguments)
    if args.list:
        _print_list()
        return 0
    wanted = [_find(name) for name in args.corpora]
    for corpus in {corpus.name: corpus for corpus, _ in wanted}.values():
        _accept(corpus, args.accept_licence)
    failed = False
    for corpus, edition in wanted:
        try:
            fetched, present = _fetch(corpus, edition, args.to / corpus.name, args.mirror)
        except DownloadFault as fault:
            failed = True
            options.note(f"{corpus.name}: {fault}")
            continue
        folder = show_path(args.to / corpus.name)
        print(f"{corpus.name}: {fetched} fetched, {present} were there, in {folder}")
    return 1 if failed else 0


def _print_list() -> None:
    for corpus in CORPORA.values():
        if corpus.fallback:
            continue
        print(f"{corpus.title}: {corpus.source}. Licence: {corpus.licence}. {corpus.page}")
        for number, (name, edition) in enumerate(corpus.editions.items()):
            choice = f"{corpus.name}:{name}" if number else corpus.name
            print(f"  {choice:20} {edition.summary}")
        if not corpus.editions:
            print(f"  {corpus.name:20} not fetched by this program: see its page")


def _find(name: str) -> tuple[Corpus, Edition]:
    name, _, edition = name.partition(":")
    corpus = lookup(CORPORA, name, "corpus")
    if not corpus.editions:
        way_out = f"see {corpus.page}" if corpus.page else "those are your own clips"
        raise UsageError(f"{corpus.name} cannot be fetched by a program: {way_out}")
    return corpus, lookup(
        corpus.editions, edition or next(iter(corpus.editions)), f"edition of {name}"
    )


def _accept(corpus: Corpus, accepted: bool) -> None:
    options.note(f"{corpus.title} ({corpus.source}) is licensed: {corpus.licence}. {corpus.page}")
    if accepted:
        return
    if not sys.stdin.isatty():
        raise UsageError("read the licence, then give --accept-licence")
    print("Type yes to accept: ", end="", file=sys.stderr, flush=True)
    if input().strip().lower() != "yes":
        raise UsageError("the licence was not accepted")


def _fetch(corpus: Corpus, edition: Edition, folder: Path, mirror: str | None) -> tuple[int, int]:
    from tqdm import tqdm

    files = list_files(mirrored(edition, mirror) if mirror else edition)
    fetched = 0
    for number, file in enumerate(files, start=1):
        title = f"{corpus.name} {number}/{len(files)}"
        with tqdm(desc=title, unit="B", unit_scale=True, leave=len(files) == 1) as bar:

            def show(have: int, total: int | None, bar: tqdm = bar) -> None:
                bar.total = total
                bar.n = have
                bar.refresh() if have == total else bar.update(0)

            fetched += fetch(file, folder, progress=show)
    return fetched, len(files) - fetched
