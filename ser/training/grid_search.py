"""Grid search over the parameters of a recipe, on validation speakers only."""

import json
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ser.data.dataset import Dataset
from ser.errors import UsageError
from ser.metrics import uar
from ser.models.recipes import RECIPES, KerasRecipe, Recipe
from ser.models.sklearn_models import flat
from ser.training.sklearn_wrapper import as_estimator

FOLDS = 3
#: Fractions of the training clips on which recipes are compared.
FRACTIONS = (0.25, 0.5, 1.0)


@dataclass(frozen=True)
class SearchResult:
    """The best parameters of a search.

    Attributes:
        params: by the names of `Recipe.grid`.
        uar: mean over the validation folds, 0 to 1.
        tried: number of combinations that were tried.
        seconds: duration of the search.
    """

    recipe: str
    params: dict[str, Any]
    uar: float
    tried: int
    seconds: float


@dataclass(frozen=True)
class Timing:
    """A recipe fitted on a fraction of the clips: its UAR on validation speakers, and times.

    Attributes:
        share: the fraction, 0 to 1; the name is that of the JSON key.
        clips: number of clips it was fitted on.
    """

    recipe: str
    share: float
    clips: int
    uar: float
    fit_seconds: float
    predict_seconds: float


def check_grid(recipe: Recipe) -> None:
    """Raise UsageError if a recipe has no grid to search."""
    if not recipe.grid:
        others = ", ".join(name for name, other in RECIPES.items() if other.grid)
        raise UsageError(f"recipe {recipe.name!r} has no grid to search; these have: {others}")


def search(
    recipe: Recipe, dataset: Dataset, *, seed: int = 0, most: int | None = None
) -> SearchResult:
    """Try the grid of a recipe with scikit-learn; score each combination on held-out speakers.

    It runs on the joblib backend of the caller: see `ser.data.parallel.joblib_workers`. The
    training rows of a fold are balanced if the recipe says so. Networks are fitted as
    `ser.training.sklearn_wrapper.as_estimator` builds them.

    Args:
        dataset: of the recipe (`Dataset.for_recipe`), without the test speakers.
        most: number of combinations to try; drawn at random if the grid has more.

    Raises:
        UsageError: the recipe has no grid, or there are fewer than two speakers.
    """
    from sklearn.model_selection import GridSearchCV, ParameterGrid

    check_grid(recipe)
    combinations = list(ParameterGrid({k: list(v) for k, v in recipe.grid.items()}))
    if most and most < len(combinations):
        chosen = np.random.default_rng(seed).choice(len(combinations), most, replace=False)
        combinations = [combinations[i] for i in sorted(chosen)]
    x, y = _training_data(recipe, dataset)
    splits = [
        (_balanced_rows(recipe, dataset, train, seed), validation)
        for train, validation in folds(dataset, seed=seed)
    ]
    started = time.monotonic()
    result = GridSearchCV(
        as_estimator(recipe, seed=seed),
        [_sklearn_params(recipe, params, seed) for params in combinations],
        scoring=score_uar,
        cv=splits,
        refit=False,
    ).fit(x, y)
    return SearchResult(
        recipe=recipe.name,
        params=combinations[result.best_index_],
        uar=round(float(result.best_score_), 4),
        tried=len(combinations),
        seconds=round(time.monotonic() - started, 1),
    )


def with_params(recipe: Recipe, params: dict[str, Any]) -> Recipe:
    """Return the recipe with other parameters, such as those of a search."""
    if isinstance(recipe, KerasRecipe):
        return replace(recipe, **params)
    return replace(recipe, params={**recipe.params, **params})


def compare(recipe: Recipe, dataset: Dataset, *, seed: int = 0) -> list[Timing]:
    """Fit a recipe on `FRACTIONS` of the training clips; score it on validation speakers."""
    x, y = _training_data(recipe, dataset)
    train, validation = folds(dataset, seed=seed)[0]
    shuffled = np.random.default_rng(seed).permutation(train)
    timings = []
    for fraction in FRACTIONS:
        rows = shuffled[: max(1, round(fraction * len(shuffled)))]
        rows = _balanced_rows(recipe, dataset, rows, seed)
        model = as_estimator(recipe, seed=seed)
        started = time.perf_counter()
        model.fit(x[rows], y[rows])
        fitted = time.perf_counter()
        result = score_uar(model, x[validation], y[validation])
        ended = time.perf_counter()
        timings.append(
            Timing(recipe.name, fraction, len(rows), result, fitted - started, ended - fitted)
        )
    return timings


def folds(dataset: Dataset, *, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the (training rows, validation rows) of each fold; no known speaker is in both.

    Raises:
        UsageError: speakers are known, and there is only one.
    """
    from sklearn.model_selection import GroupKFold, KFold

    speakers = [u.speaker for u in dataset.utterances]
    if not all(speakers):
        return list(KFold(FOLDS, shuffle=True, random_state=seed).split(speakers))
    if len(set(speakers)) < 2:
        raise UsageError("a search needs two speakers or more, one to fit on and one to score on")
    splitter = GroupKFold(min(FOLDS, len(set(speakers))), shuffle=True, random_state=seed)
    return list(splitter.split(speakers, groups=speakers))


def score_uar(estimator: Any, x: np.ndarray, y: np.ndarray) -> float:
    """Return the UAR of a fitted estimator; a regressor predicts the label of the nearest value.

    Args:
        x: features, shape (n, features).
        y: label indices, or the values of a regressor's labels; shape (n,).
    """
    from sklearn.base import is_regressor

    predicted = estimator.predict(x)
    if is_regressor(estimator):
        values = np.unique(y)
        predicted = values[np.abs(predicted[:, np.newaxis] - values).argmin(axis=1)]
    return uar(y, predicted)


def save_best(result: SearchResult, folder: Path) -> Path:
    """Write the result of a search into a folder, for `load_best`; return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{result.recipe}.json"
    path.write_text(json.dumps(asdict(result), indent=2) + "\n")
    return path


def load_best(recipe: Recipe, folder: Path) -> Recipe:
    """Return the recipe with the parameters that `save_best` wrote; if it wrote none, as it is."""
    path = folder / f"{recipe.name}.json"
    if not path.is_file():
        return recipe
    params = json.loads(path.read_text())["params"]
    # The tuples of a grid are lists in JSON.
    return with_params(
        recipe, {k: tuple(v) if isinstance(v, list) else v for k, v in params.items()}
    )


def _balanced_rows(recipe: Recipe, dataset: Dataset, rows: np.ndarray, seed: int) -> np.ndarray:
    """Return the training rows, balanced if the recipe says so."""
    return dataset.balanced(rows, seed=seed) if recipe.balance else rows


def _training_data(recipe: Recipe, dataset: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Return features of shape (n, features), and targets of shape (n,)."""
    y = dataset.label_indices(recipe.labels)
    values = getattr(recipe, "values", ())
    return flat(dataset.features), np.asarray(values)[y] if values else y


def _sklearn_params(recipe: Recipe, params: dict[str, Any], seed: int) -> dict[str, list[Any]]:
    """Return a combination of parameters in the form of scikit-learn's search."""
    if isinstance(recipe, KerasRecipe):
        wrapped = as_estimator(replace(recipe, **params), seed=seed)
        return {"model_kwargs": [wrapped.model_kwargs], "fit_kwargs": [wrapped.fit_kwargs]}
    step = "model__" if recipe.scaling else ""
    return {step + name: [value] for name, value in params.items()}
