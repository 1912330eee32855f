"""The base of corpora: what an utterance is and what a corpus is."""

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


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """A corpus: its facts, and the parser of its file names.

    Attributes:
        source: the publication to cite.
        speakers: who they are, in words.
        parse: takes a path; returns its `Utterance`, or None if the file name is not one of
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
