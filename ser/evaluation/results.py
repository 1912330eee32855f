"""Results of evaluations: the predictions for test clips, and the scores computed from them."""

import json
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ser.corpora import Utterance
from ser.data.splits import Protocol
from ser.metrics import Scores, score, speaker_intervals, uar
from ser.models.recipes import Recipe

_SCORES = ("uar", "accuracy", "macro_f1", "ece")
_GROUPS = ("sex", "intensity")
_JSON_FIELDS = (
    "split", "seed", "best_epoch", "temperature", "uncertain_below", "history", "long_audio",
)  # fmt: skip
_ARRAY_FIELDS = ("truth", "probabilities")


@dataclass(frozen=True)
class SplitResult:
    """The predictions of one split and seed for the test rows of the split.

    Attributes:
        tested: the test utterances, with the emotions that the protocol gives them.
        truth: label indices, shape (tested,), int64.
        probabilities: calibrated on the validation rows; shape (tested, labels).
        history: for each metric its value after each epoch.
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


def save_result(result: SplitResult, path: Path) -> None:
    """Write a result without its utterances; it replaces `path` in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial.npz")
    np.savez(
        partial,
        allow_pickle=False,
        plain=np.array(json.dumps({name: getattr(result, name) for name in _JSON_FIELDS})),
        **{name: getattr(result, name) for name in _ARRAY_FIELDS},
        **{f"corrupted/{name}": array for name, array in result.corrupted.items()},
    )
    partial.replace(path)


def load_result(path: Path, tested: tuple[Utterance, ...]) -> SplitResult:
    """Return the result that `save_result` wrote, with its test utterances."""
    with np.load(path, allow_pickle=False) as stored:
        return SplitResult(
            tested=tested,
            **json.loads(str(stored["plain"])),
            **{name: stored[name] for name in _ARRAY_FIELDS},
            corrupted={
                name.removeprefix("corrupted/"): stored[name]
                for name in stored.files
                if name.startswith("corrupted/")
            },
        )


