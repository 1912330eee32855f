"""How utterances are split into training, validation and test parts."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest

import numpy as np

from ser.corpora import CORPORA, Utterance
from ser.errors import UsageError
from ser.plugins import lookup

VALIDATION_SHARE = 0.05  # of a training part whose speakers are not known
VALIDATION_SPEAKERS = 4  # of a training part whose speakers are, both sexes alike

# The folds on which published work reports RAVDESS speech (see docs/training.md).
ACTOR_FOLDS = (
    (2, 5, 14, 15, 16),
    (3, 6, 7, 13, 18),
    (10, 11, 12, 19, 20),
    (8, 17, 21, 23, 24),
    (1, 4, 9, 22),
)


@dataclass(frozen=True)
class Split:
    """Indices of utterances: three sets without a member in common, int arrays.

    `merged` maps labels that only one side knows to one that both know.
    """

    name: str
    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    merged: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Protocol:
    """A way to split; `leaks` says that a voice may be on both sides."""

    name: str
    summary: str
    leaks: bool
    splits: Callable[[Sequence[Utterance], int], list[Split]]


def hold_out_validation(
    utterances: Sequence[Utterance], train: np.ndarray, *, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Split validation rows off the training rows; by speaker where speakers are known.

    The validation speakers, half of each sex, come from the corpus with the most
    speakers. Corpora of a few voices stay in training whole.

    Returns:
        (training rows, validation rows), int arrays.
    """
    rng = np.random.default_rng(seed)
    speakers = {utterances[i].speaker: utterances[i] for i in train if utterances[i].speaker}
    if not speakers:
        shuffled = rng.permutation(train)
        n = max(1, round(len(train) * VALIDATION_SHARE))
        return np.sort(shuffled[n:]), np.sort(shuffled[:n])
    (corpus, n_speakers), *_ = Counter(u.corpus for u in speakers.values()).most_common(1)
    if n_speakers < 2:
        raise UsageError(
            "two speakers of one corpus are needed, one to train on and one to hold out for "
            f"validation; no corpus here has two: {', '.join(sorted(speakers))}"
        )
    men, women = (
        rng.permutation(
            sorted(s for s, u in speakers.items() if u.corpus == corpus and (u.sex == "male") == m)
        )
        for m in (True, False)
    )
    turns = [str(s) for pair in zip_longest(men, women) for s in pair if s is not None]
    return _by_speaker(utterances, train, turns[: min(VALIDATION_SPEAKERS, n_speakers // 2)])


def partition_speakers(
    utterances: Sequence[Utterance], rows: np.ndarray, n: int
) -> list[np.ndarray]:
    """Deal rows into up to `n` parts, a speaker's to one; each clip of no known speaker alone.

    Returns:
        int arrays, none of them empty but where there are no rows: then one, empty.
    """
    whose = [utterances[i].speaker or str(utterances[i].path) for i in rows]
    speakers = sorted(set(whose))
    n = max(1, min(n, len(speakers)))
    part = {speaker: i % n for i, speaker in enumerate(speakers)}
    dealt = np.array([part[speaker] for speaker in whose], dtype=int)
    return [rows[dealt == i] for i in range(n)]


def hold_out_test(utterances: Sequence[Utterance], *, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Split test rows off, as `hold_out_validation` does; validation is held out of the rest.

    Returns:
        (the rest, test rows), int arrays.

    Raises:
        UsageError: there are fewer than three speakers.
    """
    speakers = {u.speaker for u in utterances if u.speaker}
    if 0 < len(speakers) < 3:
        raise UsageError(
            "three speakers are needed, one each to train on, to validate on and to test on; "
            f"the data has {len(speakers)}: {', '.join(sorted(speakers))}"
        )
    return hold_out_validation(utterances, np.arange(len(utterances)), seed=seed)


def _by_speaker(
    utterances: Sequence[Utterance], rows: Iterable[int], held_out: Collection[str]
) -> tuple[np.ndarray, np.ndarray]:
    rows = np.asarray(list(rows), dtype=int)
    out = np.array([utterances[i].speaker in held_out for i in rows], dtype=bool)
    return rows[~out], rows[out]


def _random(share: float) -> Callable[[Sequence[Utterance], int], list[Split]]:
    def splits(utterances: Sequence[Utterance], seed: int) -> list[Split]:
        from sklearn.model_selection import train_test_split

        # The published split's own seed: `seed` varies the training, not the test rows.
        rows = np.arange(len(utterances))
        train, test = train_test_split(rows, test_size=share, random_state=42)
        shuffled = np.random.default_rng(seed).permutation(train)
        n = max(1, round(len(train) * VALIDATION_SHARE))
        return [Split("random", shuffled[n:], shuffled[:n], test)]

    return splits


def _speaker_folds(
    utterances: Sequence[Utterance], folds: Mapping[str, Collection[str]], seed: int
) -> list[Split]:
    """Test on the speech of each fold's speakers; train on everybody else."""
    everyone = {u.speaker for u in utterances}
    splits = []
    for name, speakers in folds.items():
        if not everyone & set(speakers):
            raise UsageError(f"none of the speakers of {name} is in the data: {sorted(speakers)}")
        rest, test = _by_speaker(utterances, range(len(utterances)), speakers)
        # Folds are of speech; the songs of a test speaker are in no part.
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
        # TESS has no calm; where one side lacks it, calm counts as neutral on both.
        merged = {} if all("calm" in emotions for emotions in known) else {"calm": "neutral"}
        held_out = {merged.get(e, e) for e in known[1]} - {merged.get(e, e) for e in known[0]}
        test = rows[target][[utterances[i].emotion not in held_out for i in rows[target]]]
        train, validation = hold_out_validation(utterances, rows[source], seed=seed)
        return [Split(f"{source} to {target}", train, validation, test, merged)]

    return splits


PROTOCOLS = {
    protocol.name: protocol
    for protocol in (
        Protocol(
            "published",
            "a random third is the test; voices are on both sides, so the figure is a leak",
            True,
            _random(0.33),
        ),
        Protocol("actors5", "the five published actor folds of RAVDESS", False, _actors5),
        Protocol("actors6", "six folds of four RAVDESS actors: 1 to 4, 5 to 8 …", False, _actors6),
        Protocol("last-actors", "RAVDESS actors 21 to 24 are the test", False, _last_actors),
        Protocol("loso", "leave one speaker out, each in turn", False, _loso),
        Protocol("sex:male", "the five actor folds, men alone", False, _one_sex("male")),
        Protocol("sex:female", "the five actor folds, women alone", False, _one_sex("female")),
    )
}
CROSS = "cross:A>B"
RANDOM = "random:P"


def find_protocol(name: str) -> Protocol:
    """Return the protocol of a name.

    ``cross:A>B`` trains on corpus A and tests on B; of ``random:P``, a random P % are the test.

    Raises:
        UsageError: there is none; the message lists the known ones.
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
        summary = f"a random {percent} % is the test; voices are on both sides, so it leaks"
        return Protocol(name, summary, True, _random(int(percent) / 100))
    return lookup({**PROTOCOLS, CROSS: None, RANDOM: None}, name, "protocol")
