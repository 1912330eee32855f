"""The result of one split and seed: the predictions for its test clips, kept in a file."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ser.corpora import Utterance

_JSON_FIELDS = (
    "split", "seed", "best_epoch", "temperature", "uncertain_below", "history", "long_audio",
)  # fmt: skip
_ARRAY_FIELDS = ("truth", "probabilities")
_BY_CONDITION = ("corrupted", "corrupted_referenced")


@dataclass(frozen=True)
class SplitResult:
    """The predictions of one split and seed for the test rows of the split.

    Attributes:
        tested: the test utterances, with the emotions that the protocol gives them.
        truth: label indices, shape (tested,), int64.
        probabilities: calibrated on the validation rows; shape (tested, labels).
        history: for each metric its value after each epoch.
        referenced: the probabilities with a reference for each clip, where it fits; shape (tested,
            labels). None for a recipe that takes none.
        corrupted_referenced: the same under each recording condition; the references are as
            recorded.
        corrupted: the probabilities under each recording condition; shape (tested, labels).
        long_audio: scores of ways to cut and join recordings, on the validation rows.
    """

    split: str
    seed: int
    tested: tuple[Utterance, ...]
    truth: np.ndarray
    probabilities: np.ndarray
    best_epoch: int
    temperature: float
    uncertain_below: float
    history: dict[str, list[float]]
    corrupted: dict[str, np.ndarray]
    long_audio: dict[str, dict[str, float]]
    referenced: np.ndarray | None = None
    corrupted_referenced: dict[str, np.ndarray] = field(default_factory=dict)


def save_result(result: SplitResult, path: Path) -> None:
    """Write a result without its utterances; it replaces `path` in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial.npz")
    np.savez(
        partial,
        allow_pickle=False,
        plain=np.array(json.dumps({name: getattr(result, name) for name in _JSON_FIELDS})),
        **{name: getattr(result, name) for name in _ARRAY_FIELDS},
        **({} if result.referenced is None else {"referenced": result.referenced}),
        **{
            f"{kind}/{name}": array
            for kind in _BY_CONDITION
            for name, array in getattr(result, kind).items()
        },
    )
    partial.replace(path)


def load_result(path: Path, tested: tuple[Utterance, ...]) -> SplitResult:
    """Return the result that `save_result` wrote, with its test utterances."""
    with np.load(path, allow_pickle=False) as stored:
        by_condition: dict[str, Any] = {
            kind: {
                name.removeprefix(f"{kind}/"): stored[name]
                for name in stored.files
                if name.startswith(f"{kind}/")
            }
            for kind in _BY_CONDITION
        }
        return SplitResult(
            tested=tested,
            **json.loads(str(stored["plain"])),
            **{name: stored[name] for name in _ARRAY_FIELDS},
            **by_condition,
            referenced=stored["referenced"] if "referenced" in stored.files else None,
        )
