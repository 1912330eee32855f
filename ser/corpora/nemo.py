"""nEMO: nine Polish actors, 90 sentences, 6 emotions."""

from pathlib import Path

from ser.corpora.base import Corpus, Utterance, find_name, name_pattern
from ser.corpora.files.sources import Edition, github_files
from ser.labels import canonical

# The sexes are in the publisher's data.tsv.
_MEN = frozenset({"KS0", "MP0", "SM0", "TP0", "WR0"})
_WOMEN = frozenset({"EB0", "IC0", "KD0", "MK0"})
# speaker, emotion, sentence
_NAME = name_pattern(
    rf"({'|'.join(sorted(_MEN | _WOMEN))})_(anger|fear|happiness|neutral|sadness|surprised)"
    r"_([1-9]|[1-8]\d|90)"
)
_REPOSITORY = "amu-cai/nEMO"


def _parse(path: Path) -> Utterance | None:
    match = find_name(_NAME, path)
    if match is None:
        return None
    speaker, emotion, sentence = match.groups()
    return Utterance(
        path=path,
        emotion=canonical(emotion),
        speaker=f"nemo-{speaker}",
        corpus="nemo",
        sex="male" if speaker in _MEN else "female",
        statement=sentence,
        take=match[0],
    )


CORPUS = Corpus(
    name="nemo",
    title="nEMO",
    source="Christop 2024, arXiv 2404.06292",
    licence="CC BY-NC-SA 4.0",
    speakers="nine Polish actors",
    parse=_parse,
    page=f"https://github.com/{_REPOSITORY}",
    editions={
        "speech": Edition(
            summary="4,481 clips; no checksums are published",
            listing=f"https://api.github.com/repos/{_REPOSITORY}/git/trees/main?recursive=1",
            read_listing=github_files(_REPOSITORY, "main", "samples"),
        )
    },
)
