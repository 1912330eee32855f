"""Which clips are drawn, and how often."""

from collections import Counter
from itertools import islice

import numpy as np
import pytest

from ser.augmentation import Augmentation, SpectrogramSet, batches
from ser.augmentation.sampling import balanced, passes


def test_each_pass_has_all_rows_and_the_extra_ones_twice():
    stream = passes(np.array([3, 5, 7]), np.array([5]), np.random.default_rng(0))
    for _ in range(3):
        assert sorted(islice(stream, 4)) == [3, 5, 5, 7]


def test_corpora_weigh_by_their_speakers_and_emotions_evenly():
    corpora = np.array(["many"] * 90 + ["few"] * 40)
    speakers = np.array([f"m{i % 9}" for i in range(90)] + ["f"] * 40)
    labels = np.array([0] * 80 + [1] * 10 + [0] * 10 + [2] * 30)
    stream = balanced(labels, corpora, speakers, np.random.default_rng(0))
    rows = np.array(list(islice(stream, 40_000)))
    seen = Counter(zip(corpora[rows].tolist(), labels[rows].tolist(), strict=True))
    # Nine speakers weigh three times as much as one.
    expected = {("many", 0): 3 / 8, ("many", 1): 3 / 8, ("few", 0): 1 / 8, ("few", 2): 1 / 8}
    for group, ratio in expected.items():
        assert seen[group] / len(rows) == pytest.approx(ratio, abs=0.01)


def test_batches_are_balanced_over_the_clips_that_are_left():
    """A corpus of one speaker has as many clips as one of four, and is drawn half as often."""
    spectra = [[np.full((80, 128), -10.0 * i, np.float32)] for i in range(16)]
    clips = SpectrogramSet(
        spectra,
        np.arange(16) % 2,
        np.zeros(16, bool),
        corpora=np.repeat(["a", "b"], 8),
        speakers=np.array(["a"] * 8 + ["b1", "b2", "b3", "b4"] * 2),
    )
    augmentation = Augmentation(speeds={}, frames=20, balanced=True)
    left = clips.only(np.array([0, 1, *range(8, 16)]))
    stream = batches(left, augmentation, batch_size=50, n_mfcc=40, seed=0)
    levels = np.concatenate([x[:, 0, 0] for x, _ in islice(stream, 60)])
    second = levels < levels.max() * 1.0001 + 8 * -10 * np.sqrt(128) + 5
    assert second.mean() == pytest.approx(2 / 3, abs=0.03)
