"""RAVDESS: 24 North American actors, 8 emotions, speech and song."""

import re
from pathlib import Path

from ser.corpora.base import Corpus, Utterance

# modality-channel-emotion-intensity-statement-repetition-actor
_NAME = re.compile(r"(0[123])-(0[12])-(0[1-8])-(0[12])-(0[12])-(0[12])-([01]\d|2[0-4])")
_EMOTIONS = ("neutral", "calm", "happy", "sad", "angry", "fear", "disgust", "surprise")
_VIDEO_ONLY = "02"


def _parse(path: Path) -> Utterance | None:
    match = _NAME.fullmatch(path.stem)
    if match is None:
        return None
    modality, channel, emotion, intensity, statement, _, actor = match.groups()
    if modality == _VIDEO_ONLY or actor == "00":
        return None
    return Utterance(
        path=path,
        emotion=_EMOTIONS[int(emotion) - 1],
        speaker=f"ravdess-{actor}",
        corpus="ravdess",
        sex="male" if int(actor) % 2 else "female",
        intensity="strong" if intensity == "02" else "normal",
        statement=statement,
        channel="song" if channel == "02" else "speech",
        # The video of a clip (modality 01) has the sound of its audio file (03).
        take=path.stem.partition("-")[2],
    )


CORPUS = Corpus(
    name="ravdess",
    title="RAVDESS",
    source="Livingstone & Russo 2018, PLOS ONE 13(5) e0196391",
    licence="CC BY-NC-SA 4.0",
    parse=_parse,
)
