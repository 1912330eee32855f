"""Splits: no speaker is in two parts, and a model that memorises voices gains nothing."""

from pathlib import Path

import numpy as np
import pytest

from ser.corpora import CORPORA, Utterance, scan
from ser.data import PROTOCOLS, find_protocol, hold_out_test, hold_out_validation
from ser.data.splits import ACTOR_FOLDS
from ser.errors import UsageError
from ser.labels import EMOTIONS
from ser.metrics import uar


def actors(n=24, clips=4, channel="speech"):
    return [
        Utterance(
            path=Path(f"{actor}-{emotion}-{clip}"),
            emotion=emotion,
            speaker=f"ravdess-{actor:02}",
            corpus="ravdess",
            sex="male" if actor % 2 else "female",
            channel=channel,
        )
        for actor in range(1, n + 1)
        for emotion in EMOTIONS
        for clip in range(clips)
    ]


def speakers(utterances, rows):
    return {utterances[i].speaker for i in rows}


def test_the_folds_are_the_24_actors():
    assert sorted(actor for fold in ACTOR_FOLDS for actor in fold) == list(range(1, 25))


OF_ONE_CORPUS = [name for name, protocol in PROTOCOLS.items() if not protocol.scored_by]


@pytest.mark.parametrize("name", OF_ONE_CORPUS)
@pytest.mark.parametrize("seed", [0, 1])
def test_no_clip_is_in_two_parts(name, seed):
    utterances = actors()
    wanted = {name.removeprefix("sex:")} & {"male", "female"} or {"male", "female"}
    n = sum(u.sex in wanted for u in utterances)
    for split in PROTOCOLS[name].splits(utterances, seed):
        parts = [set(split.train), set(split.validation), set(split.test)]
        assert all(parts)
        assert sum(map(len, parts)) == len(set.union(*parts)) == n
        assert {utterances[i].sex for part in parts for i in part} == wanted


@pytest.mark.parametrize("name", [n for n in OF_ONE_CORPUS if not PROTOCOLS[n].leaks])
def test_no_speaker_is_in_two_parts(name):
    utterances = actors()
    splits = PROTOCOLS[name].splits(utterances, 0)
    for split in splits:
        train, validation, test = (
            speakers(utterances, rows) for rows in (split.train, split.validation, split.test)
        )
        assert not train & validation
        assert not train & test
        assert not validation & test
        assert len(validation) == 4
    tested = np.concatenate([split.test for split in splits])
    if name == "last-actors":
        assert speakers(utterances, tested) == {f"ravdess-{n}" for n in (21, 22, 23, 24)}
        return
    assert (
        len(tested)
        == len(set(tested))
        == sum(map(len, (splits[0].train, splits[0].validation, splits[0].test)))
    )


def test_the_number_of_folds():
    utterances = actors()
    counts = {name: len(PROTOCOLS[name].splits(utterances, 0)) for name in OF_ONE_CORPUS}
    assert counts == {
        "published": 1, "actors5": 5, "actors6": 6, "last-actors": 1, "loso": 24, "sex:male": 5,
        "sex:female": 5,
    }  # fmt: skip
    first = PROTOCOLS["actors6"].splits(utterances, 0)[0]
    assert speakers(utterances, first.test) == {f"ravdess-0{n}" for n in (1, 2, 3, 4)}


def tess(emotions=("neutral", "sad", "angry")):
    return [
        Utterance(
            path=Path(f"t{i}"), emotion=emotions[i % len(emotions)], speaker=f"tess-{i % 2}",
            corpus="tess", sex="female",
        )
        for i in range(60)
    ]  # fmt: skip


@pytest.mark.parametrize(("source", "target"), [("ravdess", "tess"), ("tess", "ravdess")])
def test_cross_corpus(source, target):
    utterances = actors() + tess()
    protocol = find_protocol(f"cross:{source}>{target}")
    assert not protocol.leaks
    (split,) = protocol.splits(utterances, 0)
    corpora = [
        {utterances[i].corpus for i in rows} for rows in (split.train, split.validation, split.test)
    ]
    assert corpora == [{source}, {source}, {target}]
    assert not speakers(utterances, split.train) & speakers(utterances, split.validation)
    assert split.merged_labels == {"calm": "neutral"}  # TESS has no calm
    known = {split.merged_labels.get(e, e) for e in (utterances[i].emotion for i in split.train)}
    tested = {split.merged_labels.get(e, e) for e in (utterances[i].emotion for i in split.test)}
    assert tested <= known
    assert tested == {"neutral", "sad", "angry"}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("random", "unknown protocol 'random'; known: actors5"),
        ("cross:ravdess>savee9", "unknown corpus 'savee9'"),
        ("cross:tess>tess", "must differ"),
        ("cross:tess", "unknown protocol"),
        ("random:0", "unknown protocol"),
        ("random:x", "unknown protocol"),
        ("corpus:savee9", "unknown corpus 'savee9'"),
        ("corpus:", "unknown protocol"),
        ("speakers:1", "unknown protocol"),
        ("speakers:x", "unknown protocol"),
    ],
)
def test_unknown_protocols(name, words):
    with pytest.raises(UsageError, match=words):
        find_protocol(name)


