"""Names of corpora to utterances, and walking their folders."""

from collections import Counter
from pathlib import Path

import pytest

from ser.corpora import CORPORA, scan
from ser.emotions import EMOJI, EMOTIONS, SYNONYMS, VOCABULARY, canonical
from ser.errors import UsageError


def parse(name: str, corpus: str):
    return CORPORA[corpus].parse(Path("some", "folder", name))


def test_ravdess_name():
    utterance = parse("03-01-06-02-01-02-12.wav", "ravdess")
    assert utterance.emotion == "fear"
    assert utterance.speaker == "ravdess-12"
    assert utterance.sex == "female"
    assert utterance.intensity == "strong"
    assert utterance.statement == "01"
    assert utterance.channel == "speech"
    assert utterance.corpus == "ravdess"


def test_ravdess_song_of_a_man():
    utterance = parse("03-02-03-01-01-01-07.mp4", "ravdess")
    assert (utterance.channel, utterance.sex, utterance.emotion) == ("song", "male", "happy")


@pytest.mark.parametrize(
    "name",
    [
        "03-01-09-01-01-01-01.wav",
        "03-01-01-01-01-01-25.wav",
        "03-01-01-01-01-01-00.wav",
        "02-01-01-01-01-01-01.mp4",  # video without sound
        "03-01-01-01-01-01-01-copy.wav",
        "03-01-01-01-01-01.wav",
    ],
)
def test_not_a_ravdess_name(name):
    assert parse(name, "ravdess") is None


@pytest.mark.parametrize(
    ("name", "speaker", "emotion"),
    [
        ("OAF_back_angry.wav", "tess-OAF", "angry"),
        ("YAF_youth_ps.wav", "tess-YAF", "surprise"),
        ("OAF_base_Fear.WAV", "tess-OAF", "fear"),
        ("OA_bite_neutral.wav", "tess-OAF", "neutral"),  # as it is published
    ],
)
def test_tess_name(name, speaker, emotion):
    utterance = parse(name, "tess")
    assert (utterance.speaker, utterance.emotion, utterance.sex) == (speaker, emotion, "female")


def test_tess_trusts_the_name_not_the_folder():
    path = Path("YAF_pleasant_surprised", "YAF_dog_sad.wav")
    assert CORPORA["tess"].parse(path).emotion == "sad"


def test_no_name_is_of_two_corpora():
    for name in ("03-01-06-02-01-02-12.wav", "OAF_back_angry.wav"):
        assert sum(c.parse(Path(name)) is not None for c in CORPORA.values()) == 1


def test_a_tree_that_holds_itself_counts_once(tmp_path):
    name = "03-01-01-01-01-01-01.wav"
    for folder in (tmp_path / "Actor_01", tmp_path / "inner" / "Actor_01"):
        folder.mkdir(parents=True)
        (folder / name).touch()
    (tmp_path / "Actor_01" / "01-01-01-01-01-01-01.mp4").touch()  # the same take, with video
    result = scan([tmp_path], CORPORA)
    assert len(result.utterances) == 1
    assert len(result.copies) == 2
    assert "2 copies left out" in result.summary()


def test_the_same_folder_twice_counts_once(tmp_path):
    (tmp_path / "OAF_back_angry.wav").touch()
    assert len(scan([tmp_path, tmp_path], CORPORA).utterances) == 1


def test_nothing_is_skipped_in_silence(tmp_path):
    for name in ("OAF_back_angry.wav", "holiday.mp3", "notes.txt"):
        (tmp_path / name).touch()
    result = scan([tmp_path], CORPORA)
    assert [p.name for p in result.unknown] == ["holiday.mp3"]
    assert [p.name for p in result.other] == ["notes.txt"]
    assert str(tmp_path / "holiday.mp3") in result.summary()


def test_a_missing_folder_is_an_error(tmp_path):
    with pytest.raises(UsageError, match="no such folder"):
        scan([tmp_path / "gone"], CORPORA)


def test_canonical_names():
    assert canonical(" Fearful ") == "fear"
    assert canonical("ps") == "surprise"
    assert canonical("Pleasant-Surprise") == canonical("pleasant surprised") == "surprise"
    assert canonical("happiness") == "happy"
    assert canonical("bored") == "boredom"
    with pytest.raises(UsageError, match=r"'amused'; known: neutral.*boredom"):
        canonical("amused")


def test_each_synonym_is_of_the_vocabulary_and_no_emotion_itself():
    assert set(SYNONYMS.values()) <= set(VOCABULARY)
    assert not set(SYNONYMS) & set(VOCABULARY)
    assert set(EMOJI) == set(VOCABULARY)


def test_the_real_corpora(real_data):
    result = scan([real_data], CORPORA)
    assert Counter(u.corpus for u in result.utterances) == {"ravdess": 1440, "tess": 1400}
    assert not result.unknown
    assert not result.copies
    assert {u.emotion for u in result.utterances} == set(EMOTIONS)
    assert len({u.speaker for u in result.utterances}) == 26
