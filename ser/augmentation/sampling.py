"""Which training clips come next: rows without end, in an order that is drawn."""

from collections.abc import Iterator

import numpy as np

_DRAWN_AT_ONCE = 1024


def passes(rows: np.ndarray, extra: np.ndarray, rng: np.random.Generator) -> Iterator[int]:
    """Yield row numbers in passes: each in a new order, with all rows once and `extra` again."""
    while True:
        yield from rng.permutation([*rows, *extra]).tolist()


def balanced(
    labels: np.ndarray, corpora: np.ndarray, speakers: np.ndarray, rng: np.random.Generator
) -> Iterator[int]:
    """Yield row numbers, so that no corpus and no emotion outweighs the others.

    A corpus is drawn as often as the square root of its number of speakers says, and each emotion
    of a corpus equally often.

    Args:
        labels, corpora, speakers: of each row, shape (rows,).
    """
    weights = np.empty(len(labels))
    for corpus in np.unique(corpora):
        own = np.flatnonzero(corpora == corpus)
        _, which, counts = np.unique(labels[own], return_inverse=True, return_counts=True)
        of_corpus = np.sqrt(len(np.unique(speakers[own])))
        weights[own] = of_corpus / (len(counts) * counts[which])
    weights /= weights.sum()
    while True:
        yield from rng.choice(len(labels), _DRAWN_AT_ONCE, p=weights).tolist()
