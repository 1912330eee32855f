"""Augmentation of spectrograms, and the features that it works on."""

import json

import numpy as np
import pytest

from ser.augmentation import Augmentation, SpectrogramSet, batches
from ser.data.augmented_rows import load_spectrograms
from ser.data.dataset import load_dataset
from ser.features import FEATURE_SETS
from ser.features.mel import mfcc
from ser.features.mfcc40_frames import fit_length, log_mel
from ser.labels import EMOTIONS
from tests import synth
from tests.conftest import run_training

FRAMES = FEATURE_SETS["mfcc40-frames"]
MEL = {k: v for k, v in FRAMES.params.items() if k not in ("n_mfcc", "frames")}


def spectrum(seconds=2.0, seed=0):
    return log_mel(synth.voice(seconds, seed=seed), sample_rate=FRAMES.sample_rate, **MEL)


@pytest.fixture
def clips():
    labels = np.array([0, 1, 2, 3, 0, 1])
    spectra = [[spectrum(seed=i), spectrum(1.0, seed=i)] for i in range(6)]
    auxiliary = np.array([False] * 4 + [True] * 2)
    return SpectrogramSet(spectra, labels, auxiliary, frozenset({0}))


def draw(clips, augmentation, n, seed=0, batch_size=8):
    stream = batches(clips, augmentation, batch_size=batch_size, n_mfcc=40, seed=seed)
    return [next(stream) for _ in range(n)]


PLAIN = Augmentation(speeds={}, frames=60)
FULL = Augmentation(
    speeds={},
    frames=60,
    auxiliary="x",
    auxiliary_fraction=0.25,
    room=1.0,
    noise=1.0,
    babble=1.0,
    band=1.0,
    mask=0.3,
    tempo=0.1,
    shift=4,
)


@pytest.mark.parametrize("augmentation", [PLAIN, FULL])
def test_batches_are_seeded_finite_and_shaped(clips, augmentation):
    first, again = draw(clips, augmentation, 3), draw(clips, augmentation, 3)
    other = draw(clips, augmentation, 3, seed=1)
    for (x, y), (x2, y2), (x3, _) in zip(first, again, other, strict=True):
        assert x.shape == (8, 60, 40)
        assert x.dtype == np.float32
        assert np.isfinite(x).all()
        np.testing.assert_array_equal(x, x2)
        np.testing.assert_array_equal(y, y2)
        assert not np.array_equal(x, x3)


def test_the_auxiliary_corpus_fills_its_fraction(clips):
    seen = np.concatenate([y for _, y in draw(clips, FULL, 50)])
    only_first = np.isin(seen, [2, 3]).sum()
    # 6 of 8 are of the first four clips. Emotion 0 comes twice a pass, so 2 of 5 are 2 or 3.
    assert only_first / len(seen) == pytest.approx(0.75 * 2 / 5, abs=0.02)


def test_without_augmentation_windows_are_cut_from_the_clips(clips):
    whole = [mfcc(s[:60], n_mfcc=40) for s in clips.spectra[2]]
    x, _ = draw(clips.only(np.array([2])), PLAIN, 1, batch_size=64)[0]
    assert any(np.allclose(window, whole[0], atol=1e-3) for window in x)


