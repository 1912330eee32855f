"""The base of corpora: what an utterance is and what a corpus is."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ser.corpora.files.sources import Edition

Sex = Literal["male", "female", ""]


@dataclass(frozen=True, kw_only=True)
class Utterance:
    """One recorded clip and what its corpus says about it; "" where it says nothing.

    `take` identifies the recording within its corpus: two files of one take are copies of each
    other, whatever their folders and formats.
    """

    path: Path
    emotion: str
    speaker: str
    corpus: str
    sex: Sex = ""
    intensity: str = ""
    statement: str = ""
    channel: str = "speech"
    take: str = ""

    @property
    def recording(self) -> tuple[str, str]:
        """What two files of one recording have in common: corpus and take, or else the path."""
        return self.corpus, self.take or str(self.path)


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """A corpus: its facts, and the parser of its file names.

    Attributes:
        source: the publication to cite.
        speakers: who they are, in words.
        parse: takes a path; returns its `Utterance`, or None if the file name holds no name of
            this corpus. It never opens the clip.
        fallback: whether `parse` is called only for names that no other corpus knows.
        page: address of the corpus's web page; "" for none.
        editions: what can be downloaded, by name; the usual one is first.
    """

    name: str
    title: str
    source: str
    licence: str
    speakers: str
    parse: Callable[[Path], Utterance | None]
    fallback: bool = False
    page: str = ""
    editions: Mapping[str, Edition] = field(default_factory=dict)


def name_pattern(name: str, flags: int = 0) -> re.Pattern[str]:
    """Return the pattern of a corpus's file names, for `find_name`: no letter or digit touches it.

    Args:
        name: the regular expression of a published name without its suffix.
        flags: of `re.compile`.
    """
    return re.compile(rf"(?<![^\W_])(?:{name})(?![^\W_])", flags)


def find_name(pattern: re.Pattern[str], path: Path) -> re.Match[str] | None:
    """Find a corpus's name in a file name, which can hold more: ``NAME_angry``, ``NAME (1)``.

    People add the emotion, a number or the name of the corpus, and programs mark copies. The voice
    is the same, and so is the take.

    Returns:
        None if no name is there, or two: such a file is joined from two clips.
    """
    found = list(pattern.finditer(path.stem))
    return found[0] if len({match[0] for match in found}) == 1 else None
