"""What evaluations find: the answers to test clips, and the figures made of them."""

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

_FIGURES = ("uar", "accuracy", "macro_f1", "ece")
_GROUPS = ("sex", "intensity")
_PLAIN = (
    "split", "seed", "best_epoch", "temperature", "uncertain_below", "history", "long_audio",
)  # fmt: skip
_ARRAYS = ("truth", "probabilities")


@dataclass(frozen=True)
class SplitResult:
    """What the model of one split and seed says of the split's test rows.

    Attributes:
        tested: the utterances, with the emotions the protocol counts them as.
        probabilities: calibrated on the validation rows; shape (tested, labels).
        history: of each quantity, its value after each epoch.
        corrupted: of each recording condition, the probabilities of the test rows under it.
        long_audio: how ways to cut and join recordings score on the validation rows.
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
    """Write a result, all but its utterances; replaces `path` in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial.npz")
    np.savez(
        partial,
        allow_pickle=False,
        plain=np.array(json.dumps({name: getattr(result, name) for name in _PLAIN})),
        **{name: getattr(result, name) for name in _ARRAYS},
        **{f"corrupted/{name}": answers for name, answers in result.corrupted.items()},
    )
    partial.replace(path)


def load_result(path: Path, tested: tuple[Utterance, ...]) -> SplitResult:
    """Return what `save_result` wrote of these utterances."""
    with np.load(path, allow_pickle=False) as stored:
        return SplitResult(
            tested=tested,
            **json.loads(str(stored["plain"])),
            **{name: stored[name] for name in _ARRAYS},
            corrupted={
                name.removeprefix("corrupted/"): stored[name]
                for name in stored.files
                if name.startswith("corrupted/")
            },
        )


@dataclass(frozen=True)
class Evaluation:
    """A recipe under a protocol, with one or more seeds."""

    recipe: Recipe
    protocol: Protocol
    results: tuple[SplitResult, ...]

    @property
    def seeds(self) -> list[int]:
        """The seeds, in order."""
        return sorted({result.seed for result in self.results})

    def scores(self, *, seed: int | None = None, split: str | None = None) -> Scores:
        """Score the test rows of a seed, of a split, of both, or of all together."""
        _, truth, probabilities = self._pooled(
            [r for r in self.results if seed in (None, r.seed) and split in (None, r.split)]
        )
        return score(truth, probabilities, self.recipe.labels)

    def summary(self) -> dict[str, Any]:
        """Return the figures as plain data; what a model file carries as its scores.

        A figure is the mean over seeds; ``sd`` is its standard deviation over them, and
        ``interval`` the 95 % interval by bootstrap over speakers, where those are known: both
        of the four figures, of each label's recall and precision, and by sex and intensity.
        """
        keys, by_seed = self._by_seed()
        sds = np.std(by_seed, axis=0, ddof=1) if len(by_seed) > 1 else [np.nan] * len(keys)
        everything = self.scores()
        splits = dict.fromkeys(result.split for result in self.results)
        return {
            "recipe": self.recipe.name,
            "protocol": self.protocol.name,
            "leaks": self.protocol.leaks,
            "seeds": self.seeds,
            "n": everything.n // len(by_seed),
            **_nested(keys, [_rounded(value) for value in _mean(by_seed)]),
            "sd": _nested(keys, [_rounded(sd) for sd in sds]),
            "interval": self._intervals(keys),
            "uar_by_split": {name: _rounded(self.scores(split=name).uar) for name in splits},
            "uar_by_condition": self._by_condition(),
            "long_audio": self._long_audio(),
            "temperature": _rounded(np.median([r.temperature for r in self.results])),
            "uncertain_below": _rounded(np.median([r.uncertain_below for r in self.results])),
            "by_certainty": self._by_certainty(),
            "confusion": everything.confusion.tolist(),
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
        """Return the names of the figures, and their values of each seed."""
        rows = [
            self._pooled(result for result in self.results if result.seed == seed)
            for seed in self.seeds
        ]
        found = [self._figures(_groups(tested), *answers) for tested, *answers in rows]
        keys = list(found[0])
        return keys, [[figures.get(key, np.nan) for key in keys] for figures in found]

    def _figures(
        self, groups: Mapping[str, np.ndarray], truth: np.ndarray, probabilities: np.ndarray
    ) -> dict[tuple[str, ...], float]:
        """Return all figures that have a spread, by their place in the summary.

        Args:
            groups: as `_groups` gives them, of the same rows.
        """
        scores = score(truth, probabilities, self.recipe.labels)
        found: dict[tuple[str, ...], float] = {(f,): getattr(scores, f) for f in _FIGURES}
        for name in ("recall", "precision"):
            found |= {(name, label): value for label, value in getattr(scores, name).items()}
        predicted = probabilities.argmax(axis=1)
        for group, kinds in groups.items():
            for kind in sorted(set(kinds.tolist()) - {""}):
                rows = kinds == kind
                found[f"uar_by_{group}", kind] = uar(truth[rows], predicted[rows])
        return found

    def _intervals(self, keys: Sequence[tuple[str, ...]]) -> dict[str, Any] | None:
        tested, truth, probabilities = self._pooled(self.results)
        speakers = [utterance.speaker for utterance in tested]
        if not all(speakers) or len(set(speakers)) < 2:
            return None

        groups = _groups(tested)

        def statistics(rows: np.ndarray) -> list[float]:
            of_rows = {group: kinds[rows] for group, kinds in groups.items()}
            drawn = self._figures(of_rows, truth[rows], probabilities[rows])
            return [drawn.get(key, np.nan) for key in keys]

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
        """Return how often answers on either side of the threshold of their split are right."""
        sure = np.concatenate(
            [r.probabilities.max(axis=1) >= r.uncertain_below for r in self.results]
        )
        _, truth, probabilities = self._pooled(self.results)
        right = probabilities.argmax(axis=1) == truth
        return {
            name: {
                "share": _rounded(rows.mean()),
                "accuracy": _rounded(right[rows].mean()) if rows.any() else None,
            }
            for name, rows in (("certain", sure), ("uncertain", ~sure))
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
    """Return of each group, such as ``sex``, which kind each utterance is of."""
    return {group: np.array([getattr(u, group) for u in tested]) for group in _GROUPS}


def _nested(keys: Iterable[tuple[str, ...]], values: Iterable[Any]) -> dict[str, Any]:
    """Return values by name, or by name and kind."""
    nested: dict[str, Any] = {f"uar_by_{group}": {} for group in _GROUPS}
    for (name, *kind), value in zip(keys, values, strict=True):
        if kind:
            nested.setdefault(name, {})[kind[0]] = value
        else:
            nested[name] = value
    return nested


def _mean(by_seed: Sequence[Sequence[float]]) -> np.ndarray:
    """Return the mean over seeds of each figure; one that a seed has not is of the others."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # NaN of what no seed has
        return np.nanmean(by_seed, axis=0)


def _rounded(value: float | np.floating[Any]) -> float | None:
    """Return four decimals; None, which JSON has, for NaN, which it has not."""
    return None if np.isnan(value) else round(float(value), 4)
