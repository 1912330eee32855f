"""Your own clips: labelled by their names, by their folders, or in a list of clips."""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from ser.corpora.base import Corpus, Sex, Utterance
from ser.filenames import show_path
from ser.labels import known_emotion

_PREFIX = "custom-"
# At the end of a name: "tea_happy (1)", "tea_happy - Copy", "tea_happy copy 2"; "tea_happy_01".
_COPY_MARKS = re.compile(r"(?:\s*\((?:copy|\d+)\)|[\s-]+copy(?:\s\d+)?)+$", re.IGNORECASE)
_NUMBER = re.compile(r"[\s_\d-]*\d$")
_INNER_SUFFIX = re.compile(r"\.(?!\d+$)\w{2,4}$")
_BETWEEN_WORDS = re.compile(r"[\s_()-]+")


def _parse(path: Path) -> Utterance | None:
    """Take the emotion of the name's last word (``tea_happy.wav``), or the folder's name."""
    emotion = _last_emotion(path) or known_emotion(path.parent.name)
    return custom_utterance(path, emotion) if emotion and not contradiction(path) else None


def last_word(path: Path) -> str:
    """Return the last word of a file name, without the number or the copy mark after it."""
    return _words(path)[-1]


def contradiction(path: Path) -> str:
    """Return how a file name and its folder name two emotions; "" if they do not.

    What stands after the last underscore is the label, whatever the folder is called: a speaker
    can be called Joy. Any other word can be one of a sentence (``happy/sad_story.wav``).
    """
    folder = known_emotion(path.parent.name)
    _, underscore, label = _COPY_MARKS.sub("", _name(path)).rpartition("_")
    if not folder or (underscore and known_emotion(label)):
        return ""
    last, words = _last_emotion(path), _words(path)
    named = {last} if last else set(filter(None, map(known_emotion, [*words, *_pairs(words)])))
    if folder in named or len(named) != 1:
        return ""
    return f"its name says {named.pop()}, its folder {folder}"


def _last_emotion(path: Path) -> str | None:
    """Return the emotion that the last word of a file name is, or the last two are."""
    words = _words(path)
    return known_emotion(words[-1]) or next(map(known_emotion, _pairs(words[-2:])), None)


def _name(path: Path) -> str:
    """Return a file name without suffixes; converted files are called ``tea_happy.mp4.wav``."""
    return _INNER_SUFFIX.sub("", path.stem)


def _words(path: Path) -> list[str]:
    """Return the words of a file name, without the number or the copy mark at its end."""
    return _BETWEEN_WORDS.split(_NUMBER.sub("", _COPY_MARKS.sub("", _name(path))))


def _pairs(words: Sequence[str]) -> Iterator[str]:
    """Yield each two words as one; some emotions have two (``can sıkıntısı``)."""
    return map(" ".join, pairwise(words))


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
