"""Corpora: parsing file names, manifests, scanning folders, names of emotions."""

from collections import Counter
from pathlib import Path

import pytest

from ser.corpora import CORPORA, scan
from ser.errors import UsageError
from ser.labels import EMOJI, EMOTIONS, SYNONYMS, VOCABULARY, canonical, known_emotion


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
        "03-01-01-01-01-01.wav",
        "2024-03-01-01-01-01-01-01.wav",  # a longer row of numbers
        "03-01-01-01-01-01-01-09.wav",
        "103-01-01-01-01-01-01.wav",
        "x03-01-01-01-01-01-01.wav",
        "03-01-01-01-01-01-01_03-01-05-01-01-01-01.wav",  # two clips in one file
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
    ("name", "emotion", "sex"),
    [
        ("dis-f1-b1.wav", "disgust", "female"),
        ("gio-m1-d2.wav", "happy", "male"),
        ("neu-f2-l4.wav", "neutral", "female"),
        ("pau-m2-n5.wav", "fear", "male"),
        ("rab-f3-b3.wav", "angry", "female"),
        ("sor-m3-n1.wav", "surprise", "male"),
        ("tri-f1-l1.wav", "sad", "female"),
    ],
)
def test_emovo_name(name, emotion, sex):
    utterance = parse(name, "emovo")
    assert (utterance.emotion, utterance.sex) == (emotion, sex)
    assert (utterance.speaker, utterance.statement) == (f"emovo-{name[4:6]}", name[7:9])


@pytest.mark.parametrize(
    ("name", "emotion", "sex", "sentence"),
    [
        ("EB0_anger_10.wav", "angry", "female", "10"),
        ("KS0_fear_1.wav", "fear", "male", "1"),
        ("IC0_happiness_90.wav", "happy", "female", "90"),
        ("WR0_neutral_9.wav", "neutral", "male", "9"),
        ("MK0_sadness_55.wav", "sad", "female", "55"),
        ("TP0_surprised_31.wav", "surprise", "male", "31"),
    ],
)
def test_nemo_name(name, emotion, sex, sentence):
    utterance = parse(name, "nemo")
    assert (utterance.emotion, utterance.sex, utterance.statement) == (emotion, sex, sentence)
    assert utterance.speaker == f"nemo-{name[:3]}"


@pytest.mark.parametrize(
    ("name", "emotion", "sex"),
    [
        ("n1-01-01-01-01.wav", "neutral", "female"),
        ("f2-07-01-02-26.wav", "fear", "male"),
        ("h3-02-02-01-62.wav", "happy", "female"),
        ("S4-04-02-01-29.wav", "sad", "female"),  # as it is published
        ("a5-07-02-02-65.wav", "angry", "male"),
        ("f2-01-01-02-15.wav", "fear", "female"),  # in this name alone speaker 15 is a man
    ],
)
def test_ased_name(name, emotion, sex):
    utterance = parse(name, "ased")
    assert (utterance.emotion, utterance.sex) == (emotion, sex)
    assert (utterance.speaker, utterance.statement) == (f"ased-{name[12:14]}", name[:5].lower())


@pytest.mark.parametrize(
    ("name", "emotion", "word"),
    [
        ("7895_kz_isirgan.wav", "angry", "isirgan"),
        ("1157_sk_cay.wav", "calm", "cay"),
        ("1234_mt_goz.wav", "happy", "goz"),
        ("7895_hl_ogul1.wav", "sad", "ogul"),  # as it is published
    ],
)
def test_turev_name(name, emotion, word):
    utterance = parse(name, "turev")
    assert (utterance.emotion, utterance.statement, utterance.sex) == (emotion, word, "")
    assert utterance.speaker == f"turev-{name[:4]}"


