"""Scanning folders for utterances; every file is reported as found, a copy, or unknown."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ser.corpora.base import Corpus, Utterance
from ser.corpora.custom import contradiction, last_word
from ser.corpora.files.clip_lists import LIST_SUFFIXES, read_clip_list
from ser.corpora.files.walk import FolderWalk
from ser.errors import UsageError
from ser.filenames import show_path
from ser.labels import similar_emotion

#: Suffixes of audio and video files, in lower case. `ser.audio` decodes by content, not by suffix.
AUDIO_SUFFIXES = frozenset(
    {
        ".3g2", ".3gp", ".aac", ".ac3", ".aif", ".aifc", ".aiff", ".amr", ".ape", ".asf", ".au",
        ".avi", ".awb", ".bwf", ".caf", ".dts", ".eac3", ".f4v", ".flac", ".flv", ".latm", ".loas",
        ".m2ts", ".m4a", ".m4b", ".m4r", ".m4v", ".mka", ".mkv", ".mov", ".mp1", ".mp2", ".mp3",
        ".mp4", ".mpa", ".mpeg", ".mpg", ".mpga", ".mts", ".mxf", ".oga", ".ogg", ".opus", ".qt",
        ".ra", ".rf64", ".rm", ".snd", ".sph", ".spx", ".ts", ".tta", ".voc", ".vob", ".w64",
        ".wav", ".weba", ".webm", ".wma", ".wmv", ".wv",
    }
)  # fmt: skip


@dataclass
class Scan:
    """The files that a scan found.

    Attributes:
        utterances: one per take, in the order of their paths.
        copies: further files of a take.
        unknown: audio files whose name no corpus knows.
        other: files that are not audio.
        skipped: as in `FolderWalk`.
    """

    utterances: list[Utterance] = field(default_factory=list)
    copies: list[Path] = field(default_factory=list)
    unknown: list[Path] = field(default_factory=list)
    other: list[Path] = field(default_factory=list)
    skipped: Counter[Path] = field(default_factory=Counter)

    def summary(self) -> str:
        """Return a line of counts, then the hints, then each audio file that no corpus knows."""
        counts = Counter(u.corpus for u in self.utterances)
        parts = [f"{n} {name}" for name, n in sorted(counts.items())] or ["no utterances"]
        parts += [f"{len(self.copies)} copies left out"] if self.copies else []
        parts += [f"{len(self.unknown)} of no known corpus"] if self.unknown else []
        parts += [f"{len(self.other)} not audio"] if self.other else []
        if skipped := self.skipped.total():
            parts.append(f"{skipped} system or hidden file{'s' if skipped > 1 else ''} skipped")
        unknown = (f"  not of a known corpus: {line}" for line in self.unknown_lines())
        return "\n".join([", ".join(parts), *(f"  {hint}" for hint in self.hints()), *unknown])

    def unknown_lines(self) -> list[str]:
        """Return a line for each unknown file: its path, and why its emotion is in doubt."""
        reasons = ((path, contradiction(path)) for path in self.unknown)
        return [show_path(path) + (f" ({why})" if why else "") for path, why in reasons]

    def hints(self) -> list[str]:
        """Return a line for each name of unknown files that is nearly the name of an emotion."""
        names = Counter(
            name for path in self.unknown for name in {path.parent.name, last_word(path)}
        )
        return [
            f"{show_path(name)!r} ({n} file{'s' if n > 1 else ''}): did you mean {emotion!r}?"
            for name, n in names.items()
            if (emotion := similar_emotion(name))
        ]


def scan(folders: Iterable[Path], corpora: Mapping[str, Corpus]) -> Scan:
    """Find the utterances of `corpora` below `folders`, as `FolderWalk` walks them.

    A take with several files (a folder of RAVDESS that contains a copy of itself, a clip as mp4
    and as wav) counts once, so that no split puts it on both sides.

    Args:
        folders: scanned with their subfolders; a ``.csv`` or ``.tsv`` file is read as a list of
            clips.

    Raises:
        UsageError: a folder does not exist, or a list of clips is invalid.
    """
    walk = FolderWalk()
    result = Scan(skipped=walk.skipped)
    seen: set[tuple[str, str]] = set()
    ordered = sorted(corpora.values(), key=lambda corpus: corpus.fallback)
    for path, utterance in _parse_files(folders, ordered, walk):
        if utterance is None:
            is_audio = path.suffix.lower() in AUDIO_SUFFIXES
            (result.unknown if is_audio else result.other).append(path)
        elif utterance.recording in seen:
            result.copies.append(path)
        else:
            seen.add(utterance.recording)
            result.utterances.append(utterance)
    return result


def _parse_files(
    folders: Iterable[Path], corpora: Sequence[Corpus], walk: FolderWalk
) -> Iterator[tuple[Path, Utterance | None]]:
    """Yield every file, with its utterance or None; the first corpus that knows a name counts."""
    for folder in folders:
        if folder.is_file():
            if folder.suffix.lower() not in LIST_SUFFIXES:
                ends = " or ".join(sorted(LIST_SUFFIXES))
                raise UsageError(f"{show_path(folder)} is no folder; a list of clips is a {ends}")
            named = [corpus for corpus in corpora if not corpus.fallback]
            yield from ((found.path, found) for found in read_clip_list(folder, named))
            continue
        if not folder.is_dir():
            raise UsageError(f"no such folder: {show_path(folder)}")
        for path in walk.files(folder):
            is_audio = path.suffix.lower() in AUDIO_SUFFIXES
            yield path, next((u for c in corpora if is_audio and (u := c.parse(path))), None)
