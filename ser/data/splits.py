"""Splits of utterances into training, validation and test rows, by speaker or at random."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ser.corpora import Utterance
from ser.data.hold_out import VALIDATION_FRACTION, hold_out_speakers, hold_out_validation
from ser.errors import UsageError

# The folds of RAVDESS speech in published work (see docs/training.md).
ACTOR_FOLDS = (
    (2, 5, 14, 15, 16),
    (3, 6, 7, 13, 18),
    (10, 11, 12, 19, 20),
    (8, 17, 21, 23, 24),
    (1, 4, 9, 22),
)


@dataclass(frozen=True)
class Split:
    """One split of utterances.

    Attributes:
        train, validation, test: row numbers, int arrays without a number in common.
        merged_labels: maps a label that only one part has to one that all parts have.
    """

    name: str
    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    merged_labels: Mapping[str, str] = field(default_factory=dict)


#: Takes the utterances and a seed. The test rows do not depend on the seed.
Splitter = Callable[[Sequence[Utterance], int], list[Split]]


def random_split(test_fraction: float) -> Splitter:
    """Return a splitter that tests on a random part of the rows."""

    def splits(utterances: Sequence[Utterance], seed: int) -> list[Split]:
        from sklearn.model_selection import train_test_split

        # The seed of the published split. Ours varies the training, not the test rows.
        rows = np.arange(len(utterances))
        train, test = train_test_split(rows, test_size=test_fraction, random_state=42)
        shuffled = np.random.default_rng(seed).permutation(train)
        n = max(1, round(len(train) * VALIDATION_FRACTION))
        return [Split("random", shuffled[n:], shuffled[:n], test)]

    return splits


def actors5(utterances: Sequence[Utterance], seed: int) -> list[Split]:
    """Test on each of `ACTOR_FOLDS` in turn."""
    return _speaker_folds(utterances, _actors(ACTOR_FOLDS), seed)


def actors6(utterances: Sequence[Utterance], seed: int) -> list[Split]:
    """Test on RAVDESS actors 1 to 4, then 5 to 8 …"""
    folds = [range(first, first + 4) for first in range(1, 25, 4)]
    return _speaker_folds(utterances, _actors(folds), seed)


def last_actors(utterances: Sequence[Utterance], seed: int) -> list[Split]:
    """Test on RAVDESS actors 21 to 24."""
    (fold,) = _actors([range(21, 25)]).values()
    return _speaker_folds(utterances, {"actors 21 to 24": fold}, seed)


def each_speaker(utterances: Sequence[Utterance], seed: int) -> list[Split]:
    """Test on each speaker in turn.

    Raises:
        UsageError: there are fewer than three.
    """
    speakers = sorted({u.speaker for u in utterances if u.speaker})
    if len(speakers) < 3:
        raise UsageError(f"leaving one speaker out needs 3 speakers; the data has {len(speakers)}")
    return _speaker_folds(utterances, {speaker: {speaker} for speaker in speakers}, seed)


def speaker_folds(n: int) -> Splitter:
    """Return a splitter into `n` folds of speakers, each of them the test once.

    The folds have about as many speakers of each corpus and sex. Clips without a known speaker
    are in no part.
    """

    def splits(utterances: Sequence[Utterance], seed: int) -> list[Split]:
        rows = np.array([i for i, u in enumerate(utterances) if u.speaker], dtype=int)
        known = [utterances[i] for i in rows]
        # Sorted by corpus and sex, then dealt like cards: each fold gets its share of both.
        tested = {(u.corpus, u.sex, u.speaker) for u in known if u.channel == "speech"}
        speakers = [speaker for _, _, speaker in sorted(tested)]
        if len(speakers) < n:
            raise UsageError(
                f"{n} folds need as many known speakers of speech; the data has {len(speakers)}"
            )
        folds = {f"fold {i + 1} of {n}": set(speakers[i::n]) for i in range(n)}
        return [_renumbered(split, rows) for split in _speaker_folds(known, folds, seed)]

    return splits


def one_sex(sex: str) -> Splitter:
    """Return a splitter as `actors5` that takes the clips of one sex only."""

    def splits(utterances: Sequence[Utterance], seed: int) -> list[Split]:
        rows = np.array([i for i, u in enumerate(utterances) if u.sex == sex], dtype=int)
        chosen = [utterances[i] for i in rows]
        return [_renumbered(split, rows) for split in actors5(chosen, seed)]

    return splits


def _actors(folds: Sequence[Sequence[int]]) -> dict[str, set[str]]:
    return {
        f"fold {number}": {f"ravdess-{actor:02}" for actor in fold}
        for number, fold in enumerate(folds, start=1)
    }


def _speaker_folds(
    utterances: Sequence[Utterance], folds: Mapping[str, Collection[str]], seed: int
) -> list[Split]:
    """Test on the speech of each fold's speakers; train on all others."""
    all_speakers = {u.speaker for u in utterances}
    splits = []
    for name, speakers in folds.items():
        if not all_speakers & set(speakers):
            raise UsageError(f"none of the speakers of {name} is in the data: {sorted(speakers)}")
        rest, test = hold_out_speakers(utterances, range(len(utterances)), speakers)
        # The test is of speech; the songs of a test speaker are in no part.
        test = test[[utterances[i].channel == "speech" for i in test]]
        train, validation = hold_out_validation(utterances, rest, seed=seed)
        splits.append(Split(name, train, validation, test))
    return splits


def _renumbered(split: Split, rows: np.ndarray) -> Split:
    """Return a split of some rows with the numbers that these rows have in all the data."""
    return replace(
        split, train=rows[split.train], validation=rows[split.validation], test=rows[split.test]
    )