@pytest.mark.parametrize(
    "name",
    [
        "dis-f4-b1.wav", "dis-f1-b4.wav", "xis-f1-b1.wav", "dis-f1-b11.wav",
        "EB1_anger_10.wav", "EB0_anger_0.wav", "EB0_anger_91.wav", "EB0_calm_10.wav",
        "a4-07-02-02-65.wav", "a5-08-02-02-65.wav", "a5-07-03-02-65.wav", "a5-07-02-03-65.wav",
        "a5-07-02-02-66.wav", "a5-07-02-02-00.wav", "a5-07-02-02-65-02.wav", "a5-07-02-02.wav",
        "7896_kz_isirgan.wav", "7895_xx_isirgan.wav", "7895_kz_.wav", "7895_kz_isirgan2.wav",
        "7895_kz.wav", "03a03Fa.wav", "03b04Fa.wav", "03a01Fab.wav", "103a01Fa.wav",
        "27_01_01_01_back_angry.wav", "25_01_02_01_back_angry.wav", "25_01_01_01_back_calm.wav",
        "10_01_02_01_kids-talking_amused.wav", "25_01_02_01_kids-talking_sad.wav",
        "10_03_02_01_kids-talking_sad.wav", "OAFF_back_angry.wav", "11001_DFA_ANG_XX.wav",
        "oa_clip_happy.wav", "OA_back_neutral.wav", "OA_bite_happy.wav",
    ],
)  # fmt: skip
def test_a_name_that_only_resembles_those_of_a_corpus(name):
    corpora = [c for c in CORPORA.values() if not c.fallback]
    assert [c.name for c in corpora if c.parse(Path("x", name))] == []


@pytest.mark.parametrize(
    ("path", "emotion"),
    [
        ("mine/my_tea_Happy.wav", "happy"),
        ("mine/Fear/one.wav", "fear"),
        ("anger/a_word_sad.wav", "sad"),
        ("pleasant surprise/x.ogg", "surprise"),
        ("mine/happy.wav", "happy"),
        ("mine/happy_01.wav", "happy"),
        ("mine/ada_happy_012.wav", "happy"),
        ("mine/tea-happy.wav", "happy"),
        ("mine/tea_happy.mp4.wav", "happy"),
        ("mine/tea-happy-2.wav", "happy"),
        ("mine/tea_happy2.wav", "happy"),
        ("mine/tea_happy (1).wav", "happy"),
        ("mine/tea_happy_01 (2).wav", "happy"),
        ("mine/tea_happy - Copy.wav", "happy"),
        ("mine/tea_happy - Copy (2).wav", "happy"),
        ("mine/tea_happy copy 2.wav", "happy"),
        ("mine/tea_happy (copy).wav", "happy"),
        ("mine/tea_pleasant-surprise_3.wav", "surprise"),
        ("mine/tea_can sıkıntısı_3.wav", "boredom"),
        ("mine/a_word.wav", None),
        ("mine/happy_story.wav", None),
        ("mine/tea_happy_copying.wav", None),
        ("mine/01.wav", None),
        ("mine/ (1).wav", None),
        ("sad/01.wav", "sad"),
        ("sad/copy.wav", "sad"),
    ],
)
def test_custom_name_or_folder(path, emotion):
    utterance = CORPORA["custom"].parse(Path(path))
    assert (utterance and utterance.emotion) == emotion
    assert utterance is None or utterance.speaker == ""


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("Joy/sad_story.wav", "sad"),
        ("Joy/a sad story.wav", "sad"),
        ("Joy/sad_01.wav", "sad"),
        ("Joy/sad.wav", "sad"),
        ("Joy/tea-sad.wav", "sad"),
        ("sad/tea_Joy_2.wav", "happy"),
        ("angry/happy_to_sad_2.wav", "sad"),
        ("angry/can sıkıntısı story.wav", "boredom"),
    ],
)
def test_a_name_and_its_folder_that_say_two_emotions(path, named, tmp_path):
    clip = tmp_path / path
    clip.parent.mkdir()
    clip.touch()
    found = scan([tmp_path], CORPORA)
    assert (found.utterances, found.unknown) == ([], [clip])
    reason = f"its name says {named}, its folder {known_emotion(clip.parent.name)}"
    assert f"{clip} ({reason})" in found.summary()


