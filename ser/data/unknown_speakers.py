"""Warnings of voices that can be on both sides of a split, because their speakers are not known."""

import shlex
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from ser.corpora import LIST_SUFFIXES, Utterance
from ser.data.protocols import SPEAKERS, Protocol
from ser.filenames import show_path

_FOLDS = 5  # of the protocol that the warning proposes
_LEAST_SPEAKERS = 3  # one each to train on, to validate on and to test on
# Two namings of TESS, and one of them does not say which actress is which.
_SAME_VOICES = ({"tess-OAF", "tess-YAF"}, {"tess-25", "tess-26"})


def warn_of_protocol(
    utterances: Sequence[Utterance], protocol: Protocol, *, recipe: str, data: Sequence[Path]
) -> list[str]:
    """Return the warnings, one line each, for an evaluation that claims unseen speakers.

    Args:
        utterances: those that the recipe uses.
        recipe: its name, for the command that avoids the leak.
        data: folders and lists of clips, for the same.
    """
    n_unknown = sum(not u.speaker for u in utterances)
    if protocol.leaks or not n_unknown:
        return [] if protocol.leaks else _same_voices(utterances)
    if protocol.name.startswith(SPEAKERS.partition(":")[0]):
        left_out = f"{_count(utterances)} are left out, because their speakers are not known"
        return [left_out, *_same_voices(utterances)]
    lines = warn_of_split(utterances, ("the training", "the test"), data=data)
    known = {u.speaker for u in utterances if u.speaker and u.channel == "speech"}
    if len(known) >= _LEAST_SPEAKERS:
        command = f"ser evaluate {recipe} --data {_join(data)} --protocol"
        lines[0] += f" Or leave them out: `{command} speakers:{min(_FOLDS, len(known))}`."
    return lines


def warn_of_split(
    utterances: Sequence[Utterance], parts: tuple[str, str], *, data: Sequence[Path]
) -> list[str]:
    """Return the warnings, one line each, for a split that is meant to keep speakers apart.

    Args:
        parts: the two sides of the split, in words.
        data: folders and lists of clips, for the command that avoids the leak.
    """
    if all(u.speaker for u in utterances):
        return _same_voices(utterances)
    warning = (
        f"warning: the speakers of {_count(utterances)} are not known, so a voice can be in "
        f"{parts[0]} and in {parts[1]}, and the figure may be too high."
    )
    return [warning + _way_out(data), *_same_voices(utterances)]


def _way_out(data: Sequence[Path]) -> str:
    suffixes = {path.suffix.lower() for path in data}
    if ".npz" in suffixes:  # features alone; only their publisher knows the speakers
        return ""
    if suffixes <= LIST_SUFFIXES:
        return f" To keep them apart, fill in the column speaker of {_join(data)}."
    command = f"ser extract --data {_join(data)} --features mfcc40-mean --out clips.csv"
    return (
        f" To keep them apart, list the clips with `{command}`, fill in the column speaker, and "
        "give `--data clips.csv`."
    )


def _count(utterances: Sequence[Utterance]) -> str:
    corpora = Counter(u.corpus for u in utterances if not u.speaker)
    names = ", ".join(f"{n:,} {corpus}" for corpus, n in sorted(corpora.items()))
    return f"{corpora.total():,} of {len(utterances):,} clips ({names})"


def _same_voices(utterances: Iterable[Utterance]) -> list[str]:
    speakers = {u.speaker for u in utterances}
    if not all(speakers & names for names in _SAME_VOICES):
        return []
    return [
        "warning: TESS is there under two namings, and one calls its actresses 25 and 26. They are "
        "the same two voices, and can be on both sides of a split: give --data one of the two."
    ]


def _join(data: Iterable[Path]) -> str:
    return " ".join(shlex.quote(show_path(path)) for path in data)