def test_cross_needs_both_corpora():
    with pytest.raises(UsageError, match="needs clips of tess"):
        find_protocol("cross:ravdess>tess").splits(actors(), 0)


@pytest.mark.parametrize("n", [1, 2])
def test_holding_out_twice_needs_three_speakers(n):
    words = rf"three speakers are needed, one each to train on.*; the data has {n}: ravdess-01"
    with pytest.raises(UsageError, match=words):
        hold_out_test(actors(n), seed=0)
    rest, test = hold_out_test(actors(3), seed=0)
    fitted, validation = hold_out_validation(actors(3), rest, seed=0)
    parts = [speakers(actors(3), rows) for rows in (fitted, validation, test)]
    assert [len(part) for part in parts] == [1, 1, 1]
    assert len(set.union(*parts)) == 3


def test_a_single_speaker_cannot_be_held_out():
    with pytest.raises(UsageError, match=r"two speakers of one corpus .* has two: ravdess-01"):
        hold_out_validation(actors(1), np.arange(8), seed=0)


def test_leaving_one_speaker_out_needs_three():
    with pytest.raises(UsageError, match="needs 3 speakers; the data has 2"):
        PROTOCOLS["loso"].splits(tess(), 0)


def test_both_sexes_are_in_the_validation_rows():
    utterances = actors()
    _, validation = hold_out_validation(utterances, np.arange(len(utterances)), seed=3)
    assert sorted(utterances[i].sex for i in validation[:: len(EMOTIONS) * 4]) == [
        "female", "female", "male", "male",
    ]  # fmt: skip


def test_a_corpus_of_two_speakers_stays_in_training():
    tess = [
        Utterance(path=Path(str(i)), emotion="sad", speaker=f"tess-{i % 2}", corpus="tess")
        for i in range(50)
    ]
    utterances = actors() + tess
    for split in PROTOCOLS["actors5"].splits(utterances, 0):
        assert {"tess-0", "tess-1"} <= speakers(utterances, split.train)


def test_songs_of_a_test_actor_are_in_no_part():
    utterances = actors() + actors(channel="song")
    for split in PROTOCOLS["actors5"].splits(utterances, 0):
        assert {utterances[i].channel for i in split.test} == {"speech"}
        known = speakers(utterances, [*split.train, *split.validation])
        assert not known & speakers(utterances, split.test)


def test_actors5_needs_actors():
    unknown = [Utterance(path=Path("x"), emotion="sad", speaker="", corpus="m")]
    with pytest.raises(UsageError, match="none of the speakers of fold 1"):
        PROTOCOLS["actors5"].splits(unknown, 0)


def test_a_random_fraction():
    utterances = actors()
    (split,) = find_protocol("random:25").splits(utterances, 0)
    assert len(split.test) == len(utterances) / 4
    assert find_protocol("random:25").leaks


def test_the_published_split_is_the_published_one():
    utterances = [
        Utterance(path=Path(str(i)), emotion="sad", speaker="", corpus="m") for i in range(5252)
    ]
    first, second = (PROTOCOLS["published"].splits(utterances, seed)[0] for seed in (0, 1))
    assert len(first.train) + len(first.validation) == 3518
    assert len(first.test) == 1734
    np.testing.assert_array_equal(first.test, second.test)  # the seed changes the training only


def test_memorising_voices_helps_only_if_the_protocol_leaks():
    """Each speaker acts one emotion, and the features identify the speaker."""
    utterances = [
        u
        for u in actors(clips=12)
        if (int(u.speaker[-2:]) - 1) // 2 % 8 == EMOTIONS.index(u.emotion)
    ]
    voices = sorted({u.speaker for u in utterances})
    rng = np.random.default_rng(0)
    features = np.eye(len(voices))[[voices.index(u.speaker) for u in utterances]]
    features += 0.01 * rng.standard_normal(features.shape)
    labels = np.array([EMOTIONS.index(u.emotion) for u in utterances])

    def nearest_clip(split):
        known = features[split.train]
        distance = ((features[split.test][:, None] - known[None]) ** 2).sum(axis=2)
        return labels[split.train][distance.argmin(axis=1)]

    found = {}
    for name in ("published", "actors5"):
        splits = PROTOCOLS[name].splits(utterances, 0)
        predicted = np.concatenate([nearest_clip(s) for s in splits])
        truth = np.concatenate([labels[s.test] for s in splits])
        found[name] = uar(truth, predicted)
    assert found["published"] > 0.99
    assert found["actors5"] < 0.25  # chance is 0.125


def test_the_real_folds(real_data):
    utterances = scan([real_data], CORPORA).utterances
    sizes = [len(s.test) for s in PROTOCOLS["actors5"].splits(utterances, 0)]
    assert sizes == [300, 300, 300, 300, 240]
