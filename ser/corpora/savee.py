"""SAVEE: four Englishmen, 7 emotions."""

from pathlib import Path

from ser.corpora.base import Corpus, Utterance, find_name, name_pattern

_SPEAKERS = ("DC", "JE", "JK", "KL")
_EMOTION_NUMBER = r"(a|d|f|h|n|sa|su)([0-3]\d)"
# Published as DC/a01.wav. A common copy in one folder has DC_a01.wav.
_NAME = name_pattern(rf"({'|'.join(_SPEAKERS)})_{_EMOTION_NUMBER}")
_NAME_IN_FOLDER = name_pattern(rf"^{_EMOTION_NUMBER}")
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
    match = find_name(_NAME, path)
    if match is not None:
        speaker, emotion, number = match.groups()
    elif path.parent.name in _SPEAKERS and (match := find_name(_NAME_IN_FOLDER, path)):
        speaker, (emotion, number) = path.parent.name, match.groups()
    else:
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
