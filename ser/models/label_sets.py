"""Label sets: the classes that a model predicts, and the emotions that each class stands for."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ser.corpora import Utterance
from ser.errors import UsageError
from ser.labels import EMOTIONS, canonical, known_emotion, sex_and_emotion
from ser.plugins import lookup

SEXES = ("female", "male")


@dataclass(frozen=True, kw_only=True)
class LabelSet:
    """The classes of a model.

    Attributes:
        classes: the class of each emotion; utterances of other emotions are left out.
        by_sex: whether women and men have separate classes; utterances of unknown sex are then
            left out.
        own_names: what a model calls each class of a sex, where it has other names; it need not
            have all.
    """

    name: str
    classes: Mapping[str, str]
    by_sex: bool = False
    own_names: Mapping[str, str] = field(default_factory=dict)

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes, in the order of the model's outputs."""
        if self.own_names:
            return tuple(self.own_names.values())
        own = tuple(dict.fromkeys(self.classes.values()))
        return tuple(f"{sex} {label}" for sex in SEXES for label in own) if self.by_sex else own

    def classify(self, utterance: Utterance) -> str | None:
        """Return the class of an utterance, or None if it is left out."""
        return self.class_of(utterance.emotion, utterance.sex)

    def class_of(self, emotion: str, sex: str = "") -> str | None:
        """Return the class of an emotion, or None if it has none; an empty `sex` is unknown."""
        label = self.classes.get(emotion)
        if label is None or not self.by_sex:
            return label
        name = f"{sex} {label}" if sex else None
        return self.own_names.get(name or "") if self.own_names else name


def _subset(name: str, emotions: Sequence[str], *, by_sex: bool = False) -> LabelSet:
    return LabelSet(name=name, classes={e: e for e in emotions}, by_sex=by_sex)


_FIVE = ("calm", "happy", "sad", "angry", "fear")

#: Named by their number of classes. 2, 3, 5 and 10 are those of the published ten-class networks:
#: they leave out disgust and surprise, and all but 3 leave out neutral.
LABEL_SETS = {
    label_set.name: label_set
    for label_set in (
        LabelSet(
            name="2",
            classes={
                "calm": "positive",
                "happy": "positive",
                "sad": "negative",
                "angry": "negative",
                "fear": "negative",
            },
        ),
        LabelSet(
            name="3",
            classes={
                "happy": "positive",
                "neutral": "neutral",
                "calm": "neutral",
                "sad": "negative",
                "angry": "negative",
                "fear": "negative",
            },
        ),
        _subset("4", ("neutral", "happy", "sad", "angry")),
        _subset("5", _FIVE),
        _subset("6", ("neutral", "happy", "sad", "angry", "fear", "disgust")),
        _subset("8", EMOTIONS),
        _subset("10", _FIVE, by_sex=True),
    )
}


def find_label_set(name: str) -> LabelSet:
    """Return a label set by name; ``"sad,neutral,happy"`` gives these three classes, in order.

    Raises:
        UsageError: the name is not known; the message lists the known ones.
    """
    if known_emotion(name):
        raise UsageError(f"{name!r} is a single emotion; a model needs two or more")
    if "," not in name:
        return lookup(LABEL_SETS, name, "label set")
    emotions = [canonical(part) for part in name.split(",")]
    if len(set(emotions)) < len(emotions):
        raise UsageError(f"{name!r} names an emotion twice")
    return _subset(name, emotions)


def label_set_of(labels: Sequence[str]) -> LabelSet:
    """Return the label set that has a model's labels as its classes.

    A label that is an emotion is the class of that emotion, and one such as ``female_angry`` that
    of women's. Calm counts as neutral for a model with neutral and without calm.

    Raises:
        UsageError: no label is an emotion, and the labels are not those of a label set.
    """
    classes = {e: label for label in labels if (e := known_emotion(label))}
    if own_names := _names_by_sex(labels):
        classes = {e: e for _, e in (name.split() for name in own_names)}
    in_lower_case = {label.casefold(): label for label in labels}
    for label_set in LABEL_SETS.values():
        if not own_names and set(label_set.labels) == set(in_lower_case):
            classes = {e: in_lower_case[label] for e, label in label_set.classes.items()}
    if not classes:
        raise UsageError(f"no label is an emotion: {', '.join(labels)}")
    if "neutral" in classes:
        classes.setdefault("calm", classes["neutral"])
    return LabelSet(
        name=",".join(labels), classes=classes, by_sex=bool(own_names), own_names=own_names
    )


def _names_by_sex(labels: Sequence[str]) -> dict[str, str]:
    """Return the labels by sex and emotion (``female angry``), if all name both and differ."""
    pairs = [sex_and_emotion(label) for label in labels]
    emotions = [known_emotion(rest) if sex else None for sex, rest in pairs]
    if None in emotions:
        return {}
    names = [f"{sex} {emotion}" for (sex, _), emotion in zip(pairs, emotions, strict=True)]
    return dict(zip(names, labels, strict=True)) if len(set(names)) == len(labels) else {}


def balanced(classes: Sequence[Any] | np.ndarray, *, seed: int) -> np.ndarray:
    """Draw rows at random so that each class has as many as the rarest one.

    Args:
        classes: of each row, shape (n,).

    Returns:
        row numbers in ascending order, int.
    """
    if not len(classes):
        return np.array([], dtype=int)
    names = np.asarray(classes)
    fewest = min(Counter(names.tolist()).values())
    rng = np.random.default_rng(seed)
    chosen = [
        rng.choice(np.flatnonzero(names == name), fewest, replace=False)
        for name in sorted(set(names.tolist()))
    ]
    return np.sort(np.concatenate(chosen))
