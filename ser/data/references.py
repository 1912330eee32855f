"""References for training and evaluation: neutral clips of the same speaker."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from ser.corpora import Utterance

# TurEV-DB has no neutral clips, but calm ones.
_NEUTRAL = ("neutral", "calm")


def neutral_voice(utterances: Sequence[Utterance]) -> np.ndarray:
    """Return which clips are of a neutral voice: shape (utterances,), bool.

    They are a speaker's neutral clips; if there are none, the calm ones.
    """
    emotions: dict[str, set[str]] = defaultdict(set)
    for u in utterances:
        emotions[u.speaker].add(u.emotion)
    chosen = {
        speaker: next((e for e in _NEUTRAL if e in own), "") for speaker, own in emotions.items()
    }
    return np.array([u.emotion == chosen[u.speaker] for u in utterances], dtype=bool)


def draw_references(
    utterances: Sequence[Utterance],
    means: np.ndarray,
    rows: np.ndarray,
    *,
    n_clips: int = 2,
    seed: int = 0,
) -> np.ndarray:
    """Return a reference for each row: the mean over neutral clips of its speaker, not of itself.

    Args:
        means: the mean frame of each utterance, shape (utterances, n).
        rows: row numbers of the utterances.
        n_clips: so many clips are drawn, or fewer if there are not as many.
        seed: of the drawing.

    Returns:
        shape (rows, n), float32; NaN where the speaker of a row is not known or has no other
        neutral clip.
    """
    rng = np.random.default_rng(seed)
    neutral = neutral_voice(utterances)
    speakers = np.array([u.speaker for u in utterances])
    references = np.full((len(rows), means.shape[1]), np.nan, np.float32)
    for i, row in enumerate(rows):
        pool = np.flatnonzero(neutral & (speakers == speakers[row]))
        pool = pool[pool != row]
        if speakers[row] and len(pool):
            chosen = rng.choice(pool, min(n_clips, len(pool)), replace=False)
            references[i] = means[chosen].mean(axis=0)
    return references