@pytest.mark.parametrize(
    ("path", "emotion"),
    [
        ("Joy/tea_sad.wav", "sad"),  # after the underscore stands the label
        ("Joy/tea_sad (1).wav", "sad"),
        ("happy/sad_to_joyful_story.wav", "happy"),
        ("happy/sad_or_angry_story.wav", "happy"),
        ("happy/happy_story.wav", "happy"),
        ("happy/saddle_madness.wav", "happy"),
    ],
)
def test_a_name_and_its_folder_that_do_not_contradict(path, emotion):
    utterance = CORPORA["custom"].parse(Path(path))
    assert utterance is not None
    assert utterance.emotion == emotion


@pytest.mark.parametrize(
    "name",
    ["03-01-06-02-01-02-12.wav", "OAF_back_angry.wav", "1001_DFA_ANG_XX.wav", "DC_a01.wav",
     "03a01Fa.wav", "dis-f1-b1.wav", "EB0_anger_10.wav", "a5-07-02-02-65.wav",
     "7895_kz_isirgan.wav"],
)  # fmt: skip
def test_no_two_corpora_know_the_same_name(name, tmp_path):
    others = [c for c in CORPORA.values() if not c.fallback]
    assert sum(c.parse(Path(name)) is not None for c in others) == 1
    folder = tmp_path / "sad"
    folder.mkdir()
    (folder / name).touch()
    assert scan([tmp_path], CORPORA).utterances[0].corpus != "custom"


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


# Women, men, and clips of each emotion. Of nEMO and ASED every second clip is here.
REAL = {
    "emodb": (5, 5, {"neutral": 79, "happy": 71, "sad": 62, "angry": 127, "fear": 69,
                     "disgust": 46, "boredom": 81}),
    "emovo": (3, 3, dict.fromkeys(
        ("neutral", "happy", "sad", "angry", "fear", "disgust", "surprise"), 84)),
    "nemo": (4, 5, {"neutral": 405, "happy": 375, "sad": 385, "angry": 375, "fear": 369,
                    "surprise": 336}),
    "ased": (25, 40, {"neutral": 261, "happy": 243, "sad": 235, "angry": 243, "fear": 255}),
    "turev": (0, 0, {"calm": 408, "happy": 357, "sad": 483, "angry": 487}),
}  # fmt: skip
N_CLIPS = {"emodb": 535, "emovo": 588, "nemo": 2245, "ased": 1237, "turev": 1735}
N_SPEAKERS = {"emodb": 10, "emovo": 6, "nemo": 9, "ased": 65, "turev": 6}


@pytest.fixture
def real_corpus(real_data, request):
    """Return a corpus's name and the scan of its real files, or skip."""
    folder = real_data / request.param
    if not folder.is_dir():
        pytest.skip(f"no real speech at {folder}")
    return request.param, scan([folder], CORPORA)


@pytest.mark.parametrize("real_corpus", REAL, indirect=True)
def test_every_file_of_a_real_corpus(real_corpus):
    name, result = real_corpus
    women, men, emotions = REAL[name]
    assert {u.corpus for u in result.utterances} == {name}
    assert not result.unknown + result.copies + result.other
    assert len(result.utterances) == N_CLIPS[name]
    assert Counter(u.emotion for u in result.utterances) == emotions
    assert len({u.speaker for u in result.utterances}) == N_SPEAKERS[name]
    sexes = Counter(sex for _, sex in {(u.speaker, u.sex) for u in result.utterances})
    assert (sexes["female"], sexes["male"]) == (women, men)


@pytest.mark.parametrize("real_corpus", ["ravdess", "tess", *REAL], indirect=True)
def test_no_two_corpora_know_the_same_real_file(real_corpus):
    others = [c for c in CORPORA.values() if not c.fallback]
    for utterance in real_corpus[1].utterances:
        assert sum(c.parse(utterance.path) is not None for c in others) == 1, utterance.path


@pytest.mark.parametrize("real_corpus", ["ased", "turev"], indirect=True)
def test_names_and_folders_say_the_same_emotion(real_corpus):
    for utterance in real_corpus[1].utterances:
        folder = utterance.path.parent.name.lstrip("0123456789")
        assert canonical(folder) == utterance.emotion, utterance.path
