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
from ser.models.recipes import as_recipe


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


def of_sexes(*sexes):
    rows = np.arange(len(sexes), dtype=np.float32)[:, None]
    return Dataset(rows, tuple(utterance("happy", sex) for sex in sexes))


@pytest.mark.parametrize(
    ("data", "changes", "words"),
    [
        (
            of_sexes("", "", ""),
            {"sex": "female"},
            "no clip of a female voice; the sex of 3 of 3 clips is not known: give a list of "
            "clips with the column sex$",
        ),
        (of_sexes("male", ""), {"sex": "female"}, "female voice; the sex of 1 of 2 clips is not"),
        (of_sexes("male", "male"), {"sex": "female"}, "no clip of a female voice$"),
        (
            of_sexes("", ""),
            {"label_set": LABEL_SETS["10"]},
            "label set 10 has classes for women and men apart; the sex of 2 of 2 clips is not",
        ),
        (dataset("boredom"), {"label_set": LABEL_SETS["10"]}, "10 has no class for any of boredom"),
        (of_sexes("male"), {"sex": "male", "label_set": find_label_set("sad,angry")}, "of happy$"),
    ],
)
def test_why_no_clip_is_left_for_a_recipe(data, changes, words):
    with pytest.raises(UsageError, match=words):
        data.for_recipe(as_recipe("svc-180", **changes))


@pytest.mark.parametrize("changes", [{"sex": "female"}, {"label_set": LABEL_SETS["10"]}])
def test_clips_of_unknown_sex_that_are_left_out_are_counted(changes):
    data = of_sexes("female", "", "")
    used = data.for_recipe(as_recipe("svc-180", **changes))
    assert used.features[:, 0].tolist() == [0]
    assert used.notes == ("left out 2 of 3 clips: the sex is not known",)
    assert data.for_recipe(as_recipe("svc-180")).notes == ()


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
