"""TurEV-DB: six Turkish speakers, 82 single words, 4 emotions."""

from pathlib import Path

from ser.corpora.base import Corpus, Utterance, find_name, name_pattern
from ser.corpora.files.sources import Edition, github_files

# speaker, emotion in Turkish, word; the publisher named one file 7895_hl_ogul1.
_NAME = name_pattern(r"(1157|1234|1358|1984|6783|7895)_(kz|sk|mt|hl)_([a-z]+)1?")
_EMOTIONS = {"kz": "angry", "sk": "calm", "mt": "happy", "hl": "sad"}
_REPOSITORY = "Xeonen/TurEV-DB"
# The other folders have filtered copies of some clips, under the same names.
_FOLDER = "Sound Source"


def _parse(path: Path) -> Utterance | None:
    match = find_name(_NAME, path)
    if match is None:
        return None
    speaker, emotion, word = match.groups()
    return Utterance(
        path=path,
        emotion=_EMOTIONS[emotion],
        speaker=f"turev-{speaker}",
        corpus="turev",
        statement=word,
        take=match[0],
    )


CORPUS = Corpus(
    name="turev",
    title="TurEV-DB",
    source="Canpolat et al. 2020, SLTU-CCURL, 368-375",
    licence="CC BY-NC-ND 4.0 (its README; its LICENSE file says GPL-3)",
    speakers="six Turkish speakers",
    parse=_parse,
    page=f"https://github.com/{_REPOSITORY}",
    editions={
        "speech": Edition(
            summary="1,735 clips; no checksums are published",
            listing=f"https://api.github.com/repos/{_REPOSITORY}/git/trees/master?recursive=1",
            read_listing=github_files(_REPOSITORY, "master", _FOLDER),
        )
    },
)
