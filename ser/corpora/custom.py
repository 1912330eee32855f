"""Your own clips: labelled by their names, by their folders, or in a list of clips."""

from pathlib import Path

from ser.corpora.base import Corpus, Sex, Utterance
from ser.filenames import show_path
from ser.labels import known_emotion

_PREFIX = "custom-"


def _parse(path: Path) -> Utterance | None:
    """Take the emotion after the last underscore (``tea_happy.wav``), or the folder's name."""
    emotion = known_emotion(last_word(path)) or known_emotion(path.parent.name)
    return custom_utterance(path, emotion) if emotion else None


def last_word(path: Path) -> str:
    """Return the word after the last underscore of a file name, or "" if there is none.

    It ends at a dot: converted files are called such as ``tea_happy.mp4.wav``.
    """
    _, underscore, word = path.stem.rpartition("_")
    return word.partition(".")[0] if underscore else ""


def custom_utterance(path: Path, emotion: str, *, speaker: str = "", sex: Sex = "") -> Utterance:
    """Return the utterance of a clip that is of no published corpus."""
    return Utterance(
        path=path,
        emotion=emotion,
        # A table of `ser extract` has the prefix already.
        speaker=f"{_PREFIX}{speaker.removeprefix(_PREFIX)}" if speaker else "",
        corpus="custom",
        sex=sex,
        take=show_path(path.resolve()),
    )


CORPUS = Corpus(
    name="custom",
    title="custom",
    source="your own clips",
    licence="your own",
    speakers="your own",
    parse=_parse,
    fallback=True,
)
