"""Scores of a finished model on labelled clips: of other speakers, corpora or languages."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ser.corpora import Utterance
from ser.data.extraction import fault_line, fault_text, no_clip_readable
from ser.errors import SerError, UsageError
from ser.inference.predictor import Predictor
from ser.metrics import Scores, score
from ser.models.label_sets import SEXES, label_set_of


@dataclass(frozen=True)
class ExternalResult:
    """Scores on clips that the model was not trained on; the caller must make sure of that.

    Attributes:
        mapping: the label that each emotion of the clips counts as; None if it is left out.
        answers: for a label that no clip has, the label that its predictions count as.
        chance_uar: UAR of a constant prediction, and of guesses among the labels that occur;
            0 to 1.
        chance_accuracy: accuracy of always predicting the most frequent label, 0 to 1.
    """

    scores: Scores
    mapping: dict[str, str | None]
    answers: dict[str, str]
    chance_uar: float
    chance_accuracy: float

    def summary(self) -> dict[str, Any]:
        """Return the scores as plain data."""
        return {
            "uar": self.scores.uar,
            "accuracy": self.scores.accuracy,
            "n": self.scores.n,
            "chance": {"uar": self.chance_uar, "accuracy": self.chance_accuracy},
            "mapping": self.mapping,
            "answers": self.answers,
        }

    def lines(self) -> list[str]:
        """Return the scores as lines of text."""
        counted = [f"{e} as {c}" if e != c else e for e, c in self.mapping.items() if c]
        left_out = ", ".join(emotion for emotion, label in self.mapping.items() if not label)
        return [
            f"UAR {self.scores.uar:.1%}, chance {self.chance_uar:.1%}",
            f"accuracy {self.scores.accuracy:.1%}, chance {self.chance_accuracy:.1%} "
            "(the most frequent label)",
            f"{self.scores.n} clips of {', '.join(counted)}",
            *([f"left out, because the model has no label: {left_out}"] if left_out else []),
            *(f"a predicted {a} counts as {b}: no clip is {a}" for a, b in self.answers.items()),
        ]


def predict_clips(
    predictor: Predictor,
    utterances: Sequence[Utterance],
    *,
    progress: Callable[[Iterable[Utterance]], Iterable[Utterance]] = iter,
) -> tuple[list[Utterance], np.ndarray, list[str]]:
    """Predict clips as the app does, with windows that are joined.

    Returns:
        the readable clips; the probabilities of the labels, shape (clips, labels); one line for
        each clip that could not be read.

    Raises:
        UsageError: none of the clips can be read.
    """
    readable, rows, faults = [], [], []
    for utterance in progress(utterances):
        try:
            prediction = predictor.predict(utterance.path)
        except (SerError, OSError) as error:
            faults.append(fault_line(utterance.path, fault_text(error)))
            continue
        readable.append(utterance)
        rows.append(list(prediction.probabilities.values()))
    if faults and not readable:
        raise no_clip_readable(faults)
    return readable, np.array(rows), faults


def score_external(
    labels: Sequence[str], utterances: Sequence[Utterance], probabilities: np.ndarray
) -> ExternalResult:
    """Score the predictions of a model for labelled clips.

    `label_set_of` maps the emotions of the clips to the labels of the model. If no clip is calm,
    a predicted calm counts as neutral: most corpora have no calm, and act neutral calmly. If clips
    are calm and none is neutral, a predicted neutral counts as calm.

    Args:
        labels: of the model, in its order.
        probabilities: shape (clips, labels).

    Raises:
        UsageError: no clip has an emotion of the model.
    """
    label_set = label_set_of(labels)
    classes = [label_set.classify(utterance) for utterance in utterances]
    rows = [i for i, label in enumerate(classes) if label]
    counts = Counter(classes[i] for i in rows)
    if not counts:
        known = ", ".join(sorted({u.emotion for u in utterances})) or "no clip"
        raise UsageError(f"the labels of the model are {', '.join(labels)}; the data holds {known}")
    answers, probabilities = {}, probabilities[rows]
    names = list(labels)
    for sex in SEXES if label_set.by_sex else ("",):
        calm, neutral = label_set.class_of("calm", sex), label_set.class_of("neutral", sex)
        if not calm or not neutral or calm == neutral or (counts[calm] and counts[neutral]):
            continue
        missing, other = (neutral, calm) if counts[calm] else (calm, neutral)
        answers[missing] = other
        probabilities[:, names.index(other)] += probabilities[:, names.index(missing)]
        probabilities[:, names.index(missing)] = 0
    truth = np.array([names.index(str(classes[i])) for i in rows])
    return ExternalResult(
        scores=score(truth, probabilities, labels),
        mapping={e: label_set.classes.get(e) for e in sorted({u.emotion for u in utterances})},
        answers=answers,
        chance_uar=1 / len(counts),
        chance_accuracy=max(counts.values()) / len(rows),
    )
