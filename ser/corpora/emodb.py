"""EMO-DB: ten German actors, 10 sentences, 7 emotions."""

from pathlib import Path

from ser.corpora.base import Corpus, Utterance, find_name, name_pattern
from ser.corpora.files.sources import Edition, RemoteFile

_MEN = frozenset({"03", "10", "11", "12", "15"})
_WOMEN = frozenset({"08", "09", "13", "14", "16"})
# speaker, text, first letter of the emotion's German name, version
_NAME = name_pattern(r"(\d\d)(a0[12457]|b0[1-39]|b10)([WLEAFTN])([a-z]?)")
_EMOTIONS = {
    "W": "angry",
    "L": "boredom",
    "E": "disgust",
    "A": "fear",
    "F": "happy",
    "T": "sad",
    "N": "neutral",
}


def _parse(path: Path) -> Utterance | None:
    match = find_name(_NAME, path)
    if match is None or match[1] not in _MEN | _WOMEN:
        return None
    speaker, text, emotion, _ = match.groups()
    return Utterance(
        path=path,
        emotion=_EMOTIONS[emotion],
        speaker=f"emodb-{speaker}",
        corpus="emodb",
        sex="male" if speaker in _MEN else "female",
        statement=text,
        take=match[0],
    )


CORPUS = Corpus(
    name="emodb",
    title="EMO-DB",
    source="Burkhardt et al. 2005, Interspeech, 1517-1520",
    licence="CC0 1.0, as audEERING publishes it",
    speakers="ten German actors",
    parse=_parse,
    page="http://emodb.bilderbar.info/",
    editions={
        "speech": Edition(
            summary="535 clips, 40 MB; no checksum is published",
            files=(
                RemoteFile(
                    url="http://emodb.bilderbar.info/download/download.zip", path="download.zip"
                ),
            ),
        )
    },
)
