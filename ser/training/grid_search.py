"""Searching the parameters of a recipe on validation speakers; the test speakers stay held out."""

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

FOLDS = 3
#: Shares of the training clips over which families are compared.
SIZES = (0.25, 0.5, 1.0)


@dataclass(frozen=True)
class SearchResult:
    """The best of a search.

    Attributes:
        params: as `Recipe.grid` names them.
        uar: the mean over the validation folds, 0 to 1.
        tried: number of combinations.
        seconds: that the search took.
    """

    recipe: str
    params: dict[str, Any]
    uar: float
    tried: int
    seconds: float


@dataclass(frozen=True)
class Timing:
    """A recipe fitted on a share of the clips: its UAR on validation speakers, and times."""

    recipe: str
    share: float
    clips: int
    uar: float
    fit_seconds: float
    predict_seconds: float


def search(
    recipe: Recipe, dataset: Dataset, *, seed: int = 0, most: int | None = None
) -> SearchResult:
    """Try the recipe's grid by scikit-learn's search, each on speakers it was not fitted on.

    It runs in the joblib backend that the caller has chosen, such as processes or Dask. The
    training rows of each fold are balanced where the recipe is; networks are fitted as
    `ser.training.sklearn_wrapper.as_estimator` makes them.

    Args:
        dataset: of the recipe (`Dataset.for_recipe`), without the test speakers.
        most: number of combinations to try, drawn by lot from a larger grid.

    Raises:
        UsageError: the recipe has no grid, or there are fewer than two speakers.
    """
    from sklearn.model_selection import GridSearchCV, ParameterGrid

    from ser.training.sklearn_wrapper import as_estimator

    combinations = list(ParameterGrid({k: list(v) for k, v in recipe.grid.items()}))
    if not recipe.grid:
        others = ", ".join(name for name, other in RECIPES.items() if other.grid)
        raise UsageError(f"recipe {recipe.name!r} has no grid to search; these have: {others}")
    if most and most < len(combinations):
        chosen = np.random.default_rng(seed).choice(len(combinations), most, replace=False)
        combinations = [combinations[i] for i in sorted(chosen)]
    x, y = _targets(recipe, dataset)
    parts = [
        (_fitted_rows(recipe, dataset, train, seed), validation)
        for train, validation in folds(dataset, seed=seed)
    ]
    started = time.monotonic()
    found = GridSearchCV(
        as_estimator(recipe, seed=seed),
        [_settings(recipe, params, seed) for params in combinations],
        scoring=score_uar,
        cv=parts,
        refit=False,
    ).fit(x, y)
    return SearchResult(
        recipe=recipe.name,
        params=combinations[found.best_index_],
        uar=round(float(found.best_score_), 4),
        tried=len(combinations),
        seconds=round(time.monotonic() - started, 1),
    )


def with_params(recipe: Recipe, params: dict[str, Any]) -> Recipe:
    """Return a recipe with parameters that a search found."""
    if isinstance(recipe, KerasRecipe):
        return replace(recipe, **params)
    return replace(recipe, params={**recipe.params, **params})


def compare(recipe: Recipe, dataset: Dataset, *, seed: int = 0) -> list[Timing]:
    """Fit a recipe on shares of the training clips, and score it on validation speakers."""
    from ser.training.sklearn_wrapper import as_estimator

    x, y = _targets(recipe, dataset)
    train, validation = folds(dataset, seed=seed)[0]
    order = np.random.default_rng(seed).permutation(train)
    measured = []
    for share in SIZES:
        rows = order[: max(1, round(share * len(order)))]
        rows = _fitted_rows(recipe, dataset, rows, seed)
        model = as_estimator(recipe, seed=seed)
        started = time.perf_counter()
        model.fit(x[rows], y[rows])
        fitted = time.perf_counter()
        result = score_uar(model, x[validation], y[validation])
        ended = time.perf_counter()
        measured.append(
            Timing(recipe.name, share, len(rows), result, fitted - started, ended - fitted)
        )
    return measured


def folds(dataset: Dataset, *, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return (training rows, validation rows) of each; no speaker, where known, is in both."""
    from sklearn.model_selection import GroupKFold, KFold

    speakers = [u.speaker for u in dataset.utterances]
    if not all(speakers):
        return list(KFold(FOLDS, shuffle=True, random_state=seed).split(speakers))
    if len(set(speakers)) < 2:
        raise UsageError("a search needs two speakers or more, one to fit on and one to score on")
    splitter = GroupKFold(min(FOLDS, len(set(speakers))), shuffle=True, random_state=seed)
    return list(splitter.split(speakers, groups=speakers))


def score_uar(estimator: Any, x: np.ndarray, y: np.ndarray) -> float:
    """Return the UAR of a fitted estimator; a regressor's answer is the nearest value."""
    from sklearn.base import is_regressor

    predicted = estimator.predict(x)
    if is_regressor(estimator):
        values = np.unique(y)
        predicted = values[np.abs(predicted[:, np.newaxis] - values).argmin(axis=1)]
    return uar(y, predicted)


def save_best(found: SearchResult, folder: Path) -> Path:
    """Write what was found, where `stored` reads it."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{found.recipe}.json"
    path.write_text(json.dumps(asdict(found), indent=2) + "\n")
    return path


def load_best(recipe: Recipe, folder: Path) -> Recipe:
    """Return a recipe with the parameters that a search stored; as it is where none did."""
    path = folder / f"{recipe.name}.json"
    if not path.is_file():
        return recipe
    params = json.loads(path.read_text())["params"]
    # JSON has lists for the tuples of a grid.
    return with_params(
        recipe, {k: tuple(v) if isinstance(v, list) else v for k, v in params.items()}
    )


def _fitted_rows(recipe: Recipe, dataset: Dataset, rows: np.ndarray, seed: int) -> np.ndarray:
    """Return the training rows, balanced where the recipe is."""
    return dataset.balanced(rows, seed=seed) if recipe.balance else rows


def _targets(recipe: Recipe, dataset: Dataset) -> tuple[np.ndarray, np.ndarray]:
    y = dataset.label_indices(recipe.labels)
    values = getattr(recipe, "values", ())
    return flat(dataset.features), np.asarray(values)[y] if values else y


def _settings(recipe: Recipe, params: dict[str, Any], seed: int) -> dict[str, list[Any]]:
    """Return one combination as scikit-learn's search takes it."""
    if isinstance(recipe, KerasRecipe):
        from ser.training.sklearn_wrapper import as_estimator

        wrapped = as_estimator(replace(recipe, **params), seed=seed)
        return {"model_kwargs": [wrapped.model_kwargs], "fit_kwargs": [wrapped.fit_kwargs]}
    step = "model__" if recipe.scaling else ""
    return {step + name: [value] for name, value in params.items()}