def test_each_augmentation_changes_the_window_and_leaves_the_clip(clips):
    plain, _ = draw(clips, PLAIN, 1)[0]
    for kind in ("room", "noise", "babble", "band", "mask", "tempo", "shift"):
        augmentation = Augmentation(speeds={}, frames=60, **{kind: 0.9})
        changed, _ = draw(clips, augmentation, 1)[0]
        assert not np.allclose(changed, plain)
    mels = [spectrum(seed=i) for i in range(6)]
    before = [m.copy() for m in mels]
    one = SpectrogramSet([[m] for m in mels], clips.labels, clips.auxiliary)
    draw(one, FULL, 5)
    for a, b in zip(mels, before, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("kind", ["room", "noise", "babble"])
def test_added_sound_is_audible_where_the_voice_is_quiet(clips, kind):
    """The clip is a word and the pause after it."""
    word = spectrum(0.5)
    paused = np.concatenate([word, np.full((60 - len(word), word.shape[1]), -80, np.float32)])
    clips = SpectrogramSet([*clips.spectra[:5], [paused]], clips.labels, clips.auxiliary)
    alone = clips.only(np.array([5]))
    sounds = Augmentation(speeds={}, frames=60, **{kind: 1.0})
    plain, noisy = (draw(alone, a, 1, batch_size=32)[0][0][..., 0] for a in (PLAIN, sounds))
    loud = slice(2, len(word) - 2)
    # Babble and noise have quiet moments too.
    assert (noisy[:, len(word) + 2] > plain[:, len(word) + 2]).mean() > 0.5
    assert (noisy - plain)[:, loud].mean() < (noisy - plain)[:, len(word) :].mean() / 2


def test_speeds_make_other_voices(tiny_corpus):
    dataset = load_dataset([tiny_corpus], FRAMES)
    augmentation = Augmentation(speeds={"ravdess": (0.8, 1.0, 1.25)}, frames=60)
    made = load_spectrograms(dataset, FRAMES, augmentation, EMOTIONS)
    assert len(made.spectra) == len(dataset.utterances)
    slow, plain, fast = (len(s) for s in made.spectra[0])
    assert slow > plain > fast
    row = fit_length(mfcc(made.spectra[0][1].astype("f4"), n_mfcc=40), FRAMES.shape[0])
    np.testing.assert_allclose(row, dataset.features[0], atol=0.5)  # the spectra are float16
    assert made.labels.tolist() == dataset.label_indices(EMOTIONS).tolist()


def test_clips_also_come_over_a_telephone(tiny_corpus):
    dataset = load_dataset([tiny_corpus], FRAMES)
    augmentation = Augmentation(
        speeds={"ravdess": (1.0,)}, telephone={"ravdess": (0.9, 1.0)}, frames=60
    )
    near, slow, phoned = load_spectrograms(dataset, FRAMES, augmentation, EMOTIONS).spectra[0]
    assert len(slow) > len(phoned) == len(near)
    assert near[:, -1].max() - phoned[:, -1].max() > 40  # dB, of the breath at 11 kHz


def test_level_and_silence_hardly_change_the_frames():
    """A change of level changes only the mean over time, which the network subtracts."""
    voice = synth.voice(2.3)  # it fills the frames almost twice: a part would have another mean
    quiet = np.zeros(22_050, np.float32)
    plain = FRAMES.extract(voice)
    padded = FRAMES.extract(np.concatenate([quiet, voice, quiet]))
    soft = FRAMES.extract(voice * np.float32(0.1))
    np.testing.assert_allclose(soft - soft.mean(axis=0), plain - plain.mean(axis=0), atol=0.5)
    distance = np.abs(padded.mean(axis=0) - plain.mean(axis=0))
    assert distance[1:].max() < 3
    assert distance[0] < 25  # of some hundreds


@pytest.mark.parametrize(
    ("length", "expected"), [(5, [0, 2, 4, 0, 2]), (3, [0, 2, 4]), (2, [0, 2]), (1, [0])]
)
def test_a_short_clip_is_repeated_and_a_long_one_subsampled(length, expected):
    assert fit_length(np.arange(6).reshape(3, 2), length)[:, 0].tolist() == expected


def test_a_subsampled_clip_keeps_its_beginning_and_end():
    kept = fit_length(np.arange(259)[:, np.newaxis], 200)[:, 0].tolist()
    assert kept[:4] == [0, 1, 2, 3]
    assert kept[-1] == 257


@pytest.mark.parametrize("pause", [0.5, 2.0])
@pytest.mark.parametrize("snr_db", [20, 30, 60])
def test_speech_is_found_in_noise(pause, snr_db):
    rng = np.random.default_rng(0)
    voice = synth.voice(2.0)
    clip = np.pad(voice, round(pause * FRAMES.sample_rate))
    noise = rng.standard_normal(len(clip)).astype(np.float32)
    noise *= np.float32(np.sqrt(np.mean(voice**2)) / 10 ** (snr_db / 20))
    found = log_mel(clip + noise, sample_rate=FRAMES.sample_rate, **MEL)
    assert len(found) == pytest.approx(len(spectrum()), abs=8)


def test_an_emotion_that_is_not_a_label_is_not_oversampled(tiny_corpus):
    rows = load_dataset([tiny_corpus], FRAMES)
    few = rows.select([i for i, u in enumerate(rows.utterances) if u.emotion in ("sad", "happy")])
    augmentation = Augmentation(speeds={}, frames=60, oversampled=("neutral", "happy"))
    made = load_spectrograms(few.select(range(4)), FRAMES, augmentation, ("sad", "happy"))
    assert made.oversampled == {1}
    assert set(made.labels) == {0, 1}


# With batches without end, `fit` would wait for tf.data's tuner when it ends.
_READ = """
import itertools, json
import numpy as np
from ser.training.training_data import prefetched

batches = ((np.full((2, 3), i, np.float32), np.array([i, i])) for i in itertools.count())
read = prefetched(batches)
print(json.dumps([[x.tolist(), y.tolist()] for x, y in read.take(3).as_numpy_iterator()]))
print(read.options().autotune.enabled)
"""


def test_endless_batches_keep_their_order_and_are_not_tuned():
    seen, tuned = run_training(_READ).splitlines()
    assert json.loads(seen) == [[[[i] * 3] * 2, [i, i]] for i in range(3)]
    assert tuned == "False"
