"""Scores for each test corpus, and their mean over the corpora."""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ser.corpora import Utterance
from ser.evaluation.spread import mean_over_seeds, nanmean
from ser.labels import HIGH_AROUSAL, LOW_AROUSAL
from ser.metrics import (
    calibration_error,
    mean_recall,
    percentile_intervals,
    rounded,
    speaker_samples,
    uar,
)

#: UAR with all answers of the model open; UAR among the labels that the corpus has; calibration
#: error of the first; UAR of high against low arousal.
CORPUS_SCORES = ("uar", "uar_own_labels", "ece", "uar_arousal")
SEXES = ("female", "male")
_NO_SCORES = [float("nan")] * len(CORPUS_SCORES)


@dataclass(frozen=True)
class Predictions:
    """The predictions for test clips of one or more seeds.

    Attributes:
        tested: the utterance of each row.
        seeds: of the training of each row's model, shape (rows,), int.
        truth: label indices, shape (rows,), int.
        probabilities: shape (rows, labels).
    """

    tested: Sequence[Utterance]
    seeds: np.ndarray
    truth: np.ndarray
    probabilities: np.ndarray

    def select(self, rows: np.ndarray) -> "Predictions":
        """Return the rows of these numbers."""
        return Predictions(
            [self.tested[i] for i in rows],
            self.seeds[rows],
            self.truth[rows],
            self.probabilities[rows],
        )


def corpus_scores(
    rows: Predictions, groups: Sequence[Hashable], labels: Sequence[str]
) -> tuple[dict[Any, dict[str, Any]], dict[str, Any]]:
    """Return the scores of groups of rows, and their mean over the groups.

    Each score is the mean over seeds. ``sd`` holds the standard deviations over seeds, and
    ``interval`` the 95 % intervals by bootstrap over the speakers of a group, if all are known and
    there are two. The interval of the mean draws speakers within each group.

    Args:
        groups: of each row, such as its corpus.

    Returns:
        for each group the `CORPUS_SCORES`, ``n`` and ``speakers``, and under ``by_sex`` the same
        of women and of men; the mean of each score.
    """
    found, by_seed, samples = {}, [], []
    names = list(dict.fromkeys(groups))
    numbers = np.array([names.index(group) for group in groups])
    for number, name in enumerate(names):
        own = rows.select(np.flatnonzero(numbers == number))
        # Another seed for each group: groups of as many speakers would else draw the same ones.
        scores, own_by_seed, own_samples = _scores(own, labels, seed=number)
        found[name] = scores
        by_seed.append(own_by_seed)
        samples.append(own_samples)
    all_known = [s for s in samples if s is not None]
    mean = _entry(
        nanmean(np.array(by_seed)),
        nanmean(np.array(all_known)) if len(all_known) == len(samples) else None,
    )
    return found, mean


def _scores(
    rows: Predictions, labels: Sequence[str], *, seed: int
) -> tuple[dict[str, Any], np.ndarray, np.ndarray | None]:
    """Return the scores of one group; of all its rows the scores by seed, and the samples."""
    compute = _scorer(rows, labels)
    sexes = np.array([u.sex for u in rows.tested])
    masks = {"": np.full(len(sexes), True)}
    masks |= {sex: sexes == sex for sex in SEXES if (sexes == sex).any()}
    speakers = [u.speaker for u in rows.tested]
    n_seeds = len(set(rows.seeds.tolist()))
    samples = None
    if all(speakers) and len(set(speakers)) >= 2:
        samples = speaker_samples(
            mean_over_seeds(
                lambda drawn: [
                    score for mask in masks.values() for score in compute(drawn[mask[drawn]])
                ],
                rows.seeds,
            ),
            speakers,
            seed=seed,
        )
    entries = {}
    for i, (sex, mask) in enumerate(masks.items()):
        by_seed = np.array(
            [compute(np.flatnonzero(mask & (rows.seeds == one))) for one in np.unique(rows.seeds)]
        )
        own_speakers = {speaker for speaker, of_sex in zip(speakers, mask, strict=True) if of_sex}
        columns = slice(i * len(CORPUS_SCORES), (i + 1) * len(CORPUS_SCORES))
        # One speaker has no spread between speakers.
        own = samples[:, columns] if samples is not None and len(own_speakers) >= 2 else None
        entries[sex] = {
            "n": int(mask.sum()) // n_seeds,
            "speakers": len(own_speakers - {""}),
            **_entry(by_seed, own),
        }
        if not sex:
            whole = by_seed, own
    return entries.pop("") | {"by_sex": entries}, *whole


def _scorer(rows: Predictions, labels: Sequence[str]) -> Callable[[np.ndarray], list[float]]:
    """Return a function that takes row numbers and returns the `CORPUS_SCORES` of these rows."""
    truth, probabilities = rows.truth, rows.probabilities
    predicted = probabilities.argmax(axis=1)
    confidence, correct = probabilities.max(axis=1), predicted == truth
    own = np.unique(truth)
    among_own = own[probabilities[:, own].argmax(axis=1)]
    high, low = (
        np.array([i for i, label in enumerate(labels) if label in emotions], dtype=int)
        for emotions in (HIGH_AROUSAL, LOW_AROUSAL)
    )
    is_high = np.isin(truth, high).astype(int)
    has_arousal = np.isin(truth, np.concatenate([high, low]))
    called_high = probabilities[:, high].sum(axis=1) > probabilities[:, low].sum(axis=1)
    arousal_correct = called_high == is_high

    def compute(chosen: np.ndarray) -> list[float]:
        if not len(chosen):
            return _NO_SCORES
        clear = chosen[has_arousal[chosen]]
        both = len(np.unique(is_high[clear])) == 2
        return [
            uar(truth[chosen], predicted[chosen]),
            uar(truth[chosen], among_own[chosen]),
            calibration_error(confidence[chosen], correct[chosen]),
            mean_recall(is_high[clear], arousal_correct[clear]) if both else float("nan"),
        ]

    return compute


def _entry(by_seed: np.ndarray, samples: np.ndarray | None) -> dict[str, Any]:
    """Return the means over seeds, their deviations, and the intervals of samples.

    Args:
        by_seed: shape (seeds, scores).
        samples: shape (samples, scores), or None for no intervals.
    """
    several = len(by_seed) > 1
    sds = by_seed.std(axis=0, ddof=1) if several else [float("nan")] * len(CORPUS_SCORES)
    intervals = None
    if samples is not None:
        limits = percentile_intervals(samples)
        intervals = {
            name: [rounded(low), rounded(high)]
            for name, (low, high) in zip(CORPUS_SCORES, limits, strict=True)
        }
    return {
        **_named(nanmean(by_seed)),
        "sd": _named(sds),
        "interval": intervals,
    }


def _named(values: Iterable[float]) -> dict[str, float | None]:
    return {name: rounded(v) for name, v in zip(CORPUS_SCORES, values, strict=True)}


def nested_pairs(scores: Mapping[tuple[str, str], Any]) -> dict[str, dict[str, Any]]:
    """Return the scores of pairs of training and test corpus by the first, then the second."""
    nested: dict[str, dict[str, Any]] = {}
    for (trained, tested), entry in scores.items():
        nested.setdefault(trained, {})[tested] = entry
    return nested
