"""Each channel of a file is predicted as if it were alone, in the memory of one."""

from dataclasses import replace

import numpy as np
import pytest

from ser import errors
from ser.audio import SAMPLE_RATE
from ser.augmentation.corruptions import telephone
from ser.features import FEATURE_SETS
from ser.inference import Cue, Predictor, make_reference
from ser.inference.channels import WindowStream
from ser.inference.cues import SILENT
from tests import files, synth
from tests.inference.test_predictor import check_answer


def together(*channels: np.ndarray) -> bytes:
    """Return a WAV of these channels; shorter ones end in silence."""
    n = max(len(samples) for samples in channels)
    return synth.wav(np.stack([np.pad(x, (0, n - len(x))) for x in channels], axis=1))


@pytest.mark.parametrize("name", FEATURE_SETS)
@pytest.mark.parametrize("seconds", [0.3, 5.9, 6.0, 8.1, 13.7, 61.0])
def test_windows_of_parts_are_those_of_the_whole(name, seconds):
    features = FEATURE_SETS[name]
    samples = np.arange(round(seconds * features.sample_rate), dtype=np.float32)
    expected = features.windows(len(samples))
    rng, cut = np.random.default_rng(0), []
    stream = WindowStream(features, cut.append)
    position = 0
    while position < len(samples):
        step = int(rng.integers(1, 70_000))
        stream.append(samples[position : position + step])
        position += step
    stream.finish()
    assert stream.windows == expected
    for window, (start, stop) in zip(cut, expected, strict=True):
        np.testing.assert_array_equal(window, samples[start:stop])


def test_a_stream_holds_two_windows_and_a_second():
    features = FEATURE_SETS["mfcc40-frames"]
    most = round((2 * features.window_seconds + 1) * features.sample_rate)
    stream = WindowStream(features, lambda _: None)
    for _ in range(500):
        stream.append(np.zeros(5_000, np.float32))
        assert sum(map(len, stream._parts)) <= most + 5_000
    assert len(stream.windows) > 50


@pytest.mark.parametrize("seconds", [2.0, 12.0, 120.0])
def test_each_channel_has_the_answer_that_it_has_alone(predictor, seconds):
    voices = [synth.voice(seconds, pitch=90 + 60 * n, seed=n) for n in range(3)]
    answer = predictor.predict_channels(together(*voices))
    assert len({channel.emotion for channel in answer.channels}) > 1
    for voice, channel in zip(voices, answer.channels, strict=True):
        assert channel == predictor.predict(synth.wav(voice))


@pytest.mark.parametrize("extension", ["m4a", "flac", "ogg"])
def test_six_channels_through_both_decoders(predictor, extension):
    labels = predictor.model_file.metadata.labels
    sound = np.stack([synth.voice(7.0, seed=n, pitch=80 + 40 * n) for n in range(6)], axis=1)
    data = files.made_by_ffmpeg(extension, source=synth.wav(sound))
    plain = predictor.predict_channels(data).to_dict()
    assert [channel["channel"] for channel in plain["channels"]] == [1, 2, 3, 4, 5, 6]
    assert plain["duration"] == pytest.approx(7.0, abs=0.1)
    for channel in plain["channels"]:
        if not channel["silent"]:
            check_answer(channel, labels)
            assert len(channel["segments"]) > 1
    # An AAC encoder leaves next to nothing of a voice in the channel for low tones.
    silent = [channel["channel"] for channel in plain["channels"] if channel["silent"]]
    assert silent in ([], [4])


@pytest.mark.parametrize("level", [0.0, 1e-3])
def test_a_silent_channel_says_so(predictor, level):
    """Without any sound, or 60 dB below the other."""
    voice = synth.voice(9.0)
    answer = predictor.predict_channels(together(voice, level * voice), cues=[Cue(1, 2, "Hi")])
    assert answer.channels[0] is not None
    assert answer.channels[1] is None
    loud, silent = answer.to_dict()["channels"]
    assert (loud["silent"], silent["silent"]) == (False, True)
    assert silent.keys() == loud.keys()
    assert silent["emotion"] is silent["probabilities"] is None
    assert (silent["segments"], silent["duration"]) == ((), loud["duration"])
    assert (loud["cues"][0]["note"], silent["cues"][0]["note"]) == (None, SILENT)


def test_a_quiet_speaker_is_no_silent_channel(predictor):
    voice = synth.voice(9.0)
    answer = predictor.predict_channels(together(voice, 0.03 * voice))  # 30 dB below
    assert answer.channels[1] is not None
    assert not any(segment.silent for segment in answer.channels[1].segments)


def test_a_file_without_sound_in_any_channel_is_refused(predictor):
    with pytest.raises(errors.Silent):
        predictor.predict_channels(together(*np.zeros((2, 22_050), np.float32)))


def test_a_reference_counts_where_it_fits(relative_model):
    predictor = Predictor.from_file(relative_model)
    neutral = synth.voice(3.0, pitch=130, seed=5)
    reference = make_reference(predictor.model_file, [synth.wav(neutral)])
    answer = predictor.predict_channels(together(neutral, telephone(neutral)), reference=reference)
    assert [channel.reference.used for channel in answer.channels] == [True, False]
    assert [errors.REFERENCE_MISMATCH in c.warnings for c in answer.channels] == [False, True]


def test_the_stages_are_timed_and_a_long_file_is_truncated(predictor):
    stages = {}
    data = together(*[synth.voice(4.0)] * 2)
    answer = predictor.predict_channels(data, max_seconds=2.0, on_stage=stages.__setitem__)
    assert (answer.truncated, answer.duration) == (True, 2.0)
    assert all(channel.truncated for channel in answer.channels)
    assert set(stages) == {"decode", "features", "model"}
    assert all(seconds > 0 for seconds in stages.values())


def test_the_windows_of_a_channel_are_scored_in_batches_as_of_one_clip(predictor):
    seen = []
    backend = predictor.backend
    other = Predictor(predictor.model_file, lambda x: [seen.append(len(x)), backend(x)][1])
    voice = np.tile(synth.voice(11.0), 12)
    alone = other.predict(synth.wav(voice))
    expected, seen[:] = sorted(2 * seen), []
    assert other.predict_channels(together(voice, voice)).channels == (alone, alone)
    assert sorted(seen) == expected
    assert max(seen) == 64


def test_another_rate_of_the_features(predictor):
    features = FEATURE_SETS["mfcc216"]
    other = Predictor(
        replace(predictor.model_file, features=features), lambda x: np.full((len(x), 8), 1 / 8)
    )
    assert features.sample_rate != SAMPLE_RATE
    answer = other.predict_channels(together(synth.voice(9.0), synth.voice(9.0)))
    assert answer.duration == pytest.approx(9.0, abs=1e-3)
    assert answer.channels[0].segments[-1].end == answer.duration
