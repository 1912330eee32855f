"""Extract the features of corpora, or a network's embeddings, into a table: CSV, Parquet, .npz.

FILE.json beside it says how it was made: features, versions, counts, and what was left out.
"""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

from ser.cli import options
from ser.corpora import CORPORA, Utterance, scan
from ser.data.dataset import no_utterance
from ser.data.extraction import embed, embedding_features, extract, no_clip_readable
from ser.data.feature_tables import FORMATS, new_table, write_manifest
from ser.features import FEATURE_SETS, FeatureSet
from ser.filenames import show_path
from ser.plugins import lookup


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument(
        "--data", nargs="+", type=Path, required=True, metavar="DIR", help="folders of corpora"
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--features", metavar="NAME", help=f"one of {', '.join(FEATURE_SETS)}")
    what.add_argument(
        "--model", type=Path, metavar="FILE", help="the vector before the last layer of its network"
    )
    parser.add_argument(
        "--out", type=Path, required=True, metavar="FILE", help=f"ends in {', '.join(FORMATS)}"
    )
    options.add_workers(parser)
    args = parser.parse_args(arguments)
    if args.jobs < 1:
        parser.error("--jobs must be at least 1")
    return args


def main(arguments: Sequence[str] | None = None) -> int:
    from tqdm import tqdm

    args = parse(arguments)
    features = _features(args)
    found = scan(args.data, CORPORA)
    options.note(found.summary())
    if not found.utterances:
        raise no_utterance(args.data, found)
    kept: list[Utterance] = []
    faults: list[str] = []
    start = time.monotonic()
    with (
        new_table(args.out, features) as table,
        tqdm(total=len(found.utterances), desc=features.name, unit="clip") as progress,
    ):
        workers = {"jobs": args.jobs, "dask": args.dask}
        chunks = (
            embed(found.utterances, args.model, **workers)
            if args.model
            else extract(found.utterances, features, **workers)
        )
        for chunk in chunks:
            table.write(chunk)
            for fault in chunk.faults:
                tqdm.write(f"left out {fault}", file=progress.fp)
            kept += chunk.utterances
            faults += chunk.faults
            progress.update(chunk.n_clips)
        if not kept:
            raise no_clip_readable(faults)
    seconds = time.monotonic() - start
    options.note(f"{len(found.utterances) / seconds:.0f} clips a second")
    manifest = write_manifest(args.out, features, kept, found, faults)
    counts = f"{len(kept)} clips of shape {features.shape}, {len(faults)} left out"
    print(f"{show_path(args.out)}: {counts}")
    print(f"{show_path(manifest)}: how it was made")
    return 1 if faults else 0


def _features(args: argparse.Namespace) -> FeatureSet:
    """Return what the columns of the table are."""
    if args.model:
        return embedding_features(args.model)
    return lookup(FEATURE_SETS, args.features, "feature set")
