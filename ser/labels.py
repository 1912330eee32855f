"""The vocabulary: every emotion name of the project, in one order."""

import re

from ser.errors import UsageError

#: The eight emotions of RAVDESS, in the order of the published models' outputs.
EMOTIONS = ("neutral", "calm", "happy", "sad", "angry", "fear", "disgust", "surprise")
#: All that the corpora know; boredom is EMO-DB's.
VOCABULARY = (*EMOTIONS, "boredom")

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

#: What corpora and people call them, to our names.
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
    """Return our name of an emotion (``"Fearful"`` gives ``"fear"``).

    Raises:
        UsageError: the name is not known.
    """
    emotion = known_emotion(name)
    if emotion is None:
        raise UsageError(f"unknown emotion {name!r}; known: {', '.join(VOCABULARY)}")
    return emotion


def known_emotion(name: str) -> str | None:
    """Return our name of an emotion, or None for a word that names none."""
    key = re.sub(r"[\s-]+", "_", name.strip().lower())
    key = SYNONYMS.get(key, key)
    return key if key in VOCABULARY else None
