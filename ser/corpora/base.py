"""What an utterance and a corpus are."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ser.corpora.sources import Edition

Sex = Literal["male", "female", ""]


@dataclass(frozen=True, kw_only=True)
class Utterance:
    """One recorded clip and what its corpus says of it; "" where it says nothing.

    `take` names the recording within its corpus: two files of one take are copies
    of each other, whatever their folder or format.
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
        source: whom to cite.
        voices: whose they are, in words.
        parse: takes a path and returns its `Utterance`, or None when the file's name is not
            one of this corpus. It never opens the file.
        last_resort: whether it is asked only when no other corpus knows the name.
        page: address at which people read of the corpus; "" for none.
        editions: those in which it can be fetched, by name, the usual one first.
    """

    name: str
    title: str
    source: str
    licence: str
    voices: str
    parse: Callable[[Path], Utterance | None]
    last_resort: bool = False
    page: str = ""
    editions: Mapping[str, Edition] = field(default_factory=dict)
