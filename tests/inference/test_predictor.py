"""Predictions: their form, windows and segments, and that serving computes as training did."""

from dataclasses import asdict, replace

import numpy as np
import pytest
from scipy.stats import gmean

from ser.audio.decode import SAMPLE_RATE, Audio, load_audio
from ser.data.dataset import load_dataset
from ser.errors import InvalidSamples
from ser.features import FEATURE_SETS
from ser.inference.predictor import Predictor
from ser.inference.windowing import geometric_mean
from tests import synth


def check_answer(answer: dict, labels) -> None:
    """Check what the HTTP contract promises of every answer."""
    assert list(answer["probabilities"]) == list(labels)
    assert sum(answer["probabilities"].values()) == pytest.approx(1, abs=1e-6)
    assert answer["emotion"] == max(answer["probabilities"], key=answer["probabilities"].get)
    assert answer["confidence"] == answer["probabilities"][answer["emotion"]]
    for part in (answer, *answer["segments"]):
        assert -1 <= part["arousal"] <= 1
        assert -1 <= part["valence"] <= 1
    position = 0.0
    for segment in answer["segments"]:
        assert segment["start"] == pytest.approx(position, abs=1e-9)
        assert segment["end"] > segment["start"]
        assert sum(segment["probabilities"].values()) == pytest.approx(1, abs=1e-6)
        position = segment["end"]
    assert position == pytest.approx(answer["duration"], abs=1e-9)


def expected_mean(rows, weights) -> np.ndarray:
    mean = gmean(rows, axis=0, weights=np.array(weights)[:, np.newaxis])
    return mean / mean.sum()


@pytest.mark.parametrize("seconds", [0.3, 2.0, 5.9, 6.5, 61.0])
def test_the_answer_is_as_the_contract_says(predictor, seconds):
    answer = predictor.predict(synth.wav(synth.voice(seconds))).to_dict()
    check_answer(answer, predictor.model_file.metadata.labels)
    assert answer["duration"] == pytest.approx(seconds, abs=1e-3)
    assert not answer["truncated"]
    assert len(answer["segments"]) == (1 if seconds <= 6 else int((seconds - 3) // 1.5) + 1)


@pytest.mark.parametrize("seconds", [5.0, 9.0])
def test_audio_is_decoded_at_the_rate_of_the_features(predictor, seconds):
    features, seen = FEATURE_SETS["mfcc216"], []

    def backend(x):
        seen.append(x)
        return np.full((len(x), 8), 1 / 8)

    other = Predictor(replace(predictor.model_file, features=features), backend)
    data = synth.wav(synth.voice(seconds, 48_000), 48_000)
    answer = other.predict(data).to_dict()
    check_answer(answer, other.model_file.metadata.labels)
    assert answer["duration"] == pytest.approx(seconds, abs=1e-3)
    first = load_audio(data, rate=44_100).samples[: 4 * 44_100]
    np.testing.assert_allclose(seen[0][0], features.extract(first), rtol=1e-5)


def test_segments_follow_the_sound(predictor):
    """Join two clips of different predicted emotions: each half keeps its own."""
    clips: dict[str, np.ndarray] = {}
    for pitch in (80, 110, 150, 200, 260, 330):
        clip = synth.voice(12, pitch=pitch, seed=pitch)
        answer = predictor.predict_audio(Audio(clip))
        if {segment.emotion for segment in answer.segments} == {answer.emotion}:
            clips.setdefault(answer.emotion, clip)
    assert len(clips) >= 2, "the model predicts the same emotion for all of these sounds"
    (first, a), (second, b), *_ = clips.items()
    joined = predictor.predict_audio(Audio(np.concatenate([a, b])))
    for segment in joined.segments:
        if segment.end < 9 or segment.start > 15:
            assert segment.emotion == (first if segment.start < 12 else second)


def test_silent_windows_are_marked_and_do_not_count(predictor):
    voice = synth.voice(12.0)
    pause = np.random.default_rng(0).standard_normal(30 * SAMPLE_RATE).astype(np.float32) * 1e-4
    alone = predictor.predict_audio(Audio(voice))
    assert not any(segment.silent for segment in alone.segments)
    padded = predictor.predict_audio(Audio(np.concatenate([voice, pause])))
    quiet = [segment for segment in padded.segments if segment.silent]
    assert min(segment.start for segment in quiet) < 16
    assert quiet[-1].end == padded.duration
    voiced = [list(s.probabilities.values()) for s in padded.segments if not s.silent]
    lengths = [s.end - s.start for s in padded.segments if not s.silent]
    whole = list(padded.probabilities.values())
    np.testing.assert_allclose(whole, expected_mean(voiced, lengths), atol=1e-12)


def test_a_clip_has_the_geometric_mean_of_its_segments(predictor):
    answer = predictor.predict_audio(Audio(synth.voice(33.3)))
    lengths = [s.end - s.start for s in answer.segments]
    rows = [list(s.probabilities.values()) for s in answer.segments]
    whole = list(answer.probabilities.values())
    np.testing.assert_allclose(whole, expected_mean(rows, lengths), atol=1e-12)


def test_a_clip_of_one_window_has_the_answer_of_that_window(predictor, clip):
    answer = predictor.predict(clip)
    assert len(answer.segments) == 1
    assert answer.probabilities == answer.segments[0].probabilities
    assert geometric_mean(np.array([[1.0, 0.0]]), np.ones(1)).tolist() == [1, 0]


def test_an_answer_as_plain_data_is_a_copy(predictor):
    answer = predictor.predict_audio(Audio(synth.voice(12)))
    plain, expected = answer.to_dict(), asdict(answer)
    assert expected.pop("reference") is None
    assert expected.pop("cues") is None
    assert len(answer.segments) > 1
    assert plain == expected
    plain["probabilities"].clear()
    plain["segments"][1]["probabilities"].clear()
    assert answer.to_dict() == expected != plain


def test_one_window_cannot_rule_out_an_emotion_of_another():
    joined = geometric_mean(np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]), np.ones(3))
    assert joined[0] > joined[1] > 0
    assert joined.sum() == pytest.approx(1)
    # A window of length 0 does not count.
    joined = geometric_mean(np.array([[0.8, 0.2], [0.0, 1.0]]), np.array([1.0, 0.0]))
    np.testing.assert_allclose(joined, [0.8, 0.2])