@dataclass(frozen=True)
class Evaluation:
    """The results of a recipe under a protocol, for one or more seeds."""

    recipe: Recipe
    protocol: Protocol
    results: tuple[SplitResult, ...]

    @property
    def seeds(self) -> list[int]:
        """The seeds, sorted."""
        return sorted({result.seed for result in self.results})

    def scores(self, *, seed: int | None = None, split: str | None = None) -> Scores:
        """Return the scores of all test rows, or of those of a seed, a split or both."""
        _, truth, probabilities = self._pooled(
            [r for r in self.results if seed in (None, r.seed) and split in (None, r.split)]
        )
        return score(truth, probabilities, self.recipe.labels)

    def summary(self) -> dict[str, Any]:
        """Return the scores as plain data, as a model file stores them.

        Each score is the mean over seeds. ``sd`` holds the standard deviations over seeds, and
        ``interval`` the 95 % intervals by bootstrap over speakers, if all speakers are known.
        """
        keys, by_seed = self._by_seed()
        sds = np.std(by_seed, axis=0, ddof=1) if len(by_seed) > 1 else [np.nan] * len(keys)
        pooled = self.scores()
        splits = dict.fromkeys(result.split for result in self.results)
        return {
            "recipe": self.recipe.name,
            "protocol": self.protocol.name,
            "leaks": self.protocol.leaks,
            "seeds": self.seeds,
            "n": pooled.n // len(by_seed),
            **_nested(keys, [_rounded(value) for value in _mean(by_seed)]),
            "sd": _nested(keys, [_rounded(sd) for sd in sds]),
            "interval": self._intervals(keys),
            "uar_by_split": {name: _rounded(self.scores(split=name).uar) for name in splits},
            "uar_by_condition": self._by_condition(),
            "long_audio": self._long_audio(),
            "temperature": _rounded(np.median([r.temperature for r in self.results])),
            "uncertain_below": _rounded(np.median([r.uncertain_below for r in self.results])),
            "by_certainty": self._by_certainty(),
            "confusion": pooled.confusion.tolist(),
            "selection": self.recipe.selection,
            "published": asdict(self.recipe.published) if self.recipe.published else None,
        }

    @staticmethod
    def _pooled(
        results: Iterable[SplitResult],
    ) -> tuple[list[Utterance], np.ndarray, np.ndarray]:
        results = list(results)
        return (
            [utterance for r in results for utterance in r.tested],
            np.concatenate([r.truth for r in results]),
            np.concatenate([r.probabilities for r in results]),
        )

    def _by_seed(self) -> tuple[list[tuple[str, ...]], list[list[float]]]:
        """Return the keys of the scores, and for each seed their values."""
        rows = [
            self._pooled(result for result in self.results if result.seed == seed)
            for seed in self.seeds
        ]
        by_seed = [self._scores_by_key(_groups(tested), *arrays) for tested, *arrays in rows]
        keys = list(by_seed[0])
        return keys, [[scores.get(key, np.nan) for key in keys] for scores in by_seed]

    def _scores_by_key(
        self, groups: Mapping[str, np.ndarray], truth: np.ndarray, probabilities: np.ndarray
    ) -> dict[tuple[str, ...], float]:
        """Return all scores that get an interval, by their keys in the summary.

        Args:
            groups: of the same rows, as `_groups` returns them.
        """
        scores = score(truth, probabilities, self.recipe.labels)
        values: dict[tuple[str, ...], float] = {(s,): getattr(scores, s) for s in _SCORES}
        for name in ("recall", "precision"):
            values |= {(name, label): value for label, value in getattr(scores, name).items()}
        predicted = probabilities.argmax(axis=1)
        for group, kinds in groups.items():
            for kind in sorted(set(kinds.tolist()) - {""}):
                rows = kinds == kind
                values[f"uar_by_{group}", kind] = uar(truth[rows], predicted[rows])
        return values

    def _intervals(self, keys: Sequence[tuple[str, ...]]) -> dict[str, Any] | None:
        tested, truth, probabilities = self._pooled(self.results)
        speakers = [utterance.speaker for utterance in tested]
        if not all(speakers) or len(set(speakers)) < 2:
            return None

        groups = _groups(tested)

        def statistics(rows: np.ndarray) -> list[float]:
            groups_of_rows = {group: kinds[rows] for group, kinds in groups.items()}
            scores = self._scores_by_key(groups_of_rows, truth[rows], probabilities[rows])
            return [scores.get(key, np.nan) for key in keys]

        bounds = speaker_intervals(statistics, speakers)
        return _nested(keys, [[_rounded(low), _rounded(high)] for low, high in bounds])

    def _long_audio(self) -> dict[str, dict[str, float | None]]:
        first = self.results[0].long_audio
        return {
            kind: {
                name: _rounded(np.mean([r.long_audio[kind][name] for r in self.results]))
                for name in names
            }
            for kind, names in first.items()
        }

    def _by_certainty(self) -> dict[str, dict[str, float | None]]:
        """Return the accuracy of predictions above and below the threshold of their split."""
        certain = np.concatenate(
            [r.probabilities.max(axis=1) >= r.uncertain_below for r in self.results]
        )
        _, truth, probabilities = self._pooled(self.results)
        correct = probabilities.argmax(axis=1) == truth
        return {
            name: {
                "share": _rounded(rows.mean()),
                "accuracy": _rounded(correct[rows].mean()) if rows.any() else None,
            }
            for name, rows in (("certain", certain), ("uncertain", ~certain))
        }

    def _by_condition(self) -> dict[str, float | None]:
        truth = np.concatenate([r.truth for r in self.results])
        return {
            name: _rounded(
                uar(truth, np.concatenate([r.corrupted[name] for r in self.results]).argmax(axis=1))
            )
            for name in self.results[0].corrupted
        }


def _groups(tested: Sequence[Utterance]) -> dict[str, np.ndarray]:
    """Return the kind of each utterance for each group: for ``sex``, ``female`` or ``male``."""
    return {group: np.array([getattr(u, group) for u in tested]) for group in _GROUPS}


def _nested(keys: Iterable[tuple[str, ...]], values: Iterable[Any]) -> dict[str, Any]:
    """Return the values as a dict of dicts: by name, or by name and kind."""
    nested: dict[str, Any] = {f"uar_by_{group}": {} for group in _GROUPS}
    for (name, *kind), value in zip(keys, values, strict=True):
        if kind:
            nested.setdefault(name, {})[kind[0]] = value
        else:
            nested[name] = value
    return nested


def _mean(by_seed: Sequence[Sequence[float]]) -> np.ndarray:
    """Return the mean of each score over the seeds that have it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a score that no seed has is NaN
        return np.nanmean(by_seed, axis=0)


def _rounded(value: float | np.floating[Any]) -> float | None:
    """Round to four decimals; NaN becomes None, because JSON has no NaN."""
    return None if np.isnan(value) else round(float(value), 4)
