"""How utterances are split into training, validation and test parts."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest

import numpy as np

from ser.corpora import Utterance
from ser.errors import UsageError

VALIDATION_SHARE = 0.05  # of a training part whose speakers are not known
VALIDATION_SPEAKERS = 4  # of a training part whose speakers are, both sexes alike

# The folds on which published work reports RAVDESS speech (see the README).
ACTOR_FOLDS = (
    (2, 5, 14, 15, 16),
    (3, 6, 7, 13, 18),
    (10, 11, 12, 19, 20),
    (8, 17, 21, 23, 24),
    (1, 4, 9, 22),
)


@dataclass(frozen=True)
class Split:
    """Indices of utterances: three sets without a member in common, int arrays."""

    name: str
    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray


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
        raise UsageError("at least two speakers are needed to hold one out for validation")
    men, women = (
        rng.permutation(
            sorted(s for s, u in speakers.items() if u.corpus == corpus and (u.sex == "male") == m)
        )
        for m in (True, False)
    )
    turns = [str(s) for pair in zip_longest(men, women) for s in pair if s is not None]
    return _by_speaker(utterances, train, turns[: min(VALIDATION_SPEAKERS, n_speakers // 2)])


def _by_speaker(
    utterances: Sequence[Utterance], rows: Iterable[int], held_out: Collection[str]
) -> tuple[np.ndarray, np.ndarray]:
    rows = np.asarray(list(rows), dtype=int)
    out = np.array([utterances[i].speaker in held_out for i in rows], dtype=bool)
    return rows[~out], rows[out]


def _published(utterances: Sequence[Utterance], seed: int) -> list[Split]:
    """Split at random, a third for the test, as the published figures were made."""
    from sklearn.model_selection import train_test_split

    # The published split's own seed: `seed` varies the training, not the test rows.
    train, test = train_test_split(np.arange(len(utterances)), test_size=0.33, random_state=42)
    shuffled = np.random.default_rng(seed).permutation(train)
    n = max(1, round(len(train) * VALIDATION_SHARE))
    return [Split("random", shuffled[n:], shuffled[:n], test)]


def _actors5(utterances: Sequence[Utterance], seed: int) -> list[Split]:
    """Test on each fold's actors; train on the other actors and on the other corpora."""
    everyone = {u.speaker for u in utterances}
    splits = []
    for number, fold in enumerate(ACTOR_FOLDS, start=1):
        actors = {f"ravdess-{actor:02}" for actor in fold}
        if not actors & everyone:
            raise UsageError(
                f"the protocol needs RAVDESS with its actors; none of {sorted(actors)} is there"
            )
        rest, test = _by_speaker(utterances, range(len(utterances)), actors)
        # The folds are of RAVDESS speech; the songs of a test actor are nobody's.
        test = test[[utterances[i].channel == "speech" for i in test]]
        train, validation = hold_out_validation(utterances, rest, seed=seed)
        splits.append(Split(f"fold {number}", train, validation, test))
    return splits


PROTOCOLS = {
    protocol.name: protocol
    for protocol in (
        Protocol(
            "published",
            "a random third is the test; voices are on both sides, so the figure is a leak",
            True,
            _published,
        ),
        Protocol(
            "actors5",
            "the five published actor folds of RAVDESS; no voice is on both sides",
            False,
            _actors5,
        ),
    )
}
