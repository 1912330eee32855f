"""Splits by corpus: a model is tested on corpora that it was not trained on."""

from collections.abc import Iterable, Sequence

import numpy as np

from ser.corpora import Utterance
from ser.data.hold_out import hold_out_validation
from ser.data.splits import Split, Splitter
from ser.errors import UsageError


def across(source: str, target: str) -> Splitter:
    """Return a splitter that trains on one corpus and tests on another."""

    def splits(utterances: Sequence[Utterance], seed: int) -> list[Split]:
        rows = _rows_by_corpus(utterances)
        for corpus in (source, target):
            if corpus not in rows:
                raise UsageError(f"cross:{source}>{target} needs clips of {corpus}; there are none")
        name = f"{source} to {target}"
        return [_split(name, utterances, rows[source], rows[target], seed)]

    return splits


def each_corpus(utterances: Sequence[Utterance], seed: int) -> list[Split]:
    """Test on each corpus in turn; train on all others."""
    names = _two_or_more("corpora", utterances)
    return [split for name in names for split in one_corpus(name)(utterances, seed)]


def one_corpus(corpus: str) -> Splitter:
    """Return a splitter that tests on a corpus and trains on all others."""

    def splits(utterances: Sequence[Utterance], seed: int) -> list[Split]:
        rows = _rows_by_corpus(utterances)
        if corpus not in rows:
            raise UsageError(f"corpus:{corpus} needs clips of {corpus}; there are none")
        _two_or_more(f"corpus:{corpus}", utterances)
        others = np.concatenate([own for name, own in rows.items() if name != corpus])
        return [_split(corpus, utterances, np.sort(others), rows[corpus], seed)]

    return splits


def matrix(utterances: Sequence[Utterance], seed: int) -> list[Split]:
    """Train on each corpus alone; test on all others at once.

    If any corpus has no calm or no neutral, calm counts as neutral in all, so that one training on
    a corpus is tested on every other.
    """
    names = _two_or_more("matrix", utterances)
    rows = _rows_by_corpus(utterances)
    merged = _merged_labels(utterances, rows.values())
    return [
        _split(
            name,
            utterances,
            rows[name],
            np.sort(np.concatenate([own for other, own in rows.items() if other != name])),
            seed,
            merged,
        )
        for name in names
    ]


def _rows_by_corpus(utterances: Sequence[Utterance]) -> dict[str, np.ndarray]:
    names = np.array([u.corpus for u in utterances], dtype=str)
    return {name: np.flatnonzero(names == name) for name in sorted(set(names.tolist()))}


def _two_or_more(protocol: str, utterances: Sequence[Utterance]) -> list[str]:
    names = list(_rows_by_corpus(utterances))
    if len(names) < 2:
        there = ", ".join(names) or "none"
        raise UsageError(f"{protocol} needs clips of two corpora or more; the data has {there}")
    return names


def _merged_labels(utterances: Sequence[Utterance], parts: Iterable[np.ndarray]) -> dict[str, str]:
    """Return calm as neutral if a part has but one of them: most corpora act neutral calmly."""
    known = [{utterances[i].emotion for i in rows} for rows in parts]
    all_have_both = all({"calm", "neutral"} <= emotions for emotions in known)
    # A model without neutral, such as that of label set 5, cannot answer it.
    return {} if all_have_both or "neutral" not in set.union(*known) else {"calm": "neutral"}


def _split(
    name: str,
    utterances: Sequence[Utterance],
    source: np.ndarray,
    target: np.ndarray,
    seed: int,
    merged: dict[str, str] | None = None,
) -> Split:
    """Test on the speech of the target rows whose emotion is in the source rows, too."""
    if merged is None:
        merged = _merged_labels(utterances, (source, target))
    emotions = [merged.get(u.emotion, u.emotion) for u in utterances]
    known = {emotions[i] for i in source}
    tested = [emotions[i] in known and utterances[i].channel == "speech" for i in target]
    if not any(tested):
        raise UsageError(f"{name}: no test clip has an emotion of the training clips")
    train, validation = hold_out_validation(utterances, source, seed=seed)
    return Split(name, train, validation, target[tested], merged)
