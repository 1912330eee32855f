"""Corpora: parsing file names, manifests, scanning folders, names of emotions."""

from collections import Counter
from pathlib import Path

import pytest

from ser.corpora import CORPORA, scan
from ser.errors import UsageError
from ser.labels import EMOJI, EMOTIONS, SYNONYMS, VOCABULARY, canonical


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


@pytest.mark.parametrize(
    ("name", "emotion", "intensity"),
    [
        ("1001_DFA_ANG_XX.wav", "angry", ""),
        ("1002_IEO_DIS_HI.mp3", "disgust", "high"),
        ("1091_IEO_FEA_LO.wav", "fear", "low"),
        ("1040_ITH_SAD_X.wav", "sad", ""),  # as it is published
    ],
)
def test_cremad_name(name, emotion, intensity):
    utterance = parse(name, "cremad")
    assert (utterance.emotion, utterance.intensity) == (emotion, intensity)
    assert utterance.speaker == f"cremad-{name[:4]}"
    assert utterance.statement == name[5:8]
    assert utterance.sex == ""


def test_cremad_takes_the_sex_from_the_table_of_actors(tmp_path):
    clip = tmp_path / "AudioWAV" / "1002_DFA_NEU_XX.wav"
    clip.parent.mkdir()
    clip.touch()
    table = (
        '"ActorID","Age","Sex","Race","Ethnicity"\n1001,51,"Male","",""\n1002,21,"Female","",""\n'
    )
    (tmp_path / "VideoDemographics.csv").write_text(table)
    (utterance,) = scan([tmp_path], CORPORA).utterances
    assert utterance.sex == "female"
    assert CORPORA["cremad"].parse(clip.with_name("1003_DFA_NEU_XX.wav")).sex == ""


@pytest.mark.parametrize(
    ("path", "emotion"),
    [("x/DC_a01.wav", "angry"), ("DC/a01.wav", "angry"), ("KL/su15.wav", "surprise"),
     ("JE/sa02.wav", "sad"), ("JK/n30.wav", "neutral")],
)  # fmt: skip
def test_savee_name(path, emotion):
    utterance = CORPORA["savee"].parse(Path(path))
    assert (utterance.emotion, utterance.sex) == (emotion, "male")
    assert utterance.speaker in ("savee-DC", "savee-KL", "savee-JE", "savee-JK")


def test_both_savee_namings_are_one_take():
    a, b = (CORPORA["savee"].parse(Path(p)) for p in ("all/DC_a01.wav", "DC/a01.wav"))
    assert (a.take, a.speaker, a.statement) == (b.take, b.speaker, b.statement)
    assert CORPORA["savee"].parse(Path("XX/a01.wav")) is None


@pytest.mark.parametrize(
    ("name", "emotion", "sex"),
    [
        ("03a01Fa.wav", "happy", "male"),
        ("08b10Lc.wav", "boredom", "female"),
        ("16a05Wb.wav", "angry", "female"),
        ("15a07Ed.wav", "disgust", "male"),
        ("10b01Aa.wav", "fear", "male"),
        ("09a02Tb.wav", "sad", "female"),
        ("11b03Na.wav", "neutral", "male"),
    ],
)
def test_emodb_name(name, emotion, sex):
    utterance = parse(name, "emodb")
    assert (utterance.emotion, utterance.sex) == (emotion, sex)
    assert (utterance.speaker, utterance.statement) == (f"emodb-{name[:2]}", name[2:5])
    assert parse("04a01Fa.wav", "emodb") is None  # there is no speaker 04


@pytest.mark.parametrize(
    ("path", "emotion"),
    [
        ("mine/my_tea_Happy.wav", "happy"),
        ("mine/Fear/one.wav", "fear"),
        ("anger/a_word_sad.wav", "sad"),
        ("pleasant surprise/x.ogg", "surprise"),
        ("mine/happy.wav", None),
        ("mine/a_word.wav", None),
    ],
)
def test_custom_name_or_folder(path, emotion):
    utterance = CORPORA["custom"].parse(Path(path))
    assert (utterance and utterance.emotion) == emotion
    assert utterance is None or utterance.speaker == ""


