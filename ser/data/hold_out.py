"""Holding rows out of the training by speaker, for validation and for the test."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from itertools import zip_longest

import numpy as np

from ser.corpora import Utterance
from ser.errors import UsageError

VALIDATION_FRACTION = 0.05  # of the training rows, where speakers are not known
VALIDATION_SPEAKERS = 4  # where they are known, of the corpus with the most; two of each sex
# Of every other corpus that has enough speakers, one of each sex: a corpus of two or four actors
# needs all of them in the training.
FURTHER_SPEAKERS = 2
ENOUGH_SPEAKERS = 6


def hold_out_validation(
    utterances: Sequence[Utterance], train: np.ndarray, *, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Hold validation rows out of the training rows; by speaker where speakers are known.

    The corpus with the most speakers gives up to `VALIDATION_SPEAKERS`, half of each sex. Each
    other one of at least `ENOUGH_SPEAKERS` gives `FURTHER_SPEAKERS`. Corpora of few speakers stay
    in the training rows.

    Returns:
        (training rows, validation rows), int arrays.

    Raises:
        UsageError: speakers are known, and no corpus has two.
    """
    rng = np.random.default_rng(seed)
    speakers = {utterances[i].speaker: utterances[i] for i in train if utterances[i].speaker}
    if not speakers:
        shuffled = rng.permutation(train)
        n = max(1, round(len(train) * VALIDATION_FRACTION))
        return np.sort(shuffled[n:]), np.sort(shuffled[:n])
    (corpus, n_speakers), *others = Counter(u.corpus for u in speakers.values()).most_common()
    if n_speakers < 2:
        raise UsageError(
            "two speakers of one corpus are needed, one to train on and one to hold out for "
            f"validation; no corpus here has two: {', '.join(sorted(speakers))}"
        )
    wanted = {corpus: min(VALIDATION_SPEAKERS, n_speakers // 2)}
    wanted |= {name: FURTHER_SPEAKERS for name, n in others if n >= ENOUGH_SPEAKERS}
    held_out: set[str] = set()
    for name, n in wanted.items():
        men, women = (
            rng.permutation(
                sorted(
                    s for s, u in speakers.items() if u.corpus == name and (u.sex == "male") == m
                )
            )
            for m in (True, False)
        )
        alternating = [str(s) for pair in zip_longest(men, women) for s in pair if s is not None]
        held_out.update(alternating[:n])
    return hold_out_speakers(utterances, train, held_out)


def partition_speakers(
    utterances: Sequence[Utterance], rows: np.ndarray, n: int
) -> list[np.ndarray]:
    """Partition rows into up to `n` parts; all rows of a speaker are in one part.

    A clip without a known speaker counts as a speaker of its own.

    Returns:
        int arrays, none of them empty. If there are no rows, one empty array.
    """
    speaker_of = [utterances[i].speaker or str(utterances[i].path) for i in rows]
    speakers = sorted(set(speaker_of))
    n = max(1, min(n, len(speakers)))
    part_of = {speaker: i % n for i, speaker in enumerate(speakers)}
    parts = np.array([part_of[speaker] for speaker in speaker_of], dtype=int)
    return [rows[parts == i] for i in range(n)]


def hold_out_test(utterances: Sequence[Utterance], *, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Hold test rows out, as `hold_out_validation` does; validation rows come from the rest.

    Returns:
        (the rest, test rows), int arrays.

    Raises:
        UsageError: speakers are known, and there are fewer than three.
    """
    speakers = {u.speaker for u in utterances if u.speaker}
    if 0 < len(speakers) < 3:
        raise UsageError(
            "three speakers are needed, one each to train on, to validate on and to test on; "
            f"the data has {len(speakers)}: {', '.join(sorted(speakers))}"
        )
    return hold_out_validation(utterances, np.arange(len(utterances)), seed=seed)


def hold_out_speakers(
    utterances: Sequence[Utterance], rows: Iterable[int], held_out: Collection[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows of other speakers, and those of the held-out ones."""
    rows = np.asarray(list(rows), dtype=int)
    is_held_out = np.array([utterances[i].speaker in held_out for i in rows], dtype=bool)
    return rows[~is_held_out], rows[is_held_out]
