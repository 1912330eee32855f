"""Protocols: how utterances are split into training, validation and test rows."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ser.corpora import CORPORA, Utterance
from ser.data.hold_out import VALIDATION_FRACTION, hold_out_speakers, hold_out_validation
from ser.errors import UsageError
from ser.plugins import lookup

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


@dataclass(frozen=True)
class Protocol:
    """A way to split utterances.

    Attributes:
        leaks: whether a speaker can be in training and test rows.
        splits: takes the utterances and a seed.
    """

    name: str
    summary: str
    leaks: bool
    splits: Callable[[Sequence[Utterance], int], list[Split]]


def _random(test_fraction: float) -> Callable[[Sequence[Utterance], int], list[Split]]:
    def splits(utterances: Sequence[Utterance], seed: int) -> list[Split]:
        from sklearn.model_selection import train_test_split

        # The seed of the published split. Ours varies the training, not the test rows.
        rows = np.arange(len(utterances))
        train, test = train_test_split(rows, test_size=test_fraction, random_state=42)
        shuffled = np.random.default_rng(seed).permutation(train)
        n = max(1, round(len(train) * VALIDATION_FRACTION))
        return [Split("random", shuffled[n:], shuffled[:n], test)]

    return splits


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


def _actors(folds: Sequence[Sequence[int]]) -> dict[str, set[str]]:
    return {
        f"fold {number}": {f"ravdess-{actor:02}" for actor in fold}
        for number, fold in enumerate(folds, start=1)
    }


def _actors5(utterances: Sequence[Utterance], seed: int) -> list[Split]:
    return _speaker_folds(utterances, _actors(ACTOR_FOLDS), seed)


def _actors6(utterances: Sequence[Utterance], seed: int) -> list[Split]:
    folds = [range(first, first + 4) for first in range(1, 25, 4)]
    return _speaker_folds(utterances, _actors(folds), seed)


def _last_actors(utterances: Sequence[Utterance], seed: int) -> list[Split]:
    (fold,) = _actors([range(21, 25)]).values()
    return _speaker_folds(utterances, {"actors 21 to 24": fold}, seed)


def _loso(utterances: Sequence[Utterance], seed: int) -> list[Split]:
    speakers = sorted({u.speaker for u in utterances if u.speaker})
    if len(speakers) < 3:
        raise UsageError(f"leaving one speaker out needs 3 speakers; the data has {len(speakers)}")
    return _speaker_folds(utterances, {speaker: {speaker} for speaker in speakers}, seed)


def _one_sex(sex: str) -> Callable[[Sequence[Utterance], int], list[Split]]:
    def splits(utterances: Sequence[Utterance], seed: int) -> list[Split]:
        rows = np.array([i for i, u in enumerate(utterances) if u.sex == sex], dtype=int)
        chosen = [utterances[i] for i in rows]
        return [
            replace(s, train=rows[s.train], validation=rows[s.validation], test=rows[s.test])
            for s in _actors5(chosen, seed)
        ]

    return splits


def _cross(source: str, target: str) -> Callable[[Sequence[Utterance], int], list[Split]]:
    def splits(utterances: Sequence[Utterance], seed: int) -> list[Split]:
        rows = {
            corpus: np.array([i for i, u in enumerate(utterances) if u.corpus == corpus], dtype=int)
            for corpus in (source, target)
        }
        for corpus, own in rows.items():
            if not len(own):
                raise UsageError(f"cross:{source}>{target} needs clips of {corpus}; there are none")
        known = [{utterances[i].emotion for i in own} for own in rows.values()]
        # TESS has no calm. If one corpus has none, calm counts as neutral in both.
        merged = {} if all("calm" in emotions for emotions in known) else {"calm": "neutral"}
        unknown = {merged.get(e, e) for e in known[1]} - {merged.get(e, e) for e in known[0]}
        test = rows[target][[utterances[i].emotion not in unknown for i in rows[target]]]
        train, validation = hold_out_validation(utterances, rows[source], seed=seed)
        return [Split(f"{source} to {target}", train, validation, test, merged)]

    return splits


PROTOCOLS = {
    protocol.name: protocol
    for protocol in (
        Protocol(
            "published",
            "a random third is the test; speakers are in both parts, so it leaks",
            True,
            _random(0.33),
        ),
        Protocol("actors5", "the five published actor folds of RAVDESS", False, _actors5),
        Protocol("actors6", "six folds of four RAVDESS actors: 1 to 4, 5 to 8 …", False, _actors6),
        Protocol("last-actors", "RAVDESS actors 21 to 24 are the test", False, _last_actors),
        Protocol("loso", "leave one speaker out; each is the test once", False, _loso),
        Protocol("sex:male", "the five actor folds, men only", False, _one_sex("male")),
        Protocol("sex:female", "the five actor folds, women only", False, _one_sex("female")),
    )
}
CROSS = "cross:A>B"
RANDOM = "random:P"


def find_protocol(name: str) -> Protocol:
    """Return the protocol of a name.

    ``cross:A>B`` trains on corpus A and tests on corpus B. ``random:P`` tests on a random P %.

    Raises:
        UsageError: the name is not known; the message lists the known ones.
    """
    source, arrow, target = name.removeprefix("cross:").partition(">")
    if name.startswith("cross:") and arrow:
        for corpus in (source, target):
            lookup(CORPORA, corpus, "corpus")
        if source == target:
            raise UsageError(f"{name}: the two corpora must differ")
        summary = f"trained on {source}, tested on {target}"
        return Protocol(name, summary, False, _cross(source, target))
    percent = name.removeprefix("random:")
    if percent != name and percent.isdecimal() and 0 < int(percent) < 100:
        summary = f"a random {percent} % is the test; speakers are in both parts, so it leaks"
        return Protocol(name, summary, True, _random(int(percent) / 100))
    return lookup({**PROTOCOLS, CROSS: None, RANDOM: None}, name, "protocol")
