"""Tell the emotion of audio or video files."""

import argparse
import csv
import json
import sys
from pathlib import Path

import _common

from ser.errors import SerError
from ser.inference.predictor import Predictor
from ser.resources import DEFAULT_MODEL


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("--model", type=Path, default=DEFAULT_MODEL, help="the model file")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="one JSON object a file")
    form.add_argument("--csv", action="store_true", help="one row a file, with a header")
    return parser.parse_args()


def main() -> int:
    args = parse()
    predictor = Predictor.from_file(args.model)
    labels = predictor.model_file.metadata.labels
    writer = csv.writer(sys.stdout)
    if args.csv:
        writer.writerow(["file", "emotion", "confidence", "duration", *labels, "error"])
    failed = False
    for path in args.files:
        try:
            answer = predictor.predict(path)
        except (SerError, OSError) as error:
            failed = True
            code = getattr(error, "code", "unreadable")
            if args.json:
                print(
                    json.dumps({"file": str(path), "error": {"code": code, "message": str(error)}})
                )
            elif args.csv:
                writer.writerow([path, "", "", "", *("" for _ in labels), f"{code}: {error}"])
            else:
                print(f"{path}: error: {error}")
            continue
        if args.json:
            print(json.dumps({"file": str(path), **answer.to_dict()}))
        elif args.csv:
            numbers = [f"{p:.6f}" for p in answer.probabilities.values()]
            row = [path, answer.emotion, f"{answer.confidence:.6f}", f"{answer.duration:.3f}"]
            writer.writerow([*row, *numbers, ""])
        else:
            print(f"{path}: {answer.emotion} ({answer.confidence:.0%})")
    return 1 if failed else 0


if __name__ == "__main__":
    _common.run(main)
