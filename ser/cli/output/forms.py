"""The forms of the results of `ser predict` that are no timelines: text, JSON, and CSV."""

import csv
import json
import sys
from collections.abc import Callable, Sequence
from typing import Any

from ser.filenames import error_text
from ser.inference import Prediction
from ser.timeline import cue_lines, timeline_of
from ser.timeline.spans import with_truncated
from ser.timeline.table import inert
from ser.timeline.writers import Result, Writer, coded_text, error_code


def in_words(answer: Prediction, top: int = 1) -> str:
    """Return emotions, confidences, use of the reference, and codes of warnings, in one line."""
    emotions = [f"{emotion} ({p:.0%})" for emotion, p in _most_probable(answer, top)]
    used = ["with reference"] if answer.reference and answer.reference.used else []
    return ", ".join([*emotions, *used, *with_truncated(answer.warnings, answer)])


def _most_probable(answer: Prediction, n: int) -> list[tuple[str, float]]:
    """Return the `n` most probable emotions with their probabilities, the answer first."""
    return sorted(answer.probabilities.items(), key=lambda item: -item[1])[:n]


def _text(_labels: Sequence[str], top: int) -> Writer:
    def write(name: str, result: Result) -> None:
        if isinstance(result, Exception):
            print(f"{name}: error: {error_text(result)}")
            return
        if isinstance(result, Prediction):
            print(f"{name}: {in_words(result, top)}")
        else:
            for number, channel in enumerate(result.channels, start=1):
                words = in_words(channel, top) if channel else "silent"
                print(f"{name}, channel {number}: {words}")
        if result.cues is not None:
            print(*cue_lines(timeline_of(result)), sep="\n")

    return write


def _json(_labels: Sequence[str], top: int) -> Writer:
    """Return a writer of one JSON object a line."""

    def ranking(answer: Prediction | None) -> dict[str, Any]:
        if answer is None or top == 1:
            return {}
        pairs = _most_probable(answer, top)
        return {"top": [{"emotion": emotion, "probability": p} for emotion, p in pairs]}

    def write(name: str, result: Result) -> None:
        if isinstance(result, Exception):
            answer: dict = {"error": {"code": error_code(result), "message": error_text(result)}}
        elif isinstance(result, Prediction):
            answer = result.to_dict() | ranking(result)
        else:
            answer = result.to_dict()
            for channel, of_channel in zip(answer["channels"], result.channels, strict=True):
                channel |= ranking(of_channel)
        print(json.dumps({"file": name, **answer}))

    return write


def _csv(labels: Sequence[str], top: int) -> Writer:
    """Return a writer of one row a file, below a header."""
    rows = csv.writer(sys.stdout)
    first = "file emotion confidence arousal valence duration".split()
    more = [f"{name}_{rank}" for rank in range(2, top + 1) for name in ("emotion", "confidence")]
    last = "reference_used warnings error".split()
    header = [*first, *labels, *more, *last]
    rows.writerow(header)

    def write(name: str, result: Result) -> None:
        file = inert(name)
        if isinstance(result, Exception):
            rows.writerow([file, *[""] * (len(header) - 2), coded_text(result)])
            return
        assert isinstance(result, Prediction)  # noqa: S101 - `table_writer` has the channels
        numbers = [f"{p:.6f}" for p in result.probabilities.values()]
        row = [file, result.emotion, f"{result.confidence:.6f}"]
        row += ["" if x is None else f"{x:.6f}" for x in (result.arousal, result.valence)]
        row += [f"{result.duration:.3f}", *numbers]
        for emotion, p in _most_probable(result, top)[1:]:
            row += [emotion, f"{p:.6f}"]
        used = str(result.reference.used).lower() if result.reference else ""
        rows.writerow([*row, used, " ".join(with_truncated(result.warnings, result)), ""])

    return write


#: By name, what returns a writer, given the labels of the model and how many emotions it shows.
FORMS: dict[str, Callable[[Sequence[str], int], Writer]] = {
    "text": _text,
    "json": _json,
    "csv": _csv,
}
