"""Write a copy of a Keras model of other people that says its labels, features and scaling."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from ser.errors import UsageError
from ser.features import FEATURE_SETS
from ser.filenames import show_path
from ser.inference.adoption import adopt, read_scaling
from ser.plugins import lookup


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("model", type=Path, metavar="MODEL", help="an .h5 or a .keras file")
    parser.add_argument(
        "--labels", required=True, metavar="A,B,…", help="in the order of the model's outputs"
    )
    parser.add_argument(
        "--features", required=True, metavar="NAME", help=f"one of {', '.join(FEATURE_SETS)}"
    )
    parser.add_argument(
        "--scaler",
        type=Path,
        metavar="FILE",
        help="an .npz, .json or .csv with mean and scale, or min and max, of the features",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the .h5 to write")
    parser.add_argument("--name", help="of the model; that of --out unless given")
    parser.add_argument("--licence", metavar="TEXT", help="of the model")
    args = parser.parse_args(arguments)
    if args.out.suffix != ".h5":
        parser.error(f"--out {show_path(args.out)} must end in .h5")
    return args


def main(arguments: Sequence[str] | None = None) -> int:
    args = parse(arguments)
    labels = [label.strip() for label in args.labels.split(",")]
    if len(labels) < 2 or len(set(labels)) < len(labels) or not all(labels):
        raise UsageError(f"--labels {args.labels!r}: two or more different names, with commas")
    adopted = adopt(
        args.model,
        args.out,
        labels=labels,
        features=lookup(FEATURE_SETS, args.features, "feature set"),
        scaling=read_scaling(args.scaler) if args.scaler else None,
        name=args.name or "",
        licence=args.licence or "",
    )
    features = adopted.features
    print(
        f"{show_path(args.out)}: {', '.join(labels)}; "
        f"{features.name} of shape {features.shape} at {features.sample_rate} Hz"
    )
    return 0
