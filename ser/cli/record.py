"""Listen to the microphone: wait for speech, stop at silence, predict the emotion."""

import argparse
import io
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import soundfile

from ser.audio.microphone import RecordingLimits, file_blocks, microphone_blocks, record
from ser.cli import options
from ser.cli.output.forms import in_words
from ser.cli.predict import add_reference, given_reference
from ser.inference.predictor import Predictor
from ser.resources import DEFAULT_MODEL


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    usual = RecordingLimits()
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--model", type=Path, default=DEFAULT_MODEL, help="the model file")
    add_reference(parser)
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--from-wav", type=Path, metavar="FILE", help="listen to this file instead")
    source.add_argument("--device", help="the microphone: its number, or part of its name")
    parser.add_argument(
        "--wait", type=float, default=usual.wait, metavar="S", help="seconds to wait for speech"
    )
    parser.add_argument(
        "--silence",
        type=float,
        default=usual.silence,
        metavar="S",
        help="seconds of silence that end a take",
    )
    parser.add_argument(
        "--longest",
        type=float,
        default=usual.longest,
        metavar="S",
        help="seconds of the longest take",
    )
    parser.add_argument(
        "--save", type=Path, default=Path("recordings"), metavar="DIR", help="gets take and plot"
    )
    parser.add_argument("--no-save", action="store_true", help="keep nothing")
    args = parser.parse_args(arguments)
    for name in ("wait", "silence", "longest"):
        if getattr(args, name) <= 0:
            parser.error(f"--{name} must be more than 0")
    return args


def main(arguments: Sequence[str] | None = None) -> int:
    args = parse(arguments)
    limits = RecordingLimits(wait=args.wait, silence=args.silence, longest=args.longest)
    predictor = Predictor.from_file(args.model)
    reference = given_reference(args, predictor)
    if args.from_wav:
        rate, blocks = file_blocks(args.from_wav)
        samples = record(blocks, rate=rate, limits=limits)
    else:
        device = int(args.device) if (args.device or "").isdigit() else args.device
        with microphone_blocks(device) as (rate, blocks):
            options.note("listening: speak now")
            samples = record(blocks, rate=rate, limits=limits)
    options.note(f"recorded {len(samples) / rate:.1f} s")
    take = io.BytesIO()
    soundfile.write(take, samples, rate, format="WAV")
    answer = predictor.predict(take.getvalue(), reference=reference)
    if not args.no_save:
        from ser.reports.signals import plot_recording

        stem = args.save / datetime.now().strftime("take-%Y%m%d-%H%M%S-%f")
        args.save.mkdir(parents=True, exist_ok=True)
        stem.with_suffix(".wav").write_bytes(take.getvalue())
        plot_recording(samples, rate, answer, stem.with_suffix(".png"))
        options.note(f"{stem}.wav, {stem}.png")
    print(in_words(answer))
    return 0
