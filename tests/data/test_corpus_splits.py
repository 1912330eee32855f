"""Splits across corpora: no clip of the tested corpus is in the training."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from ser.corpora import CORPORA, Utterance, scan
from ser.data import find_protocol, hold_out_validation
from ser.errors import UsageError

EMOTIONS = {
    "ravdess": ("neutral", "calm", "happy", "sad"),
    "emodb": ("neutral", "happy", "sad", "boredom"),
    "turev": ("calm", "happy", "sad"),
    "tess": ("neutral", "happy", "sad"),
}
N_SPEAKERS = {"ravdess": 24, "emodb": 10, "turev": 6, "tess": 2}


def corpus(name, channel="speech"):
    return [
        Utterance(
            path=Path(f"{name}-{number}-{emotion}-{channel}"), emotion=emotion,
            speaker=f"{name}-{number:02}", corpus=name, channel=channel,
            sex="" if name == "turev" else "male" if number % 2 else "female",
        )
        for number in range(N_SPEAKERS[name])
        for emotion in EMOTIONS[name]
    ]  # fmt: skip


ALL = [u for name in N_SPEAKERS for u in corpus(name)]


def values(utterances, rows, field):
    return {getattr(utterances[i], field) for i in rows}


@pytest.mark.parametrize("seed", [0, 1])
def test_each_corpus_is_left_out_once(seed):
    splits = find_protocol("corpora").splits(ALL, seed)
    assert [split.name for split in splits] == sorted(N_SPEAKERS)
    for split in splits:
        assert values(ALL, split.test, "corpus") == {split.name}
        others = set(N_SPEAKERS) - {split.name}
        assert values(ALL, split.train, "corpus") == others
        parts = [values(ALL, rows, "speaker") for rows in (split.train, split.validation)]
        assert not parts[0] & parts[1]
        assert "boredom" not in values(ALL, split.test, "emotion")  # EMO-DB alone has it
    merged = {split.name: dict(split.merged_labels) for split in splits}
    # Calm counts as neutral where one side has but one of them.
    assert merged["emodb"] == merged["tess"] == merged["turev"] == {"calm": "neutral"}
    assert merged["ravdess"] == {}


def test_the_test_rows_do_not_depend_on_the_seed():
    for name in ("corpora", "matrix", "speakers:3"):
        tests = [[s.test for s in find_protocol(name).splits(ALL, seed)] for seed in (0, 1)]
        for one, other in zip(*tests, strict=True):
            np.testing.assert_array_equal(one, other)


def test_one_corpus_is_as_among_all():
    (split,) = find_protocol("corpus:emodb").splits(ALL, 0)
    (same,) = (s for s in find_protocol("corpora").splits(ALL, 0) if s.name == "emodb")
    for part in ("train", "validation", "test"):
        np.testing.assert_array_equal(getattr(split, part), getattr(same, part))


def test_the_matrix_trains_on_one_corpus_and_tests_on_all_others():
    splits = find_protocol("matrix").splits(ALL, 0)
    assert [split.name for split in splits] == sorted(N_SPEAKERS)
    for split in splits:
        assert values(ALL, split.train, "corpus") == {split.name}
        assert values(ALL, split.test, "corpus") == set(N_SPEAKERS) - {split.name}
        assert split.merged_labels == {"calm": "neutral"}
    (of_turev,) = (split for split in splits if split.name == "turev")
    assert values(ALL, of_turev.test, "emotion") == {"neutral", "calm", "happy", "sad"}


def test_a_model_without_neutral_keeps_calm():
    utterances = [u for u in ALL if u.emotion != "neutral"]
    (split,) = find_protocol("corpus:emodb").splits(utterances, 0)
    assert split.merged_labels == {}


def test_songs_are_not_tested():
    utterances = ALL + corpus("ravdess", channel="song")
    (split,) = find_protocol("corpus:ravdess").splits(utterances, 0)
    assert values(utterances, split.test, "channel") == {"speech"}


@pytest.mark.parametrize(
    ("name", "utterances", "words"),
    [
        ("corpora", corpus("tess"), "two corpora or more; the data has tess"),
        ("matrix", [], "two corpora or more; the data has none"),
        ("corpus:emodb", corpus("tess"), "needs clips of emodb; there are none"),
        ("corpus:tess", corpus("tess"), "two corpora or more"),
        ("speakers:9", corpus("turev"), "9 folds need as many known speakers.* has 6"),
    ],
)
def test_data_that_does_not_do(name, utterances, words):
    with pytest.raises(UsageError, match=words):
        find_protocol(name).splits(utterances, 0)


def test_folds_of_speakers_have_their_share_of_corpora_and_sexes():
    unknown = [Utterance(path=Path("x"), emotion="sad", speaker="", corpus="custom")]
    utterances = unknown + ALL
    splits = find_protocol("speakers:3").splits(utterances, 0)
    tested = np.concatenate([split.test for split in splits])
    assert sorted(tested) == list(range(1, len(utterances)))  # each clip once, not the unknown
    for split in splits:
        parts = [
            values(utterances, rows, "speaker")
            for rows in (split.train, split.validation, split.test)
        ]
        assert sum(map(len, parts)) == len(set.union(*parts)) == 42
        counts = Counter(
            (u.corpus, u.sex)
            for u in {utterances[i].speaker: utterances[i] for i in split.test}.values()
        )
        assert counts["ravdess", "male"] == counts["ravdess", "female"] == 4
        assert counts["turev", ""] == 2
        assert 3 <= counts["emodb", "male"] + counts["emodb", "female"] <= 4


def test_validation_speakers_come_from_every_corpus_with_enough():
    _, validation = hold_out_validation(ALL, np.arange(len(ALL)), seed=0)
    speakers = {ALL[i].speaker: ALL[i] for i in validation}.values()
    assert Counter((u.corpus, u.sex) for u in speakers) == {
        ("ravdess", "male"): 2, ("ravdess", "female"): 2,
        ("emodb", "male"): 1, ("emodb", "female"): 1, ("turev", ""): 2,
    }  # fmt: skip


def test_the_real_corpora(real_data):
    utterances = scan([real_data], CORPORA).utterances
    splits = find_protocol("corpora").splits(utterances, 0)
    assert {split.name for split in splits} >= {"ravdess", "tess"}
    for split in splits:
        names = {split.merged_labels.get(e, e) for e in values(utterances, split.train, "emotion")}
        tested = {split.merged_labels.get(e, e) for e in values(utterances, split.test, "emotion")}
        assert tested <= names
        assert values(utterances, split.test, "corpus") == {split.name}
