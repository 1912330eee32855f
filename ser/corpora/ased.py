"""ASED: 65 Amharic speakers, 27 sentences, 5 emotions.

Each emotion has seven sentences: five that are spoken in this emotion only, and two that are spoken
in all. The publisher does not say which numbers the two have.
"""

import re
from pathlib import Path

from ser.corpora.base import Corpus, Utterance

# emotion and number of its folder, sentence, repetition, sex, speaker; the publisher named one file
# S4-04-02-01-29.
_NAME = re.compile(r"(n1|f2|h3|s4|a5)-(0[1-7])-0[12]-0[12]-(0[1-9]|[1-5]\d|6[0-5])")
_EMOTIONS = {"n1": "neutral", "f2": "fear", "h3": "happy", "s4": "sad", "a5": "angry"}
# A few names have another sex (01 female, 02 male) than the speaker's other names. This table has
# the sex that most names of a speaker have: 25 women and 40 men, as the publisher counts them.
_WOMEN = frozenset({*range(1, 38, 2), 43, 47, 48, 49, 58, 62})


def _parse(path: Path) -> Utterance | None:
    name = path.stem.lower()
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    emotion, sentence, speaker = match.groups()
    return Utterance(
        path=path,
        emotion=_EMOTIONS[emotion],
        speaker=f"ased-{speaker}",
        corpus="ased",
        sex="female" if int(speaker) in _WOMEN else "male",
        statement=f"{emotion}-{sentence}",
        take=name,
    )


CORPUS = Corpus(
    name="ased",
    title="ASED",
    source="Retta et al. 2023, ACM TALLIP 22(1)",
    licence='"freely available", no licence text',
    speakers="65 Amharic speakers",
    parse=_parse,
    page="https://github.com/Ethio2021/ASED_V1",
)
