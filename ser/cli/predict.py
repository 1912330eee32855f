"""Predict the emotion of audio or video files."""

import argparse
import csv
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from ser.errors import AudioError, DecoderFault, SerError, UsageError
from ser.filenames import error_text, show_path
from ser.inference import Prediction, Predictor, Reference, read_reference
from ser.resources import DEFAULT_MODEL

#: Called with the name of a file and its prediction, or the error that came instead.
Writer = Callable[[str, Prediction | Exception], None]


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the arguments."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("--model", type=Path, default=DEFAULT_MODEL, help="the model file")
    add_reference(parser)
    parser.add_argument("--format", choices=FORMATS, default="text", help="of the results")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a result a file; return 1 if a file could not be scored."""
    args = parse(arguments)
    predictor = Predictor.from_file(args.model)
    reference = given_reference(args, predictor)
    write = FORMATS[args.format](predictor.model_file.metadata.labels)
    failed = False
    for path in args.files:
        try:
            write(show_path(path), predictor.predict(path, reference=reference))
        except (SerError, OSError) as error:
            failed = True
            write(show_path(path), error)
    return 1 if failed else 0


def add_reference(parser: argparse.ArgumentParser) -> None:
    """Add --reference: how the speaker sounds in a neutral voice."""
    parser.add_argument(
        "--reference",
        nargs="+",
        type=Path,
        metavar="FILE",
        help="1 to 4 files of the same speaker in a neutral voice",
    )


def given_reference(args: argparse.Namespace, predictor: Predictor) -> Reference | None:
    """Return the reference of the files after --reference, if there are any.

    Raises:
        UsageError: the model takes none, or it cannot be made of these files.
    """
    if args.reference is None:
        return None
    try:
        return read_reference(predictor.model_file, args.reference)
    except (UsageError, AudioError, DecoderFault, OSError) as error:
        raise UsageError(f"--reference: {error_text(error)}") from error


def in_words(answer: Prediction) -> str:
    """Return emotion, confidence, use of the reference, and codes of warnings, in one line."""
    used = ["with reference"] if answer.reference and answer.reference.used else []
    return ", ".join([f"{answer.emotion} ({answer.confidence:.0%})", *used, *answer.warnings])


def _code(error: Exception) -> str:
    return getattr(error, "code", "unreadable")


def _text(_labels: Sequence[str]) -> Writer:
    def write(name: str, result: Prediction | Exception) -> None:
        if isinstance(result, Exception):
            print(f"{name}: error: {error_text(result)}")
        else:
            print(f"{name}: {in_words(result)}")

    return write


def _json(_labels: Sequence[str]) -> Writer:
    """Return a writer of one JSON object a line."""

    def write(name: str, result: Prediction | Exception) -> None:
        if isinstance(result, Exception):
            answer: dict = {"error": {"code": _code(result), "message": error_text(result)}}
        else:
            answer = result.to_dict()
        print(json.dumps({"file": name, **answer}))

    return write


def _csv(labels: Sequence[str]) -> Writer:
    """Return a writer of one row a file, below a header."""
    rows = csv.writer(sys.stdout)
    first, last = (
        "file emotion confidence arousal valence duration",
        "reference_used warnings error",
    )
    rows.writerow([*first.split(), *labels, *last.split()])

    def write(name: str, result: Prediction | Exception) -> None:
        if isinstance(result, Exception):
            fault = f"{_code(result)}: {error_text(result)}"
            rows.writerow([name, *[""] * (7 + len(labels)), fault])
            return
        numbers = [f"{p:.6f}" for p in result.probabilities.values()]
        row = [name, result.emotion, f"{result.confidence:.6f}"]
        row += ["" if x is None else f"{x:.6f}" for x in (result.arousal, result.valence)]
        used = str(result.reference.used).lower() if result.reference else ""
        warnings = " ".join(result.warnings)
        rows.writerow([*row, f"{result.duration:.3f}", *numbers, used, warnings, ""])

    return write


FORMATS = {"text": _text, "json": _json, "csv": _csv}
