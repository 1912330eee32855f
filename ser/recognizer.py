"""The library in one class: train on corpora, score on held-out speakers, predict emotions."""

import warnings
from collections import Counter
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ser.data import hold_out_test, hold_out_validation
from ser.data.dataset import Dataset, load_dataset
from ser.data.unknown_speakers import warn_of_split
from ser.errors import UsageError
from ser.features import FEATURE_SETS
from ser.inference.predictor import Predictor
from ser.metrics import Scores, score
from ser.models.label_sets import find_label_set
from ser.models.recipes import Recipe, as_recipe, recipe_features, with_own_names
from ser.plugins import lookup
from ser.training.confidences import unfitted, why_not_fitted
from ser.training.grid_search import load_best
from ser.training.train import Trained, save, train

if TYPE_CHECKING:
    import pandas

#: What `determine_best_model` compares: one recipe of each family of classifiers.
CANDIDATES = (
    "svc-180", "forest-180", "boosting-180", "neighbors-180", "perceptron-180", "bagging-180",
    "adaboost-180", "tree-180",
)  # fmt: skip


class EmotionRecognizer:
    """A model with the clips that it is trained, validated and tested on.

    Validation clips calibrate the confidences. Training, validation and test clips are of different
    speakers; where speakers are not known, the clips are drawn at random, with a warning.

    Args:
        model: name of a recipe, or any scikit-learn classifier or regressor; None lets
            `determine_best_model` choose.
        emotions: the classes; None takes those of the recipe, or all eight.
        balance: whether each emotion has only as many training clips as the rarest one; None
            does what the recipe says.
        features: name of a feature set; None takes that of the recipe, or ``mix180``.
        data: folder or folders of corpora.
        custom_db: whether clips that are of no corpus take part.
        verbose: 1 prints what was loaded and which model is best, 0 prints nothing.
        seed: of the split, the balancing and the model.

    Raises:
        UsageError: a name is not known (the message lists the known ones), or the packages for
            training are not installed.
    """

    def __init__(
        self,
        model: Any = None,
        *,
        emotions: Sequence[str] | None = None,
        balance: bool | None = None,
        features: str | None = None,
        data: Path | str | Sequence[Path | str] = (),
        custom_db: bool = True,
        verbose: int = 0,
        seed: int = 0,
    ) -> None:
        self.seed, self.verbose, self._custom_db = seed, verbose, custom_db
        self._data = [Path(p) for p in ([data] if isinstance(data, str | Path) else data)]
        if (self._data or model is not None) and find_spec("sklearn") is None:
            raise UsageError("training needs more packages: pip install 'speech-emotion[train]'")
        wanted = {
            "label_set": find_label_set(",".join(emotions)) if emotions else None,
            "balance": balance,
            "features": lookup(FEATURE_SETS, features, "feature set").name if features else None,
        }
        self._changes = {key: value for key, value in wanted.items() if value is not None}
        self.recipe = None if model is None else as_recipe(model, **self._changes)
        self._dataset: Dataset | None = None
        self._rows: dict[str, np.ndarray] = {}
        self._trained: Trained | None = None
        self._predictor: Predictor | None = None

    @classmethod
    def load(cls, path: Path | str) -> "EmotionRecognizer":
        """Load a model file; the recognizer can predict, but it has no clips to score on.

        Raises:
            ModelFileError: the file is not a valid model file.
        """
        loaded = cls()
        loaded._predictor = Predictor.from_file(Path(path))
        return loaded

    @property
    def predictor(self) -> Predictor:
        """The predictor of the trained or loaded model.

        Raises:
            UsageError: neither `train` nor `load` was called.
        """
        if self._predictor is None:
            raise UsageError("there is no model yet: call train() first, or load()")
        return self._predictor

    @property
    def model(self) -> Any:
        """The trained scikit-learn or Keras model; before that, the estimator given, or None."""
        if self._trained is not None:
            return self._trained.model
        return getattr(self.recipe, "estimator", None)

    @property
    def emotions(self) -> tuple[str, ...]:
        """The classes, in the order of the model's outputs."""
        return self.predictor.model_file.metadata.labels

    def train(self, *, epochs: int | None = None) -> None:
        """Train the model on the training clips.

        Args:
            epochs: of a network, instead of the number of the recipe.

        Raises:
            UsageError: there are no clips, or too few speakers.
        """
        if self.recipe is None:
            self.determine_best_model()
        else:
            self._fit(self.recipe, epochs)

    def determine_best_model(
        self, candidates: Sequence[Any] = CANDIDATES, *, searched: Path | str = "reports/grid"
    ) -> dict[str, float]:
        """Train all candidates and keep the one that is best on the validation clips.

        Args:
            candidates: models, as the class takes them.
            searched: folder with the best parameters that `ser search` wrote; a recipe without
                a file there keeps its own.

        Returns:
            the UAR of each on the validation clips, 0 to 1, the best first. A second model of
            the same name gets a number: ``SVC 2``.
        """
        recipes = with_own_names(
            [load_best(as_recipe(model, **self._changes), Path(searched)) for model in candidates]
        )
        ranking = []
        for recipe in recipes:
            self._fit(recipe, None)
            ranking.append((self._scores("validation").uar, recipe))
        ranking.sort(key=lambda scored: -scored[0])
        self._fit(ranking[0][1], None)
        self._say(f"best model: {ranking[0][1].name}, UAR {ranking[0][0]:.1%} on validation clips")
        return {recipe.name: uar for uar, recipe in ranking}

    def test_score(self) -> float:
        """Return the accuracy on the test clips, 0 to 1."""
        return self._scores("test").accuracy

    def train_score(self) -> float:
        """Return the accuracy on the training clips, 0 to 1."""
        return self._scores("train").accuracy

    def predict(self, path: Path | str) -> str:
        """Return the predicted emotion of an audio file.

        Raises:
            AudioError: the file cannot be predicted.
        """
        return self.predictor.predict(Path(path)).emotion

    def predict_proba(self, path: Path | str) -> dict[str, float]:
        """Return the probability of each emotion for an audio file; they sum to 1.

        Raises:
            AudioError: the file cannot be predicted.
        """
        return self.predictor.predict(Path(path)).probabilities

    def confusion_matrix(
        self, *, percentage: bool = True, labeled: bool = True
    ) -> "pandas.DataFrame | np.ndarray":
        """Return the confusion matrix of the test clips; rows are the true emotions.

        Args:
            percentage: return percent of each row, not numbers of clips.
            labeled: return a DataFrame with names, not an array of shape (labels, labels).
        """
        scores = self._scores("test")
        matrix = scores.confusion_percent() if percentage else scores.confusion
        return scores.named_confusion(matrix) if labeled else matrix

    def get_samples_by_class(self) -> "pandas.DataFrame":
        """Return the numbers of clips by emotion and part, with totals, after balancing."""
        import pandas

        recipe = self.recipe or as_recipe(CANDIDATES[0], **self._changes)
        utterances = self._split(recipe).utterances
        counts = {
            part: Counter(utterances[i].emotion for i in rows) for part, rows in self._rows.items()
        }
        table = pandas.DataFrame(counts, index=list(recipe.labels)).fillna(0).astype(int)
        table["total"] = table.sum(axis=1)
        table.loc["total"] = table.sum()
        return table

    def save(self, path: Path | str) -> None:
        """Write the model file, which the app can serve: ``.h5`` for a network, else ``.skops``.

        Raises:
            UsageError: the model is not trained, or `path` has another suffix.
        """
        if self._trained is None or self._dataset is None:
            raise UsageError("there is nothing to save: call train() first")
        suffix = self._trained.recipe.suffix
        if Path(path).suffix != suffix:
            raise UsageError(f"{path} must end in {suffix}")
        split = ", ".join(f"{len(rows)} clips {part}" for part, rows in self._rows.items())
        save(self._trained, Path(path), self._dataset, split=split)

    def _split(self, recipe: Recipe) -> Dataset:
        """Load the clips of a recipe and split them; return the dataset."""
        if not self._data:
            raise UsageError("there are no clips: give data=, the folder of a corpus")
        dataset = load_dataset(self._data, recipe_features(recipe))
        if not self._custom_db:
            corpora = [i for i, u in enumerate(dataset.utterances) if u.corpus != "custom"]
            dataset = dataset.select(corpora)
        dataset = dataset.for_recipe(recipe)
        for line in dataset.notes if self._dataset is None else ():  # it is loaded again and again
            self._say(line)
        parts = "the training", "the test"
        for line in warn_of_split(dataset.utterances, parts, data=self._data):
            warnings.warn(line.removeprefix("warning: "), stacklevel=2)
        rest, test = hold_out_test(dataset.utterances, seed=self.seed)
        rows, validation = hold_out_validation(dataset.utterances, rest, seed=self.seed)
        if recipe.balance:
            rows = dataset.balanced(rows, seed=self.seed)
        self._rows = {"train": rows, "validation": validation, "test": test}
        self._dataset = dataset
        return dataset

    def _say(self, line: str) -> None:
        if self.verbose:
            print(line)  # noqa: T201 - that is what verbose asks for

    def _fit(self, recipe: Recipe, epochs: int | None) -> None:
        dataset = self._split(recipe)
        parts = self._rows["train"], self._rows["validation"]
        trained = train(recipe, dataset, *parts, seed=self.seed, epochs=epochs)
        emotions = [u.emotion for u in dataset.utterances]
        if reason := why_not_fitted([emotions[i] for i in self._rows["validation"]], emotions):
            warnings.warn(f"confidences are not fitted: {reason}", stacklevel=2)
            trained = unfitted(trained)
        self.recipe, self._trained, self._predictor = recipe, trained, trained.predictor()

    def _scores(self, part: str) -> Scores:
        if self._trained is None or self._dataset is None:
            raise UsageError("there is nothing to score: call train() first")
        labels = self._trained.recipe.labels
        if part == "validation":
            return score(*self._trained.validate(self._dataset), labels)
        rows = self._rows[part]
        probabilities = self._trained.probabilities(self._dataset.features[rows])
        return score(self._dataset.label_indices(labels)[rows], probabilities, labels)
