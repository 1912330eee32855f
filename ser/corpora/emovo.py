"""EMOVO: six Italian actors, 14 sentences, 7 emotions."""

from pathlib import Path

from ser.corpora.base import Corpus, Utterance, find_name, name_pattern

# emotion, speaker, sentence
_NAME = name_pattern(r"(dis|gio|neu|pau|rab|sor|tri)-([fm][1-3])-(b[1-3]|d[12]|l[1-4]|n[1-5])")
_EMOTIONS = {
    "dis": "disgust",
    "gio": "happy",
    "neu": "neutral",
    "pau": "fear",
    "rab": "angry",
    "sor": "surprise",
    "tri": "sad",
}


def _parse(path: Path) -> Utterance | None:
    match = find_name(_NAME, path)
    if match is None:
        return None
    emotion, speaker, sentence = match.groups()
    return Utterance(
        path=path,
        emotion=_EMOTIONS[emotion],
        speaker=f"emovo-{speaker}",
        corpus="emovo",
        sex="female" if speaker[0] == "f" else "male",
        statement=sentence,
        take=match[0],
    )


CORPUS = Corpus(
    name="emovo",
    title="EMOVO",
    source="Costantini et al. 2014, LREC",
    licence="free for research; no licence text found",
    speakers="six Italian actors",
    parse=_parse,
    page="http://lrec-conf.org/proceedings/lrec2014/summaries/591.html",
)
