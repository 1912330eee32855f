"""The words for emotions, and the emotions on the plane of arousal and valence."""

import unicodedata
from pathlib import Path

import pytest

from ser.corpora import CORPORA
from ser.errors import UsageError
from ser.labels import (
    AROUSAL_VALENCE,
    CALM_UP_TO,
    EMOTIONS,
    LIVELY_FROM,
    SYNONYMS,
    VOCABULARY,
    WORDS,
    arousal_valence_of,
    canonical,
    known_emotion,
    similar_emotion,
)
from ser.models.label_sets import LABEL_SETS
from tests.conftest import ROOT


def test_every_emotion_has_a_point():
    assert set(AROUSAL_VALENCE) == set(VOCABULARY)
    assert all(-1 <= x <= 1 for point in AROUSAL_VALENCE.values() for x in point)


def test_lively_emotions_lie_above_calm_ones():
    arousal = {emotion: point[0] for emotion, point in AROUSAL_VALENCE.items()}
    lively = [arousal[e] for e in ("angry", "happy", "fear", "surprise")]
    assert min(lively) > max(LIVELY_FROM, arousal["disgust"])
    calm = [arousal[e] for e in ("neutral", "calm", "sad", "boredom")]
    assert max(calm) < arousal["disgust"]
    assert min(calm) < CALM_UP_TO < 0 < LIVELY_FROM


@pytest.mark.parametrize(
    ("labels", "points"),
    [
        (("happy", "sad"), [(0.51, 0.81), (-0.27, -0.63)]),
        (("Anger", "Pleasant surprise"), [(0.59, -0.51), (0.67, 0.40)]),
        (("female calm", "male calm"), [(-0.30, 0.55)] * 2),
        (("female_calm", "male-fearful"), [(-0.30, 0.55), (0.60, -0.64)]),
        (("positive", "negative"), None),
        (("happy", "sad", "other"), None),
    ],
)
def test_labels_have_points_if_all_are_emotions(labels, points):
    assert arousal_valence_of(labels) == points


def test_of_the_label_sets_only_those_of_two_and_three_have_no_points():
    without = {name for name, s in LABEL_SETS.items() if arousal_valence_of(s.labels) is None}
    assert without == {"2", "3"}


WORDS_OF = [
    (language, emotion, word)
    for language, table in WORDS.items()
    for emotion, row in table.items()
    for word in row
]


def test_every_language_has_words_for_every_emotion():
    assert len(WORDS) == 11
    assert all(tuple(table) == VOCABULARY for table in WORDS.values())


def test_every_word_means_one_emotion():
    for language, emotion, word in WORDS_OF:
        assert known_emotion(word) == emotion, (language, word)
    of_two = {w for _, e, w in WORDS_OF for _, other, v in WORDS_OF if w == v and e != other}
    assert not of_two
    assert all(word for _, _, word in WORDS_OF)


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("change", [str.upper, str.title, "  {} ".format, "\t{}".format])
def test_case_spaces_and_the_form_of_accents_do_not_matter(change, form):
    for language, emotion, word in WORDS_OF:
        written = unicodedata.normalize(form, change(word))
        assert known_emotion(written) == emotion, (language, written)


def test_accents_do_not_matter_where_a_letter_has_one():
    for language, emotion, word in WORDS_OF:
        if language in ("Hindi", "Chinese"):
            continue
        letters = unicodedata.normalize("NFD", word.replace("ł", "l").replace("ı", "i"))
        plain = "".join(c for c in letters if not unicodedata.combining(c))
        assert known_emotion(plain) == emotion, (language, plain)


@pytest.mark.parametrize(
    ("word", "emotion"),
    [
        ("wuetend", "angry"), ("Aerger", "angry"), ("UEBERRASCHT", "surprise"),
        ("veraergert", "angry"),
        ("ÖFKE", "angry"), ("KIZGIN", "angry"), ("KIZGIN".lower(), "angry"), ("İĞRENME", "disgust"),
        ("En-Colère", "angry"), ("en_colere", "angry"), ("ВЕСЕЛЫЙ", "happy"), ("весёлый", "happy"),
        ("ख़ुशी", "happy"), ("ग़ुस्सा", "angry"), ("नाराज", "angry"), ("can sikintisi", "boredom"),
        ("pleasant-surprise", "surprise"), ("zlosc", "angry"), ("lęk", "fear"),
    ],
)  # fmt: skip
def test_ways_to_write_a_word(word, emotion):
    assert canonical(word) == emotion


@pytest.mark.parametrize(
    ("word", "emotion"),
    [("zły", "angry"), ("sinirli", "angry"), ("rabia", "angry"), ("disgusto", "disgust"),
     ("enojado", "angry"), ("平静", "calm"), ("content", None), ("normal", None),
     ("aborrecido", None), ("irritado", None)],
)  # fmt: skip
def test_ambiguous_words_mean_what_the_table_says(word, emotion):
    table = (ROOT / "ser" / "emotion_words.toml").read_text(encoding="utf-8")
    assert known_emotion(word) == emotion
    assert word in table.split("\n[")[0]


@pytest.mark.parametrize(
    "name", ["data", "clips", "speech", "audio", "train", "test", "samples", "male", "female",
             "wav", "mono", "noise", "recordings", "session", "validation", "", "_", "1"],
)  # fmt: skip
def test_usual_names_of_folders_are_no_emotions(name):
    assert known_emotion(name) is None
    assert similar_emotion(name) is None


@pytest.mark.parametrize(
    ("word", "emotion"),
    [("Suprised", "surprise"), ("suprise", "surprise"), ("hapy", "happy"), ("Angery", "angry"),
     ("neutrl", "neutral"), ("disgusst", "disgust"), ("traurg", "sad"), ("colere!", "angry"),
     ("весёлй", "happy"), ("boredem", "boredom")],
)  # fmt: skip
def test_a_word_that_is_nearly_an_emotion(word, emotion):
    assert known_emotion(word) is None
    assert similar_emotion(word) == emotion
    with pytest.raises(UsageError, match=rf"did you mean '{emotion}'\? known: neutral"):
        canonical(word)


@pytest.mark.parametrize("path", ["Wütend/a.wav", "a_en colère.wav", "злость/a.wav", "生气/a.wav"])
def test_folders_and_names_of_clips_take_the_same_words(path):
    assert CORPORA["custom"].parse(Path(path)).emotion == "angry"


def test_the_published_labels_have_no_other_meaning():
    assert not set(SYNONYMS) & set(EMOTIONS)
