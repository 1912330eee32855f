"""The names of the emotions, in one order, and how lively and how pleasant each is."""

import re
import tomllib
import unicodedata
from collections.abc import Sequence
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path

from ser.errors import UsageError

#: The eight emotions of RAVDESS, in the order of the outputs of the published models.
EMOTIONS = ("neutral", "calm", "happy", "sad", "angry", "fear", "disgust", "surprise")
#: The emotions of all corpora; only EMO-DB has boredom.
VOCABULARY = (*EMOTIONS, "boredom")

#: Emotions of high and of low arousal. Disgust is acted with either, so it is in neither.
HIGH_AROUSAL = ("angry", "fear", "happy", "surprise")
LOW_AROUSAL = ("sad", "neutral", "calm")

EMOJI = {
    "neutral": "😐",
    "calm": "😌",
    "happy": "😄",
    "sad": "😢",
    "angry": "😠",
    "fear": "😨",
    "disgust": "🤢",
    "surprise": "😲",
    "boredom": "🥱",
}

#: The arousal and the valence of each emotion, -1 to 1: mean ratings of the words angry, happy,
#: sad, fearful, disgusted, surprised and bored by Russell and Mehrabian 1977, "Evidence for a
#: three-factor theory of emotions", Journal of Research in Personality 11, 273-294. Neutral is the
#: origin. The point of calm is ours: pleasant and quiet, as Russell 1980 places it, "A circumplex
#: model of affect", Journal of Personality and Social Psychology 39, 1161-1178.
AROUSAL_VALENCE = {
    "neutral": (0.0, 0.0),
    "calm": (-0.30, 0.55),
    "happy": (0.51, 0.81),
    "sad": (-0.27, -0.63),
    "angry": (0.59, -0.51),
    "fear": (0.60, -0.64),
    "disgust": (0.35, -0.60),
    "surprise": (0.67, 0.40),
    "boredom": (-0.62, -0.65),
}
#: From here up, or down, the arousal is clear even if the emotion is not. Measured on the
#: answers for corpora that were left out: of those above, 67 to 99 % were for angry, happy, fearful
#: or surprised speech; of those below, four in five for neutral, calm or sad speech.
LIVELY_FROM = 0.4
CALM_UP_TO = -0.05

# Accents, as Unicode separates them from their letters, and the dot that turns a Hindi letter into
# another one, which many leave out.
_MARKS = re.compile("[\u0300-\u036f\u093c]")
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "ae", "Ö": "oe", "Ü": "ue"})
_LETTERS = str.maketrans("łı", "li")  # letters that Unicode does not separate
_LEAST_TO_SUGGEST = 4  # letters; shorter words resemble too many others
_SIMILARITY = 0.8  # of a suggestion: two letters swapped, or one wrong in five


def _key(name: str) -> str:
    """Return a word without what does not matter: case, accents, kinds of spaces."""
    plain = _MARKS.sub("", unicodedata.normalize("NFKD", name).casefold()).translate(_LETTERS)
    return re.sub(r"[\s_-]+", "_", plain.strip())


def _synonyms() -> dict[str, str]:
    words = (
        (word, emotion)
        for table in WORDS.values()
        for emotion, row in table.items()
        for word in row
    )
    keys = ((_key(way), e) for word, e in words for way in (word, word.translate(_UMLAUTS)))
    return {key: emotion for key, emotion in keys if key not in VOCABULARY}


_WORDS_FILE = Path(__file__).with_name("emotion_words.toml")
#: Words for emotions, by language and emotion.
WORDS: dict[str, dict[str, list[str]]] = tomllib.loads(_WORDS_FILE.read_text(encoding="utf-8"))
#: Other names, as corpora and people write them, and the name used here.
SYNONYMS = _synonyms()

_WITH_SEX = re.compile(r"(female|male)[ _-]+(.+)")


def canonical(name: str) -> str:
    """Return the name of an emotion as in `VOCABULARY` (``"Fearful"`` gives ``"fear"``).

    Raises:
        UsageError: the name is not known; if it is nearly one, the message says which.
    """
    emotion = known_emotion(name)
    if emotion is None:
        nearly = similar_emotion(name)
        hint = f"did you mean {nearly!r}? " if nearly else ""
        raise UsageError(f"unknown emotion {name!r}; {hint}known: {', '.join(VOCABULARY)}")
    return emotion


@lru_cache(maxsize=4096)
def known_emotion(name: str) -> str | None:
    """Return the name of an emotion as in `VOCABULARY`, or None for any other word."""
    key = _key(name)
    return key if key in VOCABULARY else SYNONYMS.get(key)


@lru_cache(maxsize=4096)
def similar_emotion(name: str) -> str | None:
    """Return the emotion whose name, in any language, is nearly this word; else None."""
    key = _key(name)
    if len(key) < _LEAST_TO_SUGGEST:
        return None
    # Of the first letter people are sure, and to compare with all words takes 0.1 s.
    words = [word for word in (*VOCABULARY, *SYNONYMS) if word[0] == key[0]]
    similar = get_close_matches(key, words, n=1, cutoff=_SIMILARITY)
    return known_emotion(similar[0]) if similar else None


def sex_and_emotion(label: str) -> tuple[str, str]:
    """Return the sex that a label names first, and the rest; the sex is empty if it names none.

    ``"female happy"`` and ``"female_happy"`` give ``("female", "happy")``.
    """
    match = _WITH_SEX.fullmatch(label)
    return (match[1], match[2]) if match else ("", label)


def arousal_valence_of(labels: Sequence[str]) -> list[tuple[float, float]] | None:
    """Return the arousal and the valence of each label, or None if one is not an emotion.

    A label may name a sex first, as `sex_and_emotion` reads it.
    """
    emotions = [known_emotion(sex_and_emotion(label)[1]) for label in labels]
    points = [AROUSAL_VALENCE[emotion] for emotion in emotions if emotion]
    return points if len(points) == len(labels) else None
