"""A finished model on any labelled clips: other voices, other corpora, other languages."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ser.corpora import Utterance
from ser.errors import SerError, UsageError
from ser.inference.predictor import Predictor
from ser.metrics import Scores, score
from ser.models.label_sets import label_set_of


@dataclass(frozen=True)
class ExternalResult:
    """How a model does on clips that it was not trained on; the caller vouches for that.

    Attributes:
        mapping: of each emotion of the clips, the label it counts as; None is left out.
        answers: of a label that no clip has, the one that its answers count as.
        chance_uar: of a model that always gives one answer, or guesses among the labels
            that occur; 0 to 1.
        chance_accuracy: of a model that always gives the most frequent label, 0 to 1.
    """

    scores: Scores
    mapping: dict[str, str | None]
    answers: dict[str, str]
    chance_uar: float
    chance_accuracy: float

    def summary(self) -> dict[str, Any]:
        """Return the figures as plain data."""
        return {
            "uar": self.scores.uar,
            "accuracy": self.scores.accuracy,
            "n": self.scores.n,
            "chance": {"uar": self.chance_uar, "accuracy": self.chance_accuracy},
            "mapping": self.mapping,
            "answers": self.answers,
        }

    def lines(self) -> list[str]:
        """Return the figures for people."""
        counted = [f"{e} as {c}" if e != c else e for e, c in self.mapping.items() if c]
        left_out = [emotion for emotion, label in self.mapping.items() if not label]
        return [
            f"UAR {self.scores.uar:.1%}, chance {self.chance_uar:.1%}",
            f"accuracy {self.scores.accuracy:.1%}, chance {self.chance_accuracy:.1%} "
            "(the most frequent answer)",
            f"{self.scores.n} clips of {', '.join(counted)}",
            *([f"left out, for the model has no label: {', '.join(left_out)}"] if left_out else []),
            *(f"the answer {a} counts as {b}: no clip is {a}" for a, b in self.answers.items()),
        ]


def answers_of(
    predictor: Predictor,
    utterances: Sequence[Utterance],
    *,
    progress: Callable[[Iterable[Utterance]], Iterable[Utterance]] = iter,
) -> tuple[list[Utterance], np.ndarray, list[str]]:
    """Return what the model answers for each clip, as it is served: windows, join and all.

    Returns:
        the clips that could be read, the probabilities of the labels, of shape (clips,
        labels), and a line for each clip that could not be read.
    """
    heard, rows, faults = [], [], []
    for utterance in progress(utterances):
        try:
            answer = predictor.predict(utterance.path)
        except (SerError, OSError) as error:
            faults.append(f"left out {utterance.path}: {error}")
            continue
        heard.append(utterance)
        rows.append(list(answer.probabilities.values()))
    return heard, np.array(rows), faults


def score_external(
    labels: Sequence[str], utterances: Sequence[Utterance], probabilities: np.ndarray
) -> ExternalResult:
    """Score a model's answers for labelled clips.

    The clips' emotions count as the model's labels by `label_set_of`. Where no clip is calm,
    the answer calm counts as neutral: most corpora have no calm, and play neutral calmly.

    Args:
        probabilities: of the model's labels, in its order; shape (clips, labels).

    Raises:
        UsageError: no clip has an emotion that the model knows.
    """
    label_set = label_set_of(labels)
    classes = [label_set.classify(utterance) for utterance in utterances]
    rows = [i for i, label in enumerate(classes) if label]
    occur = Counter(classes[i] for i in rows)
    if not occur:
        known = ", ".join(sorted({u.emotion for u in utterances})) or "no clip"
        raise UsageError(f"the model tells {', '.join(labels)}; the data holds {known}")
    answers, shares = {}, probabilities[rows]
    names = list(labels)
    for sex in ("", "female ", "male "):
        calm, neutral = f"{sex}calm", f"{sex}neutral"
        if {calm, neutral} <= set(names) and not occur[calm]:
            answers[calm] = neutral
            moved = shares.copy()
            moved[:, names.index(neutral)] += shares[:, names.index(calm)]
            moved[:, names.index(calm)] = 0
            shares = moved
    truth = np.array([names.index(str(classes[i])) for i in rows])
    return ExternalResult(
        scores=score(truth, shares, labels),
        mapping={e: label_set.classes.get(e) for e in sorted({u.emotion for u in utterances})},
        answers=answers,
        chance_uar=1 / len(occur),
        chance_accuracy=max(occur.values()) / len(rows),
    )
