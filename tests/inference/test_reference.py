"""The reference: what the network hears with it, its text, and when it does not fit."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import softmax

from ser.audio import Audio, load_audio
from ser.augmentation.corruptions import telephone
from ser.errors import REFERENCE_MISMATCH, Silent, UsageError
from ser.features import FEATURE_SETS
from ser.inference import Predictor, make_reference, parse_reference
from ser.inference.reference import MAX_TEXT_BYTES, joined
from tests import synth

RELATIVE, FRAMES = FEATURE_SETS["mfcc40-relative"], FEATURE_SETS["mfcc40-frames"]


@pytest.fixture
def relative(predictor):
    """Return a predictor of relative features that keeps what its network gets in `heard`."""
    heard = []

    def backend(x):
        heard.append(x)
        return softmax(x[:, :, :8].mean(axis=1) / 10, axis=1)

    made = Predictor(replace(predictor.model_file, features=RELATIVE), backend)
    made.heard = heard
    return made


def wav(seconds: float, seed: int = 0) -> bytes:
    return synth.wav(synth.voice(seconds, seed=seed))


def mean_frame(file: bytes) -> np.ndarray:
    return RELATIVE.extract_with_mean(load_audio(file).samples)[1]


def test_relative_features_lack_their_own_mean():
    samples = synth.voice(2.0)
    frames, (features, mean) = FRAMES.extract(samples), RELATIVE.extract_with_mean(samples)
    np.testing.assert_allclose(mean, frames.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(features + mean, frames, atol=1e-4)
    assert np.abs(features.mean(axis=0)).max() < 1e-3
    np.testing.assert_array_equal(RELATIVE.extract(samples), features)


@pytest.mark.parametrize("seconds", [2.0, 20.0])
def test_the_network_hears_each_frame_relative_to_the_reference(relative, seconds):
    clip, neutral = wav(seconds), [wav(3.0), wav(1.5)]
    without = relative.predict(clip)
    answer = relative.predict(clip, reference=neutral)
    assert answer.to_dict()["reference"] == {"seconds": 4.5, "used": True}
    assert "reference" not in without.to_dict()
    assert answer.warnings == without.warnings
    plain, both = relative.heard
    again, heard = np.split(both, 2)
    np.testing.assert_array_equal(again, plain)  # the answer without it counts, too
    means = [mean_frame(file) for file in neutral]
    expected = np.average(means, axis=0, weights=[3.0, 1.5])
    difference = heard - plain  # the clip's own mean instead of the reference's
    np.testing.assert_allclose(difference, difference[:, :1] + np.zeros_like(heard), atol=1e-3)
    if seconds == 2.0:
        np.testing.assert_allclose(difference[0, 0], mean_frame(clip) - expected, atol=1e-3)


def test_the_answer_with_a_reference_is_the_geometric_mean_of_both():
    without, relative = np.array([[0.5, 0.4, 0.1]]), np.array([[0.1, 0.4, 0.5]])
    mean = np.sqrt([0.05, 0.16, 0.05])
    np.testing.assert_allclose(joined(without, relative), [mean / mean.sum()])
    np.testing.assert_allclose(joined(without, without), without)
    certain = np.array([[1.0, 0.0]])
    assert np.isfinite(joined(certain, certain[:, ::-1])).all()


def test_the_text_of_a_reference_gives_the_same_answer(relative):
    reference = make_reference(relative.model_file, [wav(3.0, seed=1)])
    text = reference.to_text()
    assert len(text) < MAX_TEXT_BYTES / 4
    parsed = parse_reference(text, version=relative.model_file.version, size=40)
    np.testing.assert_array_equal(parsed.mean_frame, reference.mean_frame)
    a, b = (relative.predict(wav(2.0), reference=r) for r in (reference, parsed))
    assert a == b
    np.testing.assert_array_equal(*relative.heard)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: "", "no text"),
        (lambda text: "x" * 5_000, "at most"),
        (lambda text: "0" * 12 + text[12:], "make it anew"),
        (lambda text: text[:-4], "make it anew"),
        (lambda text: text[:-8] + "!!!!!!!!", "make it anew"),
        (lambda text: text.replace(":3.00:", ":nan:"), "make it anew"),
        (lambda text: text[:18] + "AADAfw==" * 27 + "AADAfw==", "make it anew"),
    ],
)
def test_a_text_that_is_none(relative, change, message):
    text = make_reference(relative.model_file, [wav(3.0)]).to_text()
    with pytest.raises(UsageError, match=message):
        parse_reference(change(text), version=relative.model_file.version, size=40)


def _noisy(sound):
    return sound + 0.1 * np.random.default_rng(0).standard_normal(len(sound)).astype(np.float32)


# Of the clip, and of the reference.
MISFITS = {
    "reference over a telephone": (lambda sound: sound, telephone),
    "clip over a telephone": (telephone, lambda sound: sound),
    "clip in loud noise": (_noisy, lambda sound: sound),
    "clip 25 dB quieter": (lambda sound: sound * 10 ** (-25 / 20), lambda sound: sound),
    "reference too short": (lambda sound: sound, lambda sound: sound[: len(sound) // 6]),
}


@pytest.mark.parametrize(("of_clip", "of_reference"), MISFITS.values(), ids=MISFITS)
def test_a_reference_that_does_not_fit_is_not_used(relative, of_clip, of_reference):
    sound = synth.voice(3.0)
    clip, reference = synth.wav(of_clip(sound)), synth.wav(of_reference(sound))
    answer = relative.predict(clip, reference=[reference])
    assert answer.to_dict()["reference"]["used"] is False
    assert REFERENCE_MISMATCH in answer.warnings
    assert answer.probabilities == relative.predict(clip).probabilities


# Seconds before the voice and after it. At most 64 windows, 97 s, are scored at once.
PAUSES = {"after": (0, 30), "before": (30, 0), "long before": (120, 0)}


@pytest.mark.parametrize("level", [0, 1e-4])
@pytest.mark.parametrize(("before", "after"), PAUSES.values(), ids=PAUSES)
def test_pauses_do_not_keep_a_reference_from_fitting(relative, before, after, level):
    noise = np.random.default_rng(0).standard_normal
    pauses = [level * noise(n * 22_050).astype(np.float32) for n in (before, after)]
    voice = synth.voice(12.0)
    clip = synth.wav(np.concatenate([pauses[0], voice, pauses[1]]))
    answer = relative.predict(clip, reference=[wav(3.0)])
    assert answer.reference.used
    assert answer.probabilities != relative.predict(clip).probabilities


@pytest.mark.parametrize("gain_db", [-12, 12])
def test_a_reference_fits_louder_and_quieter_clips(relative, gain_db):
    sound = synth.voice(3.0)
    clip = synth.wav(sound * 10 ** (gain_db / 20))
    assert relative.predict(clip, reference=[synth.wav(sound)]).reference.used


def test_a_reference_that_is_refused(relative, classic_model):
    with pytest.raises(UsageError, match="1 to 4 clips, not 5"):
        relative.predict(wav(1.0), reference=[wav(1.0)] * 5)
    with pytest.raises(UsageError, match="1 to 4 clips, not 0"):
        relative.predict(wav(1.0), reference=[])
    with pytest.raises(Silent):
        relative.predict(wav(1.0), reference=[synth.wav(np.zeros(22_050, np.float32))])
    with pytest.raises(UsageError, match="takes no reference"):
        Predictor.from_file(classic_model).predict(wav(1.0), reference=[wav(1.0)])


@pytest.mark.parametrize("ask", [
    lambda predictor, reference: predictor.predict(wav(1.0), reference=reference),
    lambda predictor, reference: predictor.predict_channels(wav(1.0), reference=reference),
    lambda predictor, reference: predictor.predict_audio(
        Audio(synth.voice(1.0)), reference=reference
    ),
], ids=["file", "channels", "samples"])  # fmt: skip
def test_a_reference_of_another_model_is_refused(relative, ask):
    own = make_reference(relative.model_file, [wav(3.0)])
    assert ask(relative, own)
    with pytest.raises(UsageError, match=r"is of model 'another', and this is '.*': make it anew"):
        ask(relative, replace(own, version="another"))
    with pytest.raises(UsageError, match="has 13 numbers, and the model 40: make it anew"):
        ask(relative, replace(own, mean_frame=own.mean_frame[:13]))
    plain = Predictor(replace(relative.model_file, features=FRAMES), relative.backend)
    with pytest.raises(UsageError, match="takes no reference"):
        ask(plain, own)