@pytest.mark.parametrize(
    "name",
    ["03-01-06-02-01-02-12.wav", "OAF_back_angry.wav", "1001_DFA_ANG_XX.wav", "DC_a01.wav",
     "03a01Fa.wav"],
)  # fmt: skip
def test_no_two_corpora_know_the_same_name(name, tmp_path):
    others = [c for c in CORPORA.values() if not c.fallback]
    assert sum(c.parse(Path(name)) is not None for c in others) == 1
    folder = tmp_path / "sad"
    folder.mkdir()
    (folder / name).touch()
    assert scan([tmp_path], CORPORA).utterances[0].corpus != "custom"


def test_a_manifest(tmp_path):
    (tmp_path / "clips").mkdir()
    for name in ("a.wav", "b.wav", "c_happy.wav"):
        (tmp_path / "clips" / name).touch()
    manifest = tmp_path / "mine.csv"
    manifest.write_text(
        "\ufeffpath,emotion,speaker,note\nclips/a.wav,Anger,Ada,x\nclips/b.wav,sad,,\n"
        "clips/c_happy.wav,neutral,Bo,\n"
    )
    found = scan([manifest, tmp_path / "clips"], CORPORA)
    assert [(u.emotion, u.speaker) for u in found.utterances] == [
        ("angry", "custom-Ada"), ("sad", ""), ("neutral", "custom-Bo"),
    ]  # fmt: skip
    assert [p.name for p in found.copies] == ["c_happy.wav"]  # the manifest was scanned first


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("file,emotion\na.wav,sad\n", r"columns path,emotion\[,speaker\]; there is no path"),
        ("", "no emotion and no path"),
        ("path,emotion\na.wav,sad\ngone.wav,sad\n", "line 3: no such file: .*gone.wav"),
        ("path,emotion\na.wav,amused\n", "line 2: unknown emotion 'amused'; known: neutral"),
    ],
)
def test_an_invalid_manifest(tmp_path, text, words):
    (tmp_path / "a.wav").touch()
    (tmp_path / "m.csv").write_text(text)
    with pytest.raises(UsageError, match=words):
        scan([tmp_path / "m.csv"], CORPORA)


@pytest.mark.parametrize("content", ["path,emotion\nfröhlich.wav,happy\n".encode("latin-1"),
                                     "path,emotion\n".encode("utf-16")])  # fmt: skip
def test_a_manifest_that_is_not_utf_8(content, tmp_path):
    (tmp_path / "m.csv").write_bytes(content)
    with pytest.raises(UsageError, match=r"m\.csv is not a CSV file in UTF-8"):
        scan([tmp_path / "m.csv"], CORPORA)


def test_a_folder_that_contains_its_copy_counts_once(tmp_path):
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


def test_every_skipped_file_is_reported(tmp_path):
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


@pytest.mark.parametrize(
    ("words", "emotion"),
    [
        ("scared afraid frightened terrified anxious", "fear"),
        ("joyful", "happy"),
        ("boring", "boredom"),
        ("furious mad", "angry"),
        ("unhappy", "sad"),
        ("amazed astonished", "surprise"),
        ("revulsion", "disgust"),
    ],
)
def test_synonyms_of_emotions(words, emotion):
    assert {canonical(word) for word in words.split()} == {emotion}


def test_synonyms_map_to_the_vocabulary_and_are_not_in_it():
    assert set(SYNONYMS.values()) <= set(VOCABULARY)
    assert not set(SYNONYMS) & set(VOCABULARY)
    assert set(EMOJI) == set(VOCABULARY)


def test_the_real_corpora(real_data):
    result = scan([real_data / "ravdess", real_data / "tess"], CORPORA)
    assert Counter(u.corpus for u in result.utterances) == {"ravdess": 1440, "tess": 1400}
    assert not result.unknown
    assert not result.copies
    assert {u.emotion for u in result.utterances} == set(EMOTIONS)
    assert len({u.speaker for u in result.utterances}) == 26
