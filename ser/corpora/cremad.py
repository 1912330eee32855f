"""CREMA-D: 91 North American actors, 12 sentences, 6 emotions at up to three levels."""

import csv
from functools import lru_cache
from pathlib import Path

from ser.corpora.base import Corpus, Sex, Utterance, find_name, name_pattern
from ser.corpora.files.sources import Edition, RemoteFile, github_lfs_files
from ser.labels import canonical

# actor_sentence_emotion_level; the publisher named one file 1040_ITH_SAD_X.
_NAME = name_pattern(r"(1\d{3})_([A-Z]{3})_(ANG|DIS|FEA|HAP|NEU|SAD)_(LO|MD|HI|XX?)")
_LEVELS = {"LO": "low", "MD": "medium", "HI": "high"}
_ACTORS_TABLE = "VideoDemographics.csv"
_REPOSITORY = "CheyneyComputerScience/CREMA-D"
_SEXES: dict[str, Sex] = {"male": "male", "female": "female"}


def _parse(path: Path) -> Utterance | None:
    match = find_name(_NAME, path)
    if match is None:
        return None
    actor, sentence, emotion, level = match.groups()
    return Utterance(
        path=path,
        emotion=canonical(emotion),
        speaker=f"cremad-{actor}",
        corpus="cremad",
        sex=_sex(path, actor),
        intensity=_LEVELS.get(level, ""),
        statement=sentence,
        take=match[0],
    )


def _sex(path: Path, actor: str) -> Sex:
    """Look the actor up in the corpus's table, in the clip's folder or the one above."""
    for folder in (path.parent, path.parent.parent):
        table = folder / _ACTORS_TABLE
        if table.is_file():
            return _read_table(table, table.stat().st_mtime).get(actor, "")
    return ""


@lru_cache(maxsize=4)
def _read_table(table: Path, _mtime: float) -> dict[str, Sex]:
    with table.open(newline="", encoding="utf-8-sig") as file:
        return {
            row.get("ActorID", ""): _SEXES.get(row.get("Sex", "").lower(), "")
            for row in csv.DictReader(file)
        }


CORPUS = Corpus(
    name="cremad",
    title="CREMA-D",
    source="Cao et al. 2014, IEEE Transactions on Affective Computing 5(4)",
    licence="ODbL 1.0",
    speakers="91 North American actors",
    parse=_parse,
    page=f"https://github.com/{_REPOSITORY}",
    editions={
        "speech": Edition(
            summary="7,442 clips, 606 MB",
            files=(
                RemoteFile(
                    url=f"https://raw.githubusercontent.com/{_REPOSITORY}/master/{_ACTORS_TABLE}",
                    path=_ACTORS_TABLE,
                ),
            ),
            listing=f"https://api.github.com/repos/{_REPOSITORY}/git/trees/master?recursive=1",
            read_listing=github_lfs_files(_REPOSITORY, "master", "AudioWAV"),
        )
    },
)
