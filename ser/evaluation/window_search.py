"""Long recordings of known emotions: what window, hop and join to answer them with.

Clips of one speaker are joined to recordings; what a model says of them over time, and of the
whole, is scored for each way to cut and to join.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ser.audio import SAMPLE_RATE, Audio, load_audio
from ser.data.dataset import Dataset
from ser.features import FeatureSet
from ser.inference.predictor import Predictor
from ser.inference.windowing import geometric_mean, silent_windows
from ser.metrics import uar

#: Seconds of window and hop that are compared.
WINDOWS = ((2.0, 1.0), (3.0, 1.0), (3.0, 1.5), (4.0, 1.0), (4.0, 2.0), (5.0, 2.5), (6.0, 3.0))
#: Levels below the loudest window, in dB, at which a window is called silent.
SILENCES = (20.0, 25.0, 30.0, 35.0, 40.0, 45.0, 50.0)

#: Probabilities (segments, labels) and seconds (segments,) to one row (labels,).
Join = Callable[[np.ndarray, np.ndarray], np.ndarray]

_RUN = 3  # clips of one emotion in a row, at most
_ALIKE = 4  # clips of a recording of one emotion
_PAUSE_S = (0.0, 1.0)
_LONG_PAUSE_S, _PAUSE_DB = 12.0, -45.0  # a room's noise, below the loudness of the voices
_STEP_S = 0.1


def _mean(probabilities: np.ndarray, seconds: np.ndarray) -> np.ndarray:
    return np.average(probabilities, axis=0, weights=seconds)


def _by_confidence(probabilities: np.ndarray, seconds: np.ndarray) -> np.ndarray:
    return np.average(probabilities, axis=0, weights=seconds * probabilities.max(axis=1))


def _vote(probabilities: np.ndarray, seconds: np.ndarray) -> np.ndarray:
    chosen = np.eye(probabilities.shape[1])[probabilities.argmax(axis=1)]
    return np.average(chosen, axis=0, weights=seconds)


#: Ways to one answer that are compared; the predictor's is the first.
JOINS: dict[str, Join] = {
    "mean log probability": geometric_mean,
    "mean probability": _mean,
    "mean weighted by confidence": _by_confidence,
    "vote of the windows": _vote,
}


@dataclass(frozen=True)
class Recording:
    """Clips end to end: `turns` are start and end in samples, and the label index, of each."""

    samples: np.ndarray
    turns: tuple[tuple[int, int, int], ...]

    def labels_at(self, instants: np.ndarray) -> np.ndarray:
        """Return the label index at sample numbers; -1 in a pause."""
        found = np.full(len(instants), -1)
        for start, stop, label in self.turns:
            found[(instants >= start) & (instants < stop)] = label
        return found


#: A recording, and what has not heard its speaker before.
_Test = tuple[Predictor, Recording]


def score_long_audio(
    parts: Sequence[tuple[np.ndarray, Predictor]], dataset: Dataset, *, seed: int = 0
) -> dict[str, dict[str, float]]:
    """Score each way to cut and join on recordings made of some rows of a dataset.

    Args:
        parts: row numbers of whole speakers, and what predicts those.

    Returns:
        ``over_time``: UAR of the emotion at each instant, by window and hop; ``whole``: UAR
        of the answer to recordings of one emotion, by join; ``voice_lost`` and
        ``pause_found``: shares of windows called silent, by the level where silence begins.
    """
    rng = np.random.default_rng(seed)
    model_file = parts[0][1].model_file
    labels = dataset.label_indices(model_file.metadata.labels)
    speakers = np.array([utterance.speaker for utterance in dataset.utterances])
    own = [
        (predictor, rows[speakers[rows] == speaker])
        for rows, predictor in parts
        for speaker in sorted(set(speakers[rows]))
    ]
    changing = [
        (predictor, _join_clips(dataset, _in_runs(labels, r, rng), labels, rng))
        for predictor, r in own
    ]
    alike = [
        (predictor, _join_clips(dataset, some, labels, rng))
        for predictor, r in own
        for label in sorted(set(labels[r]))
        for some in _groups(rng.permutation(r[labels[r] == label]))
    ]
    return {
        "over_time": {
            f"{window:g} s every {hop:g} s": _over_time(window, hop, changing)
            for window, hop in WINDOWS
        },
        "whole": _whole(alike),
        **_silence(model_file.features, [recording for _, recording in changing], rng),
    }


def _in_runs(labels: np.ndarray, rows: np.ndarray, rng: np.random.Generator) -> list[int]:
    """Order rows so that each emotion holds for a few clips, as in speech."""
    runs: list[np.ndarray] = []
    for label in sorted(set(labels[rows])):
        left = rng.permutation(rows[labels[rows] == label])
        while len(left):
            n = int(rng.integers(1, _RUN + 1))
            runs.append(left[:n])
            left = left[n:]
    return [int(row) for i in rng.permutation(len(runs)) for row in runs[i]]


def _groups(rows: np.ndarray) -> Iterator[np.ndarray]:
    for start in range(0, len(rows) - len(rows) % _ALIKE or len(rows), _ALIKE):
        yield rows[start : start + _ALIKE]


def _join_clips(
    dataset: Dataset, rows: Iterable[int], labels: np.ndarray, rng: np.random.Generator
) -> Recording:
    parts: list[np.ndarray] = []
    turns, at = [], 0
    for row in rows:
        samples = load_audio(dataset.utterances[row].path).samples
        turns.append((at, at + len(samples), int(labels[row])))
        pause = np.zeros(int(rng.uniform(*_PAUSE_S) * SAMPLE_RATE), np.float32)
        parts += [samples, pause]
        at += len(samples) + len(pause)
    return Recording(np.concatenate(parts), tuple(turns))


def _over_time(window: float, hop: float, tests: Sequence[_Test]) -> float:
    truth, heard = [], []
    for predictor, recording in tests:
        model_file = predictor.model_file
        features = replace(model_file.features, window_seconds=window, hop_seconds=hop)
        cut = Predictor(replace(model_file, features=features), predictor.backend)
        segments = cut.predict_audio(Audio(recording.samples)).segments
        instants = np.arange(0, len(recording.samples) / SAMPLE_RATE, _STEP_S)
        at = np.searchsorted([segment.end for segment in segments], instants, side="right")
        chosen = [model_file.metadata.labels.index(segment.emotion) for segment in segments]
        truth.append(recording.labels_at(instants * SAMPLE_RATE))
        heard.append(np.array(chosen)[np.minimum(at, len(segments) - 1)])
    true, said = np.concatenate(truth), np.concatenate(heard)
    return uar(true[true >= 0], said[true >= 0])


def _whole(tests: Sequence[_Test]) -> dict[str, float]:
    truth = np.array([recording.turns[0][2] for _, recording in tests])
    answers = []
    for predictor, recording in tests:
        segments = predictor.predict_audio(Audio(recording.samples)).segments
        voiced = [segment for segment in segments if not segment.silent]
        probabilities = np.array([list(segment.probabilities.values()) for segment in voiced])
        seconds = np.array([segment.end - segment.start for segment in voiced])
        answers.append([join(probabilities, seconds).argmax() for join in JOINS.values()])
    return {name: uar(truth, said) for name, said in zip(JOINS, np.transpose(answers), strict=True)}


def _silence(
    features: FeatureSet, recordings: Sequence[Recording], rng: np.random.Generator
) -> dict[str, dict[str, float]]:
    """Put a long pause after each recording; say which windows of which are called silent."""
    lost: dict[str, list[bool]] = {f"{db:g} dB": [] for db in SILENCES}
    found: dict[str, list[bool]] = {f"{db:g} dB": [] for db in SILENCES}
    for recording in recordings:
        end = len(recording.samples)
        loudness = np.sqrt(np.mean(np.square(recording.samples, dtype=np.float64)))
        pause = rng.standard_normal(round(_LONG_PAUSE_S * SAMPLE_RATE))
        quiet = (pause * loudness * 10 ** (_PAUSE_DB / 20)).astype(np.float32)
        samples = np.concatenate([recording.samples, quiet])
        windows = features.windows(len(samples))
        for db in SILENCES:
            silent = silent_windows(samples, windows, below_db=db)
            for (start, stop), is_silent in zip(windows, silent, strict=True):
                if stop <= end:
                    lost[f"{db:g} dB"].append(is_silent)
                elif start >= end:
                    found[f"{db:g} dB"].append(is_silent)
    return {
        "voice_lost": {db: float(np.mean(marks)) for db, marks in lost.items()},
        "pause_found": {db: float(np.mean(marks)) for db, marks in found.items()},
    }
