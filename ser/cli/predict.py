"""Predict the emotion of audio or video files, of folders, and of files that arrive in one."""

import argparse
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from ser.cli.output.forms import FORMS
from ser.cli.output.progress import FileProgress, note
from ser.corpora.files.arrivals import arrivals, audio_files
from ser.errors import AudioError, DecoderFault, SerError, UsageError
from ser.filenames import error_text, show_path
from ser.inference import Cue, Predictor, Reference, read_reference
from ser.models.model_file import ASSUMED
from ser.resources import DEFAULT_MODEL
from ser.timeline import CAPTIONS, caption_writer, read_cues, table_writer
from ser.timeline.writers import Result, Writer

_MIX, _SEPARATE = "mix", "separate"
_HOLD_ONE = ", ".join(CAPTIONS)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the arguments."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument(
        "files", nargs="*", type=Path, metavar="FILE", help="or a folder: all audio files below it"
    )
    parser.add_argument("--model", type=Path, default=DEFAULT_MODEL, help="the model file")
    add_reference(parser)
    _add_timeline(parser)
    parser.add_argument(
        "--format", choices=(*FORMS, *CAPTIONS), default="text", help="of the results"
    )
    parser.add_argument(
        "--top", type=int, default=1, metavar="N", help="show the N most probable emotions"
    )
    parser.add_argument(
        "--watch", type=Path, metavar="DIR", help="then predict what arrives below it; Ctrl-C ends"
    )
    args = parser.parse_args(arguments)
    if args.top < 1:
        parser.error("--top must be at least 1")
    if not args.files and args.watch is None:
        parser.error("FILE or --watch is needed")
    return args


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a result a file; return 1 if a file could not be scored."""
    args = parse(arguments)
    files = [file for path in args.files for file in _files(path)]
    if args.watch:
        audio_files(args.watch)  # a wrong name fails before the model is loaded
    number = "many" if args.watch else str(len(files))
    predictor = Predictor.from_file(args.model)
    if predictor.model_file.labels_assumed:
        note(f"{show_path(args.model)}: {ASSUMED}")
    reference = given_reference(args, predictor)
    cues = _given_cues(args, number)
    write = _writer(args, number, predictor.model_file.metadata.labels)
    predict = predictor.predict_channels if args.channels == _SEPARATE else predictor.predict

    def answer(path: Path) -> Result:
        return predict(path, reference=reference, cues=cues)

    with FileProgress(len(files)) as progress:
        failed = _print_all(files, answer, write, progress)
    if args.watch:
        note(f"watching {show_path(args.watch)}; Ctrl-C ends")
        try:
            _print_all(arrivals(args.watch), answer, write, FileProgress(0))
        except KeyboardInterrupt:
            return 0
    return 1 if failed else 0


def _print_all(
    paths: Iterable[Path], answer: Callable[[Path], Result], write: Writer, progress: FileProgress
) -> bool:
    """Print the answer for each file; return whether one could not be scored."""
    failed = False
    for path in paths:
        result: Result
        try:
            result = answer(path)
        except (SerError, OSError) as error:
            failed, result = True, error
        with progress.hidden():
            write(show_path(path), result)
            sys.stdout.flush()  # what is watched has no end that would do it
        progress.count()
    return failed


def _files(path: Path) -> list[Path]:
    """Return a file, or the audio files below a folder, whose number is noted.

    Raises:
        UsageError: there is no audio file below the folder.
    """
    if not path.is_dir():
        return [path]
    found, skipped = audio_files(path)
    if not found:
        raise UsageError(f"no audio or video file below {show_path(path)}")
    note(f"{show_path(path)}: {len(found)} audio files, {skipped} other files skipped")
    return found


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


def _given_cues(args: argparse.Namespace, number: str) -> list[Cue] | None:
    """Return the cues of the file after --cues, if there is one.

    Raises:
        UsageError: it cannot be read, or there are several files to predict.
    """
    if args.cues is None:
        return None
    if number != "1":
        raise UsageError(f"--cues: captions belong to one file, and here are {number}")
    try:
        return read_cues(args.cues)
    except (UsageError, OSError) as error:
        raise UsageError(f"--cues: {error_text(error)}") from error


def _writer(args: argparse.Namespace, number: str, labels: Sequence[str]) -> Writer:
    """Return what writes the results in the form that was asked for.

    Raises:
        UsageError: the form does not fit the files, or --out or --top does not fit the form.
    """
    separate = args.channels == _SEPARATE
    has_rows_of_spans = args.format == "csv" and (separate or args.cues)
    if args.top > 1 and (has_rows_of_spans or args.format in CAPTIONS):
        raise UsageError(f"--top has no place in --format {args.format} of spans; json has one")
    if args.format not in CAPTIONS:
        if args.out is not None:
            raise UsageError(f"--out is for --format {_HOLD_ONE}, not {args.format}")
        if has_rows_of_spans:
            return table_writer(sys.stdout, labels, channels=separate, cues=bool(args.cues))
        return FORMS[args.format](labels, min(args.top, len(labels)))
    if number != "1" and args.out is None:
        raise UsageError(
            f"--format {args.format} holds one file, and here are {number}: with --out DIR "
            "each gets its own"
        )
    return caption_writer(args.format, sys.stdout, args.out, note)
