"""SAVEE: four Englishmen, 7 emotions."""

import re
from pathlib import Path

from ser.corpora.base import Corpus, Utterance

_SPEAKERS = ("DC", "JE", "JK", "KL")
# Published as DC/a01.wav; a common copy in one folder has DC_a01.wav.
_NAME = re.compile(rf"(?:({'|'.join(_SPEAKERS)})_)?(a|d|f|h|n|sa|su)([0-3]\d)")
_EMOTIONS = {
    "a": "angry",
    "d": "disgust",
    "f": "fear",
    "h": "happy",
    "n": "neutral",
    "sa": "sad",
    "su": "surprise",
}


def _parse(path: Path) -> Utterance | None:
    match = _NAME.fullmatch(path.stem)
    if match is None:
        return None
    prefix, emotion, number = match.groups()
    speaker = prefix or path.parent.name
    if speaker not in _SPEAKERS:
        return None
    return Utterance(
        path=path,
        emotion=_EMOTIONS[emotion],
        speaker=f"savee-{speaker}",
        corpus="savee",
        sex="male",
        statement=f"{emotion}{number}",
        take=f"{speaker}_{emotion}{number}",
    )


CORPUS = Corpus(
    name="savee",
    title="SAVEE",
    source="Jackson & Haq 2014, University of Surrey",
    licence="for research, on registration",
    speakers="four English actors",
    parse=_parse,
    page="http://kahlan.eps.surrey.ac.uk/savee/",
)
