"""Walking folders of corpora: every file is accounted for."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ser.corpora.base import Corpus, Utterance
from ser.errors import UsageError

AUDIO_SUFFIXES = frozenset({".wav", ".flac", ".mp3", ".mp4", ".m4a", ".ogg", ".opus", ".webm"})


@dataclass
class Scan:
    """What a walk found.

    Attributes:
        utterances: one per take, in the order of their paths.
        copies: further files of a take that was already seen.
        unknown: audio files whose name is of no known corpus.
        other: files that are not audio.
    """

    utterances: list[Utterance] = field(default_factory=list)
    copies: list[Path] = field(default_factory=list)
    unknown: list[Path] = field(default_factory=list)
    other: list[Path] = field(default_factory=list)

    def summary(self) -> str:
        """Return the counts in a line, then a line per file that no corpus knows."""
        counts = Counter(u.corpus for u in self.utterances)
        parts = [f"{n} {name}" for name, n in sorted(counts.items())] or ["no utterances"]
        parts += [f"{len(self.copies)} copies left out"] if self.copies else []
        parts += [f"{len(self.unknown)} of no known corpus"] if self.unknown else []
        parts += [f"{len(self.other)} not audio"] if self.other else []
        return "\n".join(
            [", ".join(parts), *(f"  not of a known corpus: {p}" for p in self.unknown)]
        )


def scan(folders: Iterable[Path], corpora: Mapping[str, Corpus]) -> Scan:
    """Find the utterances of `corpora` below `folders`.

    A take that is there twice (the copy of RAVDESS that holds itself, a clip as mp4
    and as wav) counts once, so that no split can put it on both sides.

    Raises:
        UsageError: a folder does not exist.
    """
    result = Scan()
    seen: set[tuple[str, str]] = set()
    for path in _files(folders):
        if path.suffix.lower() not in AUDIO_SUFFIXES:
            result.other.append(path)
            continue
        utterance = next((u for c in corpora.values() if (u := c.parse(path))), None)
        if utterance is None:
            result.unknown.append(path)
        elif (key := (utterance.corpus, utterance.take or str(path))) in seen:
            result.copies.append(path)
        else:
            seen.add(key)
            result.utterances.append(utterance)
    return result


def _files(folders: Iterable[Path]) -> Iterator[Path]:
    for folder in folders:
        if not folder.is_dir():
            raise UsageError(f"no such folder: {folder}")
        for root, dirs, names in os.walk(folder):
            dirs.sort()
            for name in sorted(names):
                yield Path(root, name)
