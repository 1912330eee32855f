"""The names of the emotions, in one order, and how lively and how pleasant each is."""

import re
from collections.abc import Sequence

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
#: From here up, or down, the arousal is clear even if the emotion is not. Measured on 350 clips
#: each of EMOVO, ASED and TurEV-DB: of the uncertain answers above, 71 to 97 % were for angry,
#: happy, fearful or surprised speech; of those below, 16 of 20 for neutral, calm or sad speech.
LIVELY_FROM = 0.35
CALM_UP_TO = -0.15

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


def arousal_valence_of(labels: Sequence[str]) -> list[tuple[float, float]] | None:
    """Return the arousal and the valence of each label, or None if one is not an emotion.

    A label may name a sex first (``"female happy"``).
    """
    emotions = [known_emotion(re.sub(r"^(fe)?male ", "", label)) for label in labels]
    points = [AROUSAL_VALENCE[emotion] for emotion in emotions if emotion]
    return points if len(points) == len(labels) else None
