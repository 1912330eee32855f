"""ASED: 65 Amharic speakers, 27 sentences, 5 emotions.

Each emotion has seven sentences: five that are spoken in this emotion only, and two that are spoken
in all. The publisher does not say which numbers the two have.
"""

from pathlib import Path

from ser.corpora.base import Corpus, Utterance, find_name, name_pattern

# emotion and number of its folder, sentence, repetition, sex, speaker; the publisher named one file
# S4-04-02-01-29.
_NAME = name_pattern(
    r"([nN]1|[fF]2|[hH]3|[sS]4|[aA]5)-(0[1-7])-0[12]-0[12]-(0[1-9]|[1-5]\d|6[0-5])(?!-\d\d)"
)
_EMOTIONS = {"n1": "neutral", "f2": "fear", "h3": "happy", "s4": "sad", "a5": "angry"}
# A few names have another sex (01 female, 02 male) than the speaker's other names. This table has
# the sex that most names of a speaker have: 25 women and 40 men, as the publisher counts them.
_WOMEN = frozenset({*range(1, 38, 2), 43, 47, 48, 49, 58, 62})


def _parse(path: Path) -> Utterance | None:
    match = find_name(_NAME, path)
    if match is None:
        return None
    emotion, sentence, speaker = match.groups()
    emotion = emotion.lower()
    return Utterance(
        path=path,
        emotion=_EMOTIONS[emotion],
        speaker=f"ased-{speaker}",
        corpus="ased",
        sex="female" if int(speaker) in _WOMEN else "male",
        statement=f"{emotion}-{sentence}",
        take=match[0].lower(),
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
