"""Protocols: by name, the ways to split utterances into training, validation and test rows."""

from dataclasses import dataclass
from typing import Literal

from ser.corpora import CORPORA
from ser.data import corpus_splits, splits
from ser.data.splits import Splitter
from ser.errors import UsageError
from ser.plugins import lookup


@dataclass(frozen=True)
class Protocol:
    """A way to split utterances.

    Attributes:
        leaks: whether a speaker can be in training and test rows.
        splits: takes the utterances and a seed.
        scored_by: what the scores are also given for: each test corpus; or each pair of training
            and test corpus, where the name of a split is its training corpus; or "" for neither.
    """

    name: str
    summary: str
    leaks: bool
    splits: Splitter
    scored_by: Literal["", "corpus", "pair"] = ""


PROTOCOLS = {
    protocol.name: protocol
    for protocol in (
        Protocol(
            "published",
            "a random third is the test; speakers are in both parts, so it leaks",
            True,
            splits.random_split(0.33),
        ),
        Protocol("actors5", "the five published actor folds of RAVDESS", False, splits.actors5),
        Protocol(
            "actors6", "six folds of four RAVDESS actors: 1 to 4, 5 to 8 …", False, splits.actors6
        ),
        Protocol("last-actors", "RAVDESS actors 21 to 24 are the test", False, splits.last_actors),
        Protocol(
            "loso", "leave one speaker out; each is the test once", False, splits.each_speaker
        ),
        Protocol("sex:male", "the five actor folds, men only", False, splits.one_sex("male")),
        Protocol("sex:female", "the five actor folds, women only", False, splits.one_sex("female")),
        Protocol(
            "corpora",
            "leave one corpus out; each is the test once",
            False,
            corpus_splits.each_corpus,
            "corpus",
        ),
        Protocol(
            "matrix",
            "trained on each corpus alone, tested on each other one",
            False,
            corpus_splits.matrix,
            "pair",
        ),
    )
}
CROSS = "cross:A>B"
CORPUS = "corpus:NAME"
SPEAKERS = "speakers:N"
RANDOM = "random:P"
#: The names of protocols that take a value.
PATTERNS = (CROSS, CORPUS, SPEAKERS, RANDOM)


def find_protocol(name: str) -> Protocol:
    """Return the protocol of a name.

    ``cross:A>B`` trains on corpus A and tests on corpus B. ``corpus:NAME`` tests on one corpus
    and trains on all others. ``speakers:N`` tests on N folds of speakers. ``random:P`` tests on a
    random P %.

    Raises:
        UsageError: the name is not known; the message lists the known ones.
    """
    kind, _, value = name.partition(":")
    source, arrow, target = value.partition(">")
    number = int(value) if value.isdecimal() else 0
    if kind == "cross" and arrow:
        for corpus in (source, target):
            lookup(CORPORA, corpus, "corpus")
        if source == target:
            raise UsageError(f"{name}: the two corpora must differ")
        summary = f"trained on {source}, tested on {target}"
        return Protocol(name, summary, False, corpus_splits.across(source, target), "corpus")
    if kind == "corpus" and value:
        lookup(CORPORA, value, "corpus")
        summary = f"trained on all corpora but {value}, tested on {value}"
        return Protocol(name, summary, False, corpus_splits.one_corpus(value), "corpus")
    if kind == "speakers" and number >= 2:
        summary = f"{number} folds of speakers; each is the test once"
        return Protocol(name, summary, False, splits.speaker_folds(number), "corpus")
    if kind == "random" and 0 < number < 100:
        summary = f"a random {number} % is the test; speakers are in both parts, so it leaks"
        return Protocol(name, summary, True, splits.random_split(number / 100))
    return lookup({**PROTOCOLS, **dict.fromkeys(PATTERNS)}, name, "protocol")
