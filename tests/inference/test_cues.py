"""The emotion of each cue, from the windows that it overlaps."""

import numpy as np
import pytest

from ser.audio import Audio
from ser.inference import Cue
from ser.inference.cues import OUTSIDE, SHORT, SILENT, Loudness
from tests import synth
from tests.inference.test_predictor import expected_mean


@pytest.fixture(scope="module")
def voice() -> np.ndarray:
    """Return nine seconds of voice, nine of silence, nine of another voice."""
    pause = np.zeros(9 * 22_050, np.float32)
    return np.concatenate([synth.voice(9.0, pitch=90), pause, synth.voice(9.0, pitch=300)])


def ask(predictor, samples, *cues: Cue):
    return predictor.predict_audio(Audio(samples), cues=cues)


def test_a_cue_of_the_whole_clip_has_its_answer(predictor, voice):
    answer = ask(predictor, voice, Cue(0, 27, "All"))
    (cue,) = answer.cues
    assert (cue.emotion, cue.confidence) == (answer.emotion, answer.confidence)
    assert cue.probabilities == pytest.approx(answer.probabilities)
    assert (cue.arousal, cue.valence) == pytest.approx((answer.arousal, answer.valence))
    assert (cue.text, cue.note) == ("All", None)


def test_a_cue_is_the_mean_of_the_segments_that_it_overlaps(predictor, voice):
    answer = ask(predictor, voice, Cue(2.0, 5.5))
    overlaps = [min(s.end, 5.5) - max(s.start, 2.0) for s in answer.segments]
    some = [(s, t) for s, t in zip(answer.segments, overlaps, strict=True) if t > 0]
    assert len(some) > 2
    rows = [list(s.probabilities.values()) for s, _ in some]
    expected = expected_mean(rows, [t for _, t in some])
    np.testing.assert_allclose(list(answer.cues[0].probabilities.values()), expected)


def test_cues_change_nothing_else(predictor, voice):
    with_cues = ask(predictor, voice, Cue(0, 1)).to_dict()
    del with_cues["cues"]
    assert with_cues == predictor.predict_audio(Audio(voice)).to_dict()


@pytest.mark.parametrize(
    ("start", "end", "note"),
    [
        (1.0, 1.299, SHORT), (1.0, 1.3, None), (5.0, 5.0, SHORT), (10.0, 17.0, SILENT),
        # Windows with a voice reach into this pause; the cue holds none of it.
        (9.1, 10.0, SILENT), (8.5, 9.5, None), (26.9, 40.0, SHORT), (26.0, 40.0, None),
        (27.0, 28.0, OUTSIDE), (5_000.0, 5_001.0, OUTSIDE),
    ],
)  # fmt: skip
def test_short_and_silent_cues_say_so(predictor, voice, start, end, note):
    (cue,) = ask(predictor, voice, Cue(start, end, "Words")).cues
    assert (cue.start, cue.end, cue.text, cue.note) == (start, end, "Words", note)
    assert (cue.emotion is None) == (cue.probabilities is None) == (note is not None)


def test_cues_keep_their_order_and_may_overlap(predictor, voice):
    cues = [Cue(5, 9, "b"), Cue(0, 6, "a"), Cue(5, 9, "b")]
    answers = ask(predictor, voice, *cues).cues
    assert [(a.start, a.end, a.text) for a in answers] == [(c.start, c.end, c.text) for c in cues]
    assert answers[0] == answers[2]


def test_no_cues_are_not_none(predictor, clip):
    assert predictor.predict(clip, cues=[]).to_dict()["cues"] == []
    assert "cues" not in predictor.predict(clip).to_dict()


def test_each_channel_has_the_cues_that_it_has_alone(predictor, voice):
    other = synth.voice(27.0, pitch=200, seed=3)
    cues = [Cue(0, 4, "a"), Cue(10, 16, "b")]
    stereo = synth.wav(np.stack([voice, other], axis=1))
    answer = predictor.predict_channels(stereo, cues=cues)
    for channel, samples in zip(answer.channels, (voice, other), strict=True):
        assert channel == predictor.predict(synth.wav(samples), cues=cues)
    assert [c.cues[1].note for c in answer.channels] == [SILENT, None]


def test_loudness_does_not_depend_on_the_parts(voice):
    whole, parts = Loudness(22_050), Loudness(22_050)
    whole.append(voice)
    position = 0
    for size in np.random.default_rng(1).integers(0, 9000, 500):
        parts.append(voice[position : position + size])
        position += size
    assert position > len(voice)
    for start, end in ((0, 27), (3, 3.5), (8.99, 9.5), (26.9, 30), (12, 14)):
        a, b = round(start * 22_050), round(end * 22_050)
        expected = np.mean(voice[a:b].astype(float) ** 2)
        assert whole.power(start, end) == parts.power(start, end)
        assert whole.power(start, end) == pytest.approx(expected, rel=0.1, abs=1e-9)
