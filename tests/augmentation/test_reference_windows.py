"""Windows relative to neutral clips of the same speaker, which have the same recording."""

import numpy as np
import pytest

from ser.augmentation import Augmentation, SpectrogramSet, batches
from ser.features.mel import mfcc

FRAMES = 60
SPEAKERS = np.array(["a", "a", "b", "b", "", "c"])
NEUTRAL = np.array([True, False, True, True, True, True])


def clips(**given) -> SpectrogramSet:
    """Return clips of a constant spectrum: the level of clip i is -10 i dB."""
    slope = np.linspace(0, -20, 128, dtype=np.float32)
    spectra = [[np.tile(slope - 10 * i, (80, 1))] for i in range(6)]
    return SpectrogramSet(spectra, np.arange(6), np.zeros(6, bool), **given)


def level(i: int) -> float:
    """Return the first coefficient of clip i."""
    return float(mfcc(clips().spectra[i][0][:FRAMES], n_mfcc=40)[0, 0])


def drawn(made: SpectrogramSet, augmentation: Augmentation, n: int = 40):
    stream = batches(made, augmentation, batch_size=6, n_mfcc=40, seed=0, relative=True)
    for _ in range(n):
        x, y = next(stream)
        assert x.shape == (6, FRAMES, 40)
        yield from zip(x, y, strict=True)


def test_without_references_a_window_lacks_its_own_mean():
    for x, _ in drawn(clips(), Augmentation(speeds={}, frames=FRAMES, room=1.0), n=5):
        np.testing.assert_allclose(x.mean(axis=0), 0, atol=1e-2)


@pytest.mark.parametrize("shift", [0.0, 4.0])
def test_a_window_is_relative_to_other_neutral_clips_of_its_speaker(shift):
    augmentation = Augmentation(speeds={}, frames=FRAMES, reference=1.0, shift=shift)
    made = clips(speakers=SPEAKERS, neutral=NEUTRAL)
    # A speaker who is not known, or has no other neutral clip, has no reference.
    expected = {0: 0, 1: level(1) - level(0), 2: level(2) - level(3), 3: level(3) - level(2)}
    for x, row in drawn(made, augmentation):
        # The shift of the spectrum is the same for both, so that only the level differs.
        assert x[:, 0].mean() == pytest.approx(expected.get(int(row), 0), abs=0.1)
        np.testing.assert_allclose(x[:, 1:].mean(axis=0), 0, atol=0.1)


def test_half_of_the_windows_have_a_reference():
    augmentation = Augmentation(speeds={}, frames=FRAMES, reference=0.5)
    made = clips(speakers=SPEAKERS, neutral=NEUTRAL)
    levels = [x[:, 0].mean() for x, row in drawn(made, augmentation, n=200) if row == 1]
    assert 0.4 < np.mean(np.abs(levels) > 1) < 0.6


def test_some_of_the_clips_keep_their_speakers():
    some = clips(speakers=SPEAKERS, neutral=NEUTRAL).only(np.array([1, 2, 3]))
    assert [rows.tolist() for rows in some.neutral_rows()] == [[], [2], [1]]
