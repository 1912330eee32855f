"""A model on clips of other corpora."""

from pathlib import Path

import numpy as np
import pytest

from ser.corpora import Utterance
from ser.errors import UsageError
from ser.evaluation.external import predict_clips, score_external
from ser.labels import EMOTIONS
from ser.models.label_sets import LABEL_SETS, label_set_of
from tests import synth


def clips(*emotions, sex="female"):
    return [
        Utterance(path=Path(e), emotion=e, speaker="", corpus="custom", sex=sex) for e in emotions
    ]


def certain(labels, *predicted):
    return np.array([[float(label == name) for label in labels] for name in predicted])


def test_emotions_count_as_themselves():
    data = clips("sad", "sad", "happy", "boredom")
    result = score_external(EMOTIONS, data, certain(EMOTIONS, "sad", "fear", "happy", "sad"))
    assert result.scores.n == 3
    assert result.scores.uar == 0.75
    assert result.mapping == {"boredom": None, "happy": "happy", "sad": "sad"}
    assert (result.chance_uar, result.chance_accuracy) == (0.5, pytest.approx(2 / 3))


def test_calm_counts_as_neutral_if_one_side_lacks_it():
    answers = certain(EMOTIONS, "calm", "calm")
    without = score_external(EMOTIONS, clips("neutral", "sad"), answers)
    assert without.answers == {"calm": "neutral"}
    assert without.scores.uar == 0.5
    assert "a predicted calm counts as neutral" in "\n".join(without.lines())
    assert score_external(EMOTIONS, clips("neutral", "calm"), answers).answers == {}
    only_calm = score_external(EMOTIONS, clips("calm", "sad"), certain(EMOTIONS, "neutral", "sad"))
    assert only_calm.answers == {"neutral": "calm"}
    assert only_calm.scores.uar == 1
    seven = tuple(e for e in EMOTIONS if e != "calm")
    result = score_external(seven, clips("calm"), certain(seven, "neutral"))
    assert result.mapping == {"calm": "neutral"}
    assert result.scores.uar == 1


SPELLINGS = {
    "names": ("neutral", "calm", "happy"),
    "capitals": ("Neutral", "Calm", "Happy"),
    "synonyms": ("neutral", "calmness", "joy"),
    "another language": ("neutrale", "calma", "gioia"),
    "by sex": ("female neutral", "female calm", "female happy"),
    "by sex, their names": ("female_neutral", "female_calmness", "female_happiness"),
}


@pytest.mark.parametrize("labels", SPELLINGS.values(), ids=SPELLINGS)
def test_calm_counts_as_neutral_however_the_labels_are_spelled(labels):
    neutral, calm, happy = labels
    answers = certain(labels, calm, neutral, happy, happy)
    result = score_external(labels, clips("neutral", "neutral", "happy", "happy"), answers)
    assert (result.scores.uar, result.answers) == (1, {calm: neutral})
    result = score_external(labels, clips("calm", "calm", "happy", "happy"), answers)
    assert (result.scores.uar, result.answers) == (1, {neutral: calm})
    assert score_external(labels, clips("calm", "neutral"), answers[:2]).scores.uar == 1
    two = (neutral, happy)
    result = score_external(two, clips("calm", "happy"), certain(two, neutral, happy))
    assert (result.scores.uar, result.scores.n, result.answers) == (1, 2, {})


def test_a_model_of_a_label_set():
    labels = LABEL_SETS["2"].labels
    result = score_external(labels, clips("angry", "calm", "disgust"),
                          certain(labels, "negative", "negative", "positive"))  # fmt: skip
    assert result.mapping == {"angry": "negative", "calm": "positive", "disgust": None}
    assert result.scores.accuracy == 0.5
    ten = LABEL_SETS["10"].labels
    result = score_external(ten, clips("sad", sex="male"), certain(ten, "male sad"))
    assert result.scores.accuracy == 1


@pytest.mark.parametrize("name", LABEL_SETS)
def test_each_label_set_is_found_by_its_labels(name):
    found = label_set_of(LABEL_SETS[name].labels)
    assert set(found.labels) == set(LABEL_SETS[name].labels)
    for emotion in LABEL_SETS[name].classes:
        (clip,) = clips(emotion)
        assert found.classify(clip) == LABEL_SETS[name].classify(clip)


def test_the_labels_of_a_label_set_in_capitals():
    labels = ("Negative", "Neutral", "Positive")
    answers = certain(labels, "Negative", "Neutral", "Positive")
    result = score_external(labels, clips("angry", "calm", "happy"), answers)
    assert (result.scores.uar, result.scores.n) == (1, 3)


def test_labels_of_women_and_men_in_other_words():
    labels = ("female_angry", "female_fearful", "male_angry", "male_fearful", "male_sad")
    found = label_set_of(labels)
    assert found.labels == labels
    for emotion, sex, label in (
        ("fear", "female", "female_fearful"), ("sad", "male", "male_sad"),
        ("sad", "female", None), ("happy", "male", None), ("fear", "", None),
    ):  # fmt: skip
        (clip,) = clips(emotion, sex=sex)
        assert found.classify(clip) == label
    result = score_external(labels, clips("fear", sex="male"), certain(labels, "male_fearful"))
    assert result.scores.accuracy == 1


def test_no_common_emotion():
    with pytest.raises(
        UsageError, match=r"the labels of the model are neutral.*; the data holds boredom"
    ):
        score_external(EMOTIONS, clips("boredom"), certain(EMOTIONS, "sad"))
    with pytest.raises(UsageError, match="no label is an emotion: a, b"):
        label_set_of(["a", "b"])


def test_predictions_are_those_of_the_app(predictor, tmp_path):
    path = tmp_path / "long_sad.wav"
    path.write_bytes(synth.wav(synth.voice(9.0)))
    (tmp_path / "bad_sad.wav").write_bytes(b"nothing of the kind")
    data = [
        Utterance(path=tmp_path / name, emotion="sad", speaker="", corpus="custom")
        for name in ("long_sad.wav", "bad_sad.wav")
    ]
    readable, answers, faults = predict_clips(predictor, data)
    assert readable == data[:1]
    assert answers[0].tolist() == list(predictor.predict(path).probabilities.values())
    assert len(faults) == 1
    assert "bad_sad.wav" in faults[0]
