"""Augmentation of waveforms, and the training rows made with it."""

from pathlib import Path

import librosa
import numpy as np
import pytest

from ser.audio.decode import SAMPLE_RATE, load_audio
from ser.augmentation import AUGMENTATIONS, find_augmentation
from ser.corpora import Utterance
from ser.data import augmented_rows as waveforms
from ser.data import hold_out_validation
from ser.data.augmented_rows import augmented_features, training_rows
from ser.data.dataset import Dataset, load_dataset
from ser.errors import UsageError
from ser.features import FEATURE_SETS
from ser.models.recipes import as_recipe
from ser.training.train import train
from tests import synth

VOICE = synth.voice(1.5)
MEAN = FEATURE_SETS["mfcc40-mean"]


def augmented(name, seed=0):
    return find_augmentation(name)(VOICE, SAMPLE_RATE, np.random.default_rng(seed))


@pytest.mark.parametrize("name", [*AUGMENTATIONS, "noise+shift", "pitch+noise"])
def test_each_augmentation_is_seeded_and_finite(name):
    first = augmented(name)
    assert first.dtype == np.float32
    assert np.isfinite(first).all()
    np.testing.assert_array_equal(first, augmented(name))
    other = augmented(name, seed=1)
    assert len(other) != len(first) or not np.array_equal(other, first)
    assert len(first) != len(VOICE) or not np.array_equal(first, VOICE)


def test_noise_is_quieter_than_the_voice():
    difference = augmented("noise") - VOICE
    assert 0 < np.abs(difference).max() < 0.05 * np.abs(VOICE).max()


def test_shift_is_circular():
    shifted = augmented("shift")
    np.testing.assert_array_equal(np.sort(shifted), np.sort(VOICE))
    best = np.argmax(np.fft.irfft(np.fft.rfft(shifted) * np.fft.rfft(VOICE).conj()))
    assert min(best, len(VOICE) - best) <= 0.06 * SAMPLE_RATE


def test_stretch_changes_the_length_and_keeps_the_pitch():
    lengths = {len(augmented("stretch", seed)) / len(VOICE) for seed in range(5)}
    assert 1 / 1.21 < min(lengths) < 1 < max(lengths) < 1 / 0.79
    assert pitch(augmented("stretch")) == pytest.approx(pitch(VOICE), rel=0.05)


def test_pitch_is_raised_and_the_length_kept():
    for seed in range(3):
        higher = augmented("pitch", seed)
        semitones = np.random.default_rng(seed).uniform(0, 4)
        assert len(higher) == len(VOICE)
        assert pitch(higher) == pytest.approx(pitch(VOICE) * 2 ** (semitones / 12), rel=0.03)


def test_dynamics_is_a_gain():
    ratio = augmented("dynamics") / VOICE
    assert 1.5 <= ratio[0] <= 3
    np.testing.assert_allclose(ratio, ratio[0], rtol=1e-5)


def pitch(samples):
    return np.median(librosa.yin(samples, fmin=60, fmax=400, sr=SAMPLE_RATE))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("noise+echo", "unknown waveform augmentation 'echo'; known: dynamics, noise, pitch"),
        ("noise+noise", "names an augmentation twice"),
    ],
)
def test_an_invalid_name(name, words):
    with pytest.raises(UsageError, match=words):
        find_augmentation(name)


def test_features_come_from_the_augmented_clips(tiny_corpus):
    dataset = load_dataset([tiny_corpus], MEAN)
    rows = np.array([3, 17, 40])
    made = augmented_features(dataset, rows, MEAN, ["noise", "noise+shift"], seed=0)
    assert made.shape == (2, 3, 40, 1)
    assert not np.array_equal(made[0], made[1])
    again = augmented_features(dataset, rows[1:], MEAN, ["noise"], seed=0)
    np.testing.assert_array_equal(again[0], made[0, 1:])  # the other rows do not matter
    assert not np.array_equal(again, augmented_features(dataset, rows[1:], MEAN, ["noise"], seed=1))
    # Nearer to its own clip than to another one.
    own = np.linalg.norm(made[0, 0] - dataset.features[3])
    assert own < np.linalg.norm(made[0, 0] - dataset.features[17])


@pytest.fixture
def augmented_clips(monkeypatch):
    """Return a list that gets the path of each clip whose waveform is augmented."""
    paths = []

    def load(path, **options):
        paths.append(path)
        return load_audio(path, **options)

    monkeypatch.setattr(waveforms, "load_audio", load)
    monkeypatch.setattr(waveforms, "cached", lambda *args: args[-1]())
    return paths


def test_only_training_rows_are_augmented(tiny_corpus, augmented_clips):
    recipe = as_recipe("tree-mfcc40", augmentations=("noise", "dynamics"))
    dataset = load_dataset([tiny_corpus], MEAN)
    rows = np.array([30, 3, 17])
    x, y = training_rows(recipe, dataset, rows, seed=0)
    assert x.shape == (9, 40, 1)
    np.testing.assert_array_equal(x[:3], dataset.features[rows])
    np.testing.assert_array_equal(y, [*dataset.label_indices(recipe.labels)[rows]] * 3)
    made = augmented_features(dataset, rows, MEAN, ["noise", "dynamics"], seed=0)
    np.testing.assert_array_equal(x[3:], made.reshape(6, 40, 1))
    assert set(augmented_clips) == {dataset.utterances[i].path for i in rows}


def test_no_validation_clip_is_augmented(tiny_corpus, augmented_clips):
    recipe = as_recipe("tree-mfcc40", augmentations=("noise",))
    dataset = load_dataset([tiny_corpus], MEAN)
    rows, validation = hold_out_validation(dataset.utterances, np.arange(48), seed=0)
    trained = train(recipe, dataset, rows, validation, seed=0)
    assert set(augmented_clips) == {dataset.utterances[i].path for i in rows}
    assert trained.model.tree_.n_node_samples[0] == 2 * len(rows)


def test_clips_are_augmented_at_the_rate_of_the_features(tiny_corpus):
    features = FEATURE_SETS["mfcc216"]
    dataset = load_dataset([tiny_corpus], features)
    made = augmented_features(dataset, np.array([0]), features, ["dynamics"], seed=0)
    clip = load_audio(dataset.utterances[0].path, rate=44_100).samples
    gains = np.linspace(1.5, 3, 60)
    nearest = min(np.abs(features.extract(clip * g) - made[0, 0]).max() for g in gains)
    assert nearest < 0.1


def test_a_feature_matrix_has_no_waveform():
    row = Utterance(path=Path("m.npz#0"), emotion="sad", speaker="", corpus="m")
    dataset = Dataset(np.zeros((1, 40, 1), np.float32), (row,))
    with pytest.raises(UsageError, match=r"needs the clip itself; there is no m\.npz#0"):
        augmented_features(dataset, np.array([0]), MEAN, ["noise"], seed=0)
