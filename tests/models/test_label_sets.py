"""Label sets, and as many rows of each class."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from ser.corpora import Utterance
from ser.data.dataset import Dataset
from ser.errors import UsageError
from ser.labels import EMOTIONS, VOCABULARY
from ser.models.label_sets import LABEL_SETS, balanced, find_label_set


def utterance(emotion, sex="male"):
    return Utterance(path=Path(emotion), emotion=emotion, speaker="a", corpus="c", sex=sex)


def dataset(*emotions):
    rows = np.arange(len(emotions), dtype=np.float32)[:, None]
    return Dataset(rows, tuple(utterance(e, "female" if i % 2 else "male")
                               for i, e in enumerate(emotions)))  # fmt: skip


@pytest.mark.parametrize("name", LABEL_SETS)
def test_a_label_set_is_named_by_its_number_of_classes(name):
    label_set = LABEL_SETS[name]
    assert len(label_set.labels) == len(set(label_set.labels)) == int(name)
    classes = {
        label_set.classify(utterance(e, sex)) for e in VOCABULARY for sex in ("female", "male")
    }
    assert classes - {None} == set(label_set.labels)


def test_the_classes():
    assert LABEL_SETS["8"].labels == EMOTIONS
    assert LABEL_SETS["2"].classify(utterance("calm")) == "positive"
    assert LABEL_SETS["3"].classify(utterance("calm")) == "neutral"
    assert LABEL_SETS["2"].classify(utterance("neutral")) is None
    assert LABEL_SETS["10"].classify(utterance("fear", "female")) == "female fear"
    assert LABEL_SETS["10"].classify(utterance("fear", "")) is None
    assert LABEL_SETS["8"].classify(utterance("boredom")) is None


def test_a_subset_keeps_its_order():
    assert find_label_set("Sadness, neutral,happy").labels == ("sad", "neutral", "happy")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("7", "unknown label set '7'; known: 10, 2, 3"),
        ("sad", "'sad' is a single emotion; a model needs two or more"),
        ("Anger", "'Anger' is a single emotion"),
        ("sad,blue", "unknown emotion 'blue'"),
        ("sad,happy,sadness", "names an emotion twice"),
    ],
)
def test_a_name_that_is_no_label_set(name, words):
    with pytest.raises(UsageError, match=words):
        find_label_set(name)


def test_a_dataset_gets_the_classes_of_a_label_set():
    grouped = dataset("neutral", "calm", "happy", "angry", "boredom").for_label_set(LABEL_SETS["2"])
    assert [u.emotion for u in grouped.utterances] == ["positive", "positive", "negative"]
    assert grouped.features[:, 0].tolist() == [1, 2, 3]
    assert grouped.notes == ("left out 2 clips: label set 2 has no class for them",)
    with pytest.raises(UsageError, match="label set 2 has no class for any of boredom"):
        dataset("boredom").for_label_set(LABEL_SETS["2"])


def test_a_balanced_dataset_has_as_many_rows_of_each_class_as_of_the_rarest():
    data = dataset(*["sad"] * 20, *["happy"] * 7, *["angry"] * 12)
    rows = np.arange(1, len(data.utterances))
    chosen = data.balanced(rows, seed=0)
    assert Counter(data.utterances[i].emotion for i in chosen) == {
        "sad": 7, "happy": 7, "angry": 7,
    }  # fmt: skip
    assert set(chosen) <= set(rows)
    assert len(set(chosen)) == len(chosen)
    np.testing.assert_array_equal(chosen, data.balanced(rows, seed=0))
    assert not np.array_equal(chosen, data.balanced(rows, seed=1))
    assert balanced([], seed=0).tolist() == []
