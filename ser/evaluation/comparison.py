"""Comparison of two evaluations: the difference of their UARs, clip by clip."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ser.errors import UsageError
from ser.evaluation.results import Evaluation
from ser.filenames import show_path
from ser.metrics import mean_recall, percentile_intervals, rounded, speaker_samples

#: The file of a report folder that holds the answers for each clip.
ANSWERS_FILE = "answers.npz"


@dataclass(frozen=True)
class Answers:
    """The answers of an evaluation for its test clips, each clip once for each test of it.

    Attributes:
        clips: identity: corpus and take; shape (n,), sorted by group and clip.
        groups: what the scores are also given for, such as the corpus; "" for none; shape (n,).
        speakers: of each clip; "" if not known; shape (n,).
        truth: true labels, shape (n,), str.
        correct: fraction of the seeds whose answer is correct, shape (n,), float.
    """

    name: str
    clips: np.ndarray
    groups: np.ndarray
    speakers: np.ndarray
    truth: np.ndarray
    correct: np.ndarray


def save_answers(evaluation: Evaluation, folder: Path) -> None:
    """Write the probabilities of every test clip and seed into a report folder."""
    rows, labels = evaluation.predictions(), evaluation.recipe.labels
    groups = evaluation.groups() or [""] * len(rows.tested)
    np.savez_compressed(
        folder / ANSWERS_FILE,
        allow_pickle=False,
        plain=np.array(
            json.dumps({"recipe": evaluation.recipe.name, "protocol": evaluation.protocol.name})
        ),
        labels=np.array(labels),
        clips=np.array([f"{u.corpus} {u.take or show_path(u.path)}" for u in rows.tested]),
        groups=np.array([g if isinstance(g, str) else " > ".join(g) for g in groups]),
        speakers=np.array([u.speaker for u in rows.tested]),
        seeds=rows.seeds,
        truth=rows.truth,
        probabilities=rows.probabilities.astype(np.float32),
    )


def load_answers(report: Path) -> tuple[Answers, str]:
    """Return the answers of a report folder, and the name of its protocol.

    Args:
        report: the folder, or a file in it such as ``scores.json``.

    Raises:
        UsageError: the folder holds no answers.
    """
    folder = report.parent if report.suffix == ".json" else report
    path = folder / ANSWERS_FILE
    if not path.is_file():
        raise UsageError(
            f"{show_path(folder)} holds no {ANSWERS_FILE}; `ser evaluate RECIPE --report` writes it"
        )
    with np.load(path, allow_pickle=False) as stored:
        data = {name: stored[name] for name in stored.files}
    facts = json.loads(str(data["plain"]))
    keys = np.stack([data["groups"], data["clips"]], axis=1)
    _, first, place = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    correct = data["probabilities"].argmax(axis=1) == data["truth"]
    place = place.ravel()
    answers = Answers(
        name=facts["recipe"],
        clips=data["clips"][first],
        groups=data["groups"][first],
        speakers=data["speakers"][first],
        truth=data["labels"][data["truth"]][first],
        correct=np.bincount(place, weights=correct) / np.bincount(place),
    )
    return answers, facts["protocol"]


def compare_reports(first: Path, second: Path) -> dict[str, Any]:
    """Return the difference of the UARs of two evaluations: the first less the second.

    Both answered the same clips, so each bootstrap sample draws speakers once for both. What
    makes a speaker hard for both then cancels out. Of several seeds it is the mean.

    Returns:
        ``protocol``, ``recipes``, and ``n``; ``uar``, with the UARs of both, their ``difference``
        and its 95 % ``interval``; the same for each corpus and for the mean over them, if the
        protocol has them.

    Raises:
        UsageError: a report holds no answers, or they are of other protocols or other clips.
    """
    (one, protocol), (other, other_protocol) = load_answers(first), load_answers(second)
    if protocol != other_protocol:
        raise UsageError(f"the protocols differ: {protocol} and {other_protocol}")
    _check_same_clips(one, other)
    return {
        "protocol": protocol,
        "recipes": [one.name, other.name],
        "n": len(one.clips),
        **_differences(one, other),
    }


def _check_same_clips(one: Answers, other: Answers) -> None:
    tested, others = (set(zip(a.groups, a.clips, strict=True)) for a in (one, other))
    if tested != others:
        raise UsageError(
            f"the test clips differ: {len(tested - others)} are only in the first report, "
            f"{len(others - tested)} only in the second"
        )
    if (one.truth != other.truth).any():
        raise UsageError("the two reports call the same clips by different labels")


def _differences(one: Answers, other: Answers) -> dict[str, Any]:
    _, classes = np.unique(one.truth, return_inverse=True)
    names = [name for name in dict.fromkeys(one.groups.tolist()) if name]
    everything = np.arange(len(classes))
    parts = [everything, *(np.flatnonzero(one.groups == name) for name in names)]
    values, samples = [], []
    for seed, rows in enumerate(parts):
        uars = [mean_recall(classes[rows], a.correct[rows]) for a in (one, other)]
        values.append(np.array([*uars, uars[0] - uars[1]]))
        samples.append(_sampled_differences(one, other, classes, rows, seed))
    result: dict[str, Any] = {"uar": _row(values[0], samples[0])}
    if names:
        groups = zip(names, values[1:], samples[1:], strict=True)
        result["by_corpus"] = {name: _row(value, drawn) for name, value, drawn in groups}
        known = [drawn for drawn in samples[1:] if drawn is not None]
        drawn = np.mean(known, axis=0) if len(known) == len(names) else None
        result["mean_over_corpora"] = _row(np.mean(values[1:], axis=0), drawn)
    return result


def _sampled_differences(
    one: Answers, other: Answers, classes: np.ndarray, rows: np.ndarray, seed: int
) -> np.ndarray | None:
    """Return the differences in bootstrap samples, (samples, 1); None for unknown speakers."""
    speakers = one.speakers[rows].tolist()
    if not all(speakers) or len(set(speakers)) < 2:
        return None

    def difference(drawn: np.ndarray) -> Sequence[float]:
        chosen = rows[drawn]
        return [
            mean_recall(classes[chosen], one.correct[chosen])
            - mean_recall(classes[chosen], other.correct[chosen])
        ]

    return speaker_samples(difference, speakers, seed=seed)


def _row(values: np.ndarray, samples: np.ndarray | None) -> dict[str, Any]:
    limits = None if samples is None else percentile_intervals(samples)[0]
    return {
        "uars": [rounded(values[0]), rounded(values[1])],
        "difference": rounded(values[2]),
        "interval": None if limits is None else [rounded(limit) for limit in limits],
    }
