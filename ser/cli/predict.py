"""Predict the emotion of audio or video files."""

import argparse
import csv
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from ser.errors import AudioError, DecoderFault, SerError, UsageError
from ser.filenames import error_text, printable, show_path
from ser.inference import Cue, Prediction, Predictor, Reference, read_reference
from ser.resources import DEFAULT_MODEL
from ser.timeline import CAPTIONS, caption_writer, cue_lines, read_cues, table_writer, timeline_of
from ser.timeline.writers import Result, Writer

_MIX, _SEPARATE = "mix", "separate"
_HOLD_ONE = ", ".join(CAPTIONS)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the arguments."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("--model", type=Path, default=DEFAULT_MODEL, help="the model file")
    add_reference(parser)
    _add_timeline(parser)
    parser.add_argument(
        "--format", choices=(*FORMATS, *CAPTIONS), default="text", help="of the results"
    )
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a result a file; return 1 if a file could not be scored."""
    args = parse(arguments)
    predictor = Predictor.from_file(args.model)
    reference = given_reference(args, predictor)
    cues = _given_cues(args, args.files)
    write = _writer(args, args.files, predictor.model_file.metadata.labels)
    predict = predictor.predict_channels if args.channels == _SEPARATE else predictor.predict
    failed = False
    for path in args.files:
        try:
            write(show_path(path), predict(path, reference=reference, cues=cues))
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


def _add_timeline(parser: argparse.ArgumentParser) -> None:
    """Add --channels, --cues and --out: of what the emotion is asked for, and where it goes."""
    parser.add_argument(
        "--channels", choices=(_MIX, _SEPARATE), default=_MIX, help="their mix, or each apart"
    )
    parser.add_argument(
        "--cues", type=Path, metavar="FILE", help="captions of the file, .srt or .vtt"
    )
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help=f"gets a file for each, if --format is {_HOLD_ONE}"
    )


def _given_cues(args: argparse.Namespace, files: Sequence[Path]) -> list[Cue] | None:
    """Return the cues of the file after --cues, if there is one.

    Raises:
        UsageError: it cannot be read, or there are several files to predict.
    """
    if args.cues is None:
        return None
    if len(files) > 1:
        raise UsageError(f"--cues: captions belong to one file, and here are {len(files)}")
    try:
        return read_cues(args.cues)
    except (UsageError, OSError) as error:
        raise UsageError(f"--cues: {error_text(error)}") from error


def _writer(args: argparse.Namespace, files: Sequence[Path], labels: Sequence[str]) -> Writer:
    """Return what writes the results in the form that was asked for.

    Raises:
        UsageError: the form does not fit the files, or --out does not fit the form.
    """
    separate = args.channels == _SEPARATE
    if args.format not in CAPTIONS:
        if args.out is not None:
            raise UsageError(f"--out is for --format {_HOLD_ONE}, not {args.format}")
        if args.format == "csv" and (separate or args.cues):
            return table_writer(sys.stdout, labels, channels=separate, cues=bool(args.cues))
        return FORMATS[args.format](labels)
    if len(files) > 1 and args.out is None:
        raise UsageError(
            f"--format {args.format} holds one file, and here are {len(files)}: with --out DIR "
            "each gets its own"
        )
    return caption_writer(args.format, sys.stdout, args.out, _note)


def _note(text: str) -> None:
    print(printable(text), file=sys.stderr)


def in_words(answer: Prediction) -> str:
    """Return emotion, confidence, use of the reference, and codes of warnings, in one line."""
    used = ["with reference"] if answer.reference and answer.reference.used else []
    return ", ".join([f"{answer.emotion} ({answer.confidence:.0%})", *used, *answer.warnings])


def _code(error: Exception) -> str:
    return getattr(error, "code", "unreadable")


def _text(_labels: Sequence[str]) -> Writer:
    def write(name: str, result: Result) -> None:
        if isinstance(result, Exception):
            print(f"{name}: error: {error_text(result)}")
            return
        if isinstance(result, Prediction):
            print(f"{name}: {in_words(result)}")
        else:
            for number, channel in enumerate(result.channels, start=1):
                print(f"{name}, channel {number}: {in_words(channel) if channel else 'silent'}")
        if result.cues is not None:
            print(*cue_lines(timeline_of(result)), sep="\n")

    return write


def _json(_labels: Sequence[str]) -> Writer:
    """Return a writer of one JSON object a line."""

    def write(name: str, result: Result) -> None:
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

    def write(name: str, result: Result) -> None:
        if isinstance(result, Exception):
            fault = f"{_code(result)}: {error_text(result)}"
            rows.writerow([name, *[""] * (7 + len(labels)), fault])
            return
        assert isinstance(result, Prediction)  # noqa: S101 - `table_writer` has the channels
        numbers = [f"{p:.6f}" for p in result.probabilities.values()]
        row = [name, result.emotion, f"{result.confidence:.6f}"]
        row += ["" if x is None else f"{x:.6f}" for x in (result.arousal, result.valence)]
        used = str(result.reference.used).lower() if result.reference else ""
        warnings = " ".join(result.warnings)
        rows.writerow([*row, f"{result.duration:.3f}", *numbers, used, warnings, ""])

    return write


FORMATS = {"text": _text, "json": _json, "csv": _csv}
