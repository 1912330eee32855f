"""Evaluations: the results of all splits and seeds, and the scores computed from them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from ser.corpora import Utterance
from ser.data.protocols import Protocol
from ser.evaluation.corpus_scores import Predictions, corpus_scores, nested_pairs
from ser.evaluation.left_out_calibration import calibrate_on_others
from ser.evaluation.split_result import SplitResult
from ser.evaluation.spread import mean_over_seeds, nanmean, of_two_speakers
from ser.metrics import Scores, rounded, score, speaker_intervals, uar
from ser.models.recipes import Recipe

_SCORES = ("uar", "accuracy", "macro_f1", "ece")
_GROUPS = ("sex", "intensity")


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
        Where each corpus was left out in turn, its probabilities are calibrated on the others, and
        ``temperature`` and ``uncertain_below`` are for a model of all corpora.
        """
        if self.protocol.name == "corpora":
            calibrated = calibrate_on_others(self.results)
            summary = replace(self, results=calibrated.results)._summary()
            return summary | {
                "left_out_calibration": True,
                "temperature": calibrated.temperature,
                "uncertain_below": calibrated.uncertain_below,
            }
        return self._summary()

    def _summary(self) -> dict[str, Any]:
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
            **_nested(keys, [rounded(value) for value in nanmean(np.array(by_seed))]),
            "sd": _nested(keys, [rounded(sd) for sd in sds]),
            "interval": self._intervals(keys),
            "uar_by_split": {name: rounded(self.scores(split=name).uar) for name in splits},
            **self._by_corpus(),
            "uar_by_condition": self._by_condition(),
            "long_audio": self._long_audio(),
            "temperature": rounded(np.median([r.temperature for r in self.results])),
            "uncertain_below": rounded(np.median([r.uncertain_below for r in self.results])),
            "by_certainty": self._by_certainty(),
            "certainty_by_split": {
                name: self._by_certainty(split=name) for name in splits if len(splits) > 1
            },
            "with_reference": self._with_reference(),
            "confusion": pooled.confusion.tolist(),
            "selection": self.recipe.selection,
            "published": asdict(self.recipe.published) if self.recipe.published else None,
        }

    def predictions(self) -> Predictions:
        """Return the predictions of all splits and seeds."""
        seeds = [np.full(len(result.tested), result.seed) for result in self.results]
        tested, truth, probabilities = self._pooled(self.results)
        return Predictions(tested, np.concatenate(seeds), truth, probabilities)

    def groups(self) -> list[str] | list[tuple[str, str]]:
        """Return for each row of `predictions` what its scores are also given for.

        It is the test corpus, or training and test corpus; empty if the protocol has none.
        """
        rows = [(result.split, u.corpus) for result in self.results for u in result.tested]
        if self.protocol.scored_by == "pair":
            return rows
        return [corpus for _, corpus in rows] if self.protocol.scored_by else []

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
        pooled = self.predictions()
        speakers = np.array([utterance.speaker for utterance in pooled.tested])
        if not all(speakers) or len(set(speakers)) < 2:
            return None

        groups = {
            group: of_two_speakers(kinds, speakers)
            for group, kinds in _groups(pooled.tested).items()
        }

        def of_seed(rows: np.ndarray) -> list[float]:
            groups_of_rows = {group: kinds[rows] for group, kinds in groups.items()}
            truth, probabilities = pooled.truth[rows], pooled.probabilities[rows]
            scores = self._scores_by_key(groups_of_rows, truth, probabilities)
            return [scores.get(key, np.nan) for key in keys]

        bounds = speaker_intervals(mean_over_seeds(of_seed, pooled.seeds), speakers.tolist())
        return _nested(keys, [[rounded(low), rounded(high)] for low, high in bounds])

    def _long_audio(self) -> dict[str, dict[str, float | None]]:
        first = self.results[0].long_audio
        return {
            kind: {
                name: rounded(np.mean([r.long_audio[kind][name] for r in self.results]))
                for name in names
            }
            for kind, names in first.items()
        }

    def _with_reference(self) -> dict[str, Any] | None:
        """Return the most important scores with a reference, or None if there are none."""
        results = [
            replace(
                r, probabilities=r.referenced, referenced=None, corrupted=r.corrupted_referenced
            )
            for r in self.results
            if r.referenced is not None
        ]
        if len(results) < len(self.results):
            return None
        summary = replace(self, results=tuple(results))._summary()
        kept = (
            "uar", "accuracy", "ece", "uar_by_split", "uar_by_condition", "by_corpus",
            "mean_over_corpora",
        )  # fmt: skip
        own = {key: summary[key] for key in kept if key in summary}
        spread = {
            key: {"uar": summary[key]["uar"]} if summary[key] else None
            for key in ("sd", "interval")
        }
        certainty = {key: summary[key] for key in ("by_certainty", "certainty_by_split")}
        return own | spread | certainty

    def _by_certainty(self, split: str | None = None) -> dict[str, dict[str, float | None]]:
        """Return the accuracy of predictions above and below the threshold of their split."""
        results = [r for r in self.results if split in (None, r.split)]
        certain = np.concatenate(
            [r.probabilities.max(axis=1) >= r.uncertain_below for r in results]
        )
        _, truth, probabilities = self._pooled(results)
        correct = probabilities.argmax(axis=1) == truth
        return {
            name: {
                "share": rounded(rows.mean()),
                "accuracy": rounded(correct[rows].mean()) if rows.any() else None,
            }
            for name, rows in (("certain", certain), ("uncertain", ~certain))
        }

    def _by_corpus(self) -> dict[str, Any]:
        """Return the scores of each test corpus, or of each pair of corpora, and their mean."""
        if not self.protocol.scored_by:
            return {}
        found, mean = corpus_scores(self.predictions(), self.groups(), self.recipe.labels)
        if self.protocol.scored_by == "pair":
            return {"matrix": nested_pairs(found), "mean_over_pairs": mean}
        return {"by_corpus": found, "mean_over_corpora": mean}

    def _by_condition(self) -> dict[str, float | None]:
        truth = np.concatenate([r.truth for r in self.results])
        return {
            name: rounded(
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
