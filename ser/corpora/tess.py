"""TESS: two actresses of Toronto, 200 words, 7 emotions."""

import re
from pathlib import Path

from ser.corpora.base import Corpus, Utterance, find_name, name_pattern
from ser.corpora.files.sources import Edition, dataverse_files
from ser.labels import canonical

# OAF is the older actress, YAF the younger; the publisher named one file OA_bite_neutral.
# The emotion is in the file name, because the folders differ in case and wording.
_WORD_EMOTION = r"([a-z]+)_(angry|disgust|fear|happy|neutral|ps|sad)"
_NAME = name_pattern(rf"(OAF|YAF|OA(?=_bite_neutral))_{_WORD_EMOTION}", re.IGNORECASE)
# As x4nth055/emotion-recognition-using-speech and its many copies name them, beside the actors 1 to
# 24 of RAVDESS. They do not say which actress is which, so these stay numbers.
_NUMBERED = name_pattern(rf"(2[56])_01_01_01_{_WORD_EMOTION}")
_BOREALIS = "https://borealisdata.ca"


def _parse(path: Path) -> Utterance | None:
    match = find_name(_NAME, path) or find_name(_NUMBERED, path)
    if match is None:
        return None
    actress, word, emotion = match.groups()
    actress = {"OA": "OAF"}.get(actress.upper(), actress.upper())
    return Utterance(
        path=path,
        emotion=canonical(emotion),
        speaker=f"tess-{actress}",
        corpus="tess",
        sex="female",
        statement=word.lower(),
        take=f"{actress}_{word}_{emotion}".lower(),
    )


CORPUS = Corpus(
    name="tess",
    title="TESS",
    source="Pichora-Fuller & Dupuis 2020, University of Toronto",
    licence="CC BY-NC-ND 4.0",
    speakers="two Canadian actresses",
    parse=_parse,
    page="https://doi.org/10.5683/SP2/E8H2MF",
    editions={
        "speech": Edition(
            summary="2,800 clips",
            listing=f"{_BOREALIS}/api/datasets/:persistentId/versions/:latest-published/files"
            "?persistentId=doi:10.5683/SP2/E8H2MF",
            read_listing=dataverse_files(_BOREALIS),
        )
    },
)
