"""The names of the emotions, in one order."""

import re

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

#: Other names, as corpora and people write them, and the name used here.
SYNONYMS = {
    "afraid": "fear",
    "amazed": "surprise",
    "ang": "angry",
    "anger": "angry",
    "anxiety": "fear",
    "anxious": "fear",
    "astonished": "surprise",
    "bored": "boredom",
    "boring": "boredom",
    "calmness": "calm",
    "dis": "disgust",
    "disgusted": "disgust",
    "fea": "fear",
    "fearful": "fear",
    "frightened": "fear",
    "furious": "angry",
    "hap": "happy",
    "happiness": "happy",
    "joy": "happy",
    "joyful": "happy",
    "mad": "angry",
    "neu": "neutral",
    "pleasant_surprise": "surprise",
    "pleasant_surprised": "surprise",
    "ps": "surprise",
    "revulsion": "disgust",
    "sadness": "sad",
    "scared": "fear",
    "surprised": "surprise",
    "terrified": "fear",
    "unhappy": "sad",
}


def canonical(name: str) -> str:
    """Return the name of an emotion as in `VOCABULARY` (``"Fearful"`` gives ``"fear"``).

    Raises:
        UsageError: the name is not known.
    """
    emotion = known_emotion(name)
    if emotion is None:
        raise UsageError(f"unknown emotion {name!r}; known: {', '.join(VOCABULARY)}")
    return emotion


def known_emotion(name: str) -> str | None:
    """Return the name of an emotion as in `VOCABULARY`, or None for any other word."""
    key = re.sub(r"[\s-]+", "_", name.strip().lower())
    key = SYNONYMS.get(key, key)
    return key if key in VOCABULARY else None
