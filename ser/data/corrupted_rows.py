"""Test rows as poor recordings: the same clips with telephone sound, noise, codecs and so on."""

import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soxr

from ser.audio import SAMPLE_RATE, load_audio
from ser.augmentation.corruptions import corruptions
from ser.data.cache import cached
from ser.data.dataset import Dataset
from ser.errors import UsageError
from ser.features import FeatureSet

_BABBLE_VOICES, _BABBLE_CLIPS = 8, 5  # voices at once, clips of each


def corrupted_features(
    dataset: Dataset, rows: np.ndarray, features: FeatureSet, condition: str
) -> tuple[np.ndarray, np.ndarray]:
    """Return the features of corrupted clips, and the mean frames taken away from them.

    Babble noise is mixed from clips of the dataset that are not among `rows`.

    Args:
        rows: row numbers of the clips.
        condition: one of `ser.augmentation.CORRUPTIONS`.

    Returns:
        shape (rows, *feature shape), and of relative features (rows, n), else (rows, 0); float32.

    Raises:
        UsageError: no clip is left to mix babble noise from.
    """
    clips = [dataset.utterances[i] for i in rows]
    others = np.setdiff1d(np.arange(len(dataset.utterances)), rows)
    chosen = np.random.default_rng(0).permutation(others)[: _BABBLE_VOICES * _BABBLE_CLIPS]
    babble = [dataset.utterances[i].path for i in chosen]

    def compute() -> dict[str, np.ndarray]:
        corrupt = corruptions(_mix_babble(babble))[condition]
        extracted = []
        for utterance in clips:
            rng = np.random.default_rng(zlib.crc32(utterance.take.encode()))
            samples = corrupt(load_audio(utterance.path).samples, rng)
            if features.sample_rate != SAMPLE_RATE:
                samples = soxr.resample(samples, SAMPLE_RATE, features.sample_rate)
            extracted.append(features.extract_with_mean(samples))
        return {
            "features": np.stack([frames for frames, _ in extracted]),
            "means": np.stack([mean for _, mean in extracted]),
        }

    paths = [u.path for u in clips] + babble
    stored = cached("corrupted-clips", paths, [features.to_metadata(), condition], compute)
    return stored["features"], stored["means"]


def _mix_babble(paths: Sequence[Path]) -> np.ndarray:
    """Return babble noise: the sum of `_BABBLE_VOICES` tracks, each of clips end to end."""
    if not paths:
        raise UsageError("babble noise is mixed from clips that are not tested; there are none")
    samples = [load_audio(path).samples for path in paths]
    tracks = [np.concatenate(samples[i::_BABBLE_VOICES] or samples) for i in range(_BABBLE_VOICES)]
    shortest = min(map(len, tracks))
    loudness = (np.sqrt(np.mean(track**2)) for track in tracks)
    return np.sum([t[:shortest] / level for t, level in zip(tracks, loudness, strict=True)], axis=0)
