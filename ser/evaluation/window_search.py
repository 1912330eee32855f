"""Search for the window, the hop and the join of windows that suit long recordings best.

The recordings are made of clips of one speaker with known emotions. For each way to cut and join,
the predictions over time and for the whole recording are scored.
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

#: Windows and hops that are compared, in seconds.
WINDOWS = ((2.0, 1.0), (3.0, 1.0), (3.0, 1.5), (4.0, 1.0), (4.0, 2.0), (5.0, 2.5), (6.0, 3.0))
#: Levels that are compared: a window is silent this many dB below the loudest one.
SILENCES = (20.0, 25.0, 30.0, 35.0, 40.0, 45.0, 50.0)

#: Takes probabilities (segments, labels) and seconds (segments,); returns a row (labels,).
Join = Callable[[np.ndarray, np.ndarray], np.ndarray]

_MAX_RUN = 3  # clips of one emotion in a row
_UNIFORM_CLIPS = 4  # clips of a recording of one emotion
_PAUSE_S = (0.0, 1.0)  # range
_LONG_PAUSE_S, _PAUSE_DB = 12.0, -45.0  # noise of a room, relative to the loudness of the voices
_STEP_S = 0.1


def _mean(probabilities: np.ndarray, seconds: np.ndarray) -> np.ndarray:
    return np.average(probabilities, axis=0, weights=seconds)


def _by_confidence(probabilities: np.ndarray, seconds: np.ndarray) -> np.ndarray:
    return np.average(probabilities, axis=0, weights=seconds * probabilities.max(axis=1))


def _vote(probabilities: np.ndarray, seconds: np.ndarray) -> np.ndarray:
    chosen = np.eye(probabilities.shape[1])[probabilities.argmax(axis=1)]
    return np.average(chosen, axis=0, weights=seconds)


#: Joins that are compared; the first is that of `Predictor`.
JOINS: dict[str, Join] = {
    "mean log probability": geometric_mean,
    "mean probability": _mean,
    "mean weighted by confidence": _by_confidence,
    "vote of the windows": _vote,
}


@dataclass(frozen=True)
class Recording:
    """Clips end to end, with pauses.

    Attributes:
        samples: at `SAMPLE_RATE`, shape (n,), float32.
        clips: start and end in samples, and label index, of each clip.
    """

    samples: np.ndarray
    clips: tuple[tuple[int, int, int], ...]

    def labels_at(self, instants: np.ndarray) -> np.ndarray:
        """Return the label index at sample numbers; -1 in a pause."""
        found = np.full(len(instants), -1)
        for start, stop, label in self.clips:
            found[(instants >= start) & (instants < stop)] = label
        return found


#: A recording, and a predictor that was not trained on its speaker.
_Test = tuple[Predictor, Recording]


def score_long_audio(
    parts: Sequence[tuple[np.ndarray, Predictor]], dataset: Dataset, *, seed: int = 0
) -> dict[str, dict[str, float]]:
    """Score each way to cut and join, on recordings made of rows of a dataset.

    Args:
        parts: row numbers of whole speakers, and the predictor for them.

    Returns:
        ``over_time``: UAR of the emotion at each instant, by window and hop. ``whole``: UAR for
        recordings of one emotion, by join. ``voice_lost`` and ``pause_found``: fractions of the
        windows of voice, and of a pause, that are called silent, by the level of silence.
    """
    rng = np.random.default_rng(seed)
    model_file = parts[0][1].model_file
    labels = dataset.label_indices(model_file.metadata.labels)
    speakers = np.array([utterance.speaker for utterance in dataset.utterances])
    by_speaker = [
        (predictor, rows[speakers[rows] == speaker])
        for rows, predictor in parts
        for speaker in sorted(set(speakers[rows]))
    ]
    mixed = [
        (predictor, _join_clips(dataset, _in_runs(labels, r, rng), labels, rng))
        for predictor, r in by_speaker
    ]
    uniform = [
        (predictor, _join_clips(dataset, group, labels, rng))
        for predictor, r in by_speaker
        for label in sorted(set(labels[r]))
        for group in _groups(rng.permutation(r[labels[r] == label]))
    ]
    return {
        "over_time": {
            f"{window:g} s every {hop:g} s": _over_time(window, hop, mixed)
            for window, hop in WINDOWS
        },
        "whole": _whole(uniform),
        **_silence(model_file.features, [recording for _, recording in mixed], rng),
    }


def _in_runs(labels: np.ndarray, rows: np.ndarray, rng: np.random.Generator) -> list[int]:
    """Order rows so that an emotion lasts for a few clips, as in speech."""
    runs: list[np.ndarray] = []
    for label in sorted(set(labels[rows])):
        rest = rng.permutation(rows[labels[rows] == label])
        while len(rest):
            n = int(rng.integers(1, _MAX_RUN + 1))
            runs.append(rest[:n])
            rest = rest[n:]
    return [int(row) for i in rng.permutation(len(runs)) for row in runs[i]]


def _groups(rows: np.ndarray) -> Iterator[np.ndarray]:
    """Yield full groups of rows; if there are too few for one, yield them all."""
    n = _UNIFORM_CLIPS
    for start in range(0, len(rows) - len(rows) % n or len(rows), n):
        yield rows[start : start + n]


def _join_clips(
    dataset: Dataset, rows: Iterable[int], labels: np.ndarray, rng: np.random.Generator
) -> Recording:
    parts: list[np.ndarray] = []
    clips, position = [], 0
    for row in rows:
        samples = load_audio(dataset.utterances[row].path).samples
        clips.append((position, position + len(samples), int(labels[row])))
        pause = np.zeros(int(rng.uniform(*_PAUSE_S) * SAMPLE_RATE), np.float32)
        parts += [samples, pause]
        position += len(samples) + len(pause)
    return Recording(np.concatenate(parts), tuple(clips))


def _over_time(window: float, hop: float, tests: Sequence[_Test]) -> float:
    truth, predicted = [], []
    for predictor, recording in tests:
        model_file = predictor.model_file
        features = replace(model_file.features, window_seconds=window, hop_seconds=hop)
        windowed = Predictor(replace(model_file, features=features), predictor.backend)
        segments = windowed.predict_audio(Audio(recording.samples)).segments
        instants = np.arange(0, len(recording.samples) / SAMPLE_RATE, _STEP_S)
        at = np.searchsorted([segment.end for segment in segments], instants, side="right")
        chosen = [model_file.metadata.labels.index(segment.emotion) for segment in segments]
        truth.append(recording.labels_at(instants * SAMPLE_RATE))
        predicted.append(np.array(chosen)[np.minimum(at, len(segments) - 1)])
    true, found = np.concatenate(truth), np.concatenate(predicted)
    return uar(true[true >= 0], found[true >= 0])


def _whole(tests: Sequence[_Test]) -> dict[str, float]:
    truth = np.array([recording.clips[0][2] for _, recording in tests])
    predicted = []
    for predictor, recording in tests:
        segments = predictor.predict_audio(Audio(recording.samples)).segments
        voiced = [segment for segment in segments if not segment.silent]
        probabilities = np.array([list(segment.probabilities.values()) for segment in voiced])
        seconds = np.array([segment.end - segment.start for segment in voiced])
        predicted.append([join(probabilities, seconds).argmax() for join in JOINS.values()])
    by_join = zip(JOINS, np.transpose(predicted), strict=True)
    return {name: uar(truth, labels) for name, labels in by_join}


def _silence(
    features: FeatureSet, recordings: Sequence[Recording], rng: np.random.Generator
) -> dict[str, dict[str, float]]:
    """Append a long pause to each recording; return how many windows of each are called silent."""
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