def test_an_uncertain_answer_carries_a_warning(predictor, clip):
    sure = predictor.predict(clip)
    for threshold, warnings in ((sure.confidence, ()), (sure.confidence + 1e-6, ("uncertain",))):
        metadata = replace(predictor.model_file.metadata, uncertain_below=threshold)
        other = Predictor(replace(predictor.model_file, metadata=metadata), predictor.backend)
        assert other.predict(clip) == replace(sure, warnings=warnings)


def test_a_path_and_its_bytes_give_the_same_answer(predictor, tmp_path, clip):
    path = tmp_path / "clip.wav"
    path.write_bytes(clip)
    assert predictor.predict(path) == predictor.predict(clip)


def test_a_long_clip_is_truncated(predictor):
    answer = predictor.predict(synth.wav(synth.voice(5.0)), max_seconds=2.0)
    assert answer.truncated
    assert answer.duration == pytest.approx(2.0)


def test_samples_that_overflow_are_refused(predictor):
    data = synth.wav((synth.voice(1.0) * 1e30).astype(np.float32), subtype="FLOAT")
    with pytest.raises(InvalidSamples):
        predictor.predict(data)


def test_features_served_are_the_features_trained_on(app, client, tiny_corpus, monkeypatch):
    """A row of the training data equals what the model gets of an upload, to the bit."""
    predictor = app.extensions["model"].predictor
    dataset = load_dataset([tiny_corpus], predictor.model_file.features)
    seen, backend = [], predictor.backend
    monkeypatch.setattr(predictor, "backend", lambda x: [seen.append(x), backend(x)][1])
    for row in (0, 17, 40):
        with dataset.utterances[row].path.open("rb") as file:
            response = client.post("/predict", data={"file": (file, "clip.wav")})
        assert response.status_code == 200
        np.testing.assert_array_equal(seen[-1], dataset.features[row : row + 1])


def test_features_of_real_clips_served_are_the_features_trained_on(predictor, real_data):
    for name in (
        "ravdess/Actor_05/03-01-02-02-01-02-05.flac",
        "tess/OAF_angry/OAF_back_angry.flac",
    ):
        path = real_data / name
        assert path.is_file()
        trained = predictor.model_file.features.extract(load_audio(path).samples)
        (served,) = features_seen(predictor, lambda p, path=path: p.predict(path.read_bytes()))
        np.testing.assert_array_equal(served, trained)


def features_seen(predictor, predict) -> np.ndarray:
    """Return the features that the model gets."""
    seen = []
    predict(Predictor(predictor.model_file, lambda x: [seen.append(x), predictor.backend(x)][1]))
    return np.concatenate(seen)


def test_a_clip_of_more_windows_than_are_in_memory_at_once(predictor):
    audio = Audio(np.tile(synth.voice(9.0), 12))
    features = features_seen(predictor, lambda p: p.predict_audio(audio))
    windows = predictor.model_file.features.windows(len(audio.samples))
    assert len(features) == len(windows) > 64
    for row in (1, 64, -1):
        start, stop = windows[row]
        expected = predictor.model_file.features.extract(audio.samples[start:stop])
        np.testing.assert_array_equal(features[row], expected)


def test_audio_at_another_rate_is_refused(predictor):
    with pytest.raises(ValueError, match="takes audio at 22050 Hz, not 44100"):
        predictor.predict_audio(Audio(synth.voice(1.0), rate=44_100))
