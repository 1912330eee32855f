"""The vocabulary: every emotion name of the project, in one order."""

from ser.errors import UsageError

#: The eight emotions of RAVDESS, in the order of the published models' outputs.
EMOTIONS = ("neutral", "calm", "happy", "sad", "angry", "fear", "disgust", "surprise")

EMOJI = {
    "neutral": "😐",
    "calm": "😌",
    "happy": "😄",
    "sad": "😢",
    "angry": "😠",
    "fear": "😨",
    "disgust": "🤢",
    "surprise": "😲",
}

#: What corpora and people call them, to our names.
SYNONYMS = {
    "fearful": "fear",
    "surprised": "surprise",
    "ps": "surprise",
    "pleasant_surprise": "surprise",
    "pleasant_surprised": "surprise",
}


def canonical(name: str) -> str:
    """Return our name of an emotion (``"Fearful"`` gives ``"fear"``).

    Raises:
        UsageError: the name is not known.
    """
    key = name.strip().lower()
    key = SYNONYMS.get(key, key)
    if key not in EMOTIONS:
        raise UsageError(f"unknown emotion {name!r}; known: {', '.join(EMOTIONS)}")
    return key
