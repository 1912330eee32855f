"""The scikit-learn classifiers and regressors over 180 mean features that one library compares.

The grids are the source's. Its best parameters are in pickle files, which are not read here: the
recipes have scikit-learn's defaults, and `ser search` searches.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ser.models.label_sets import LabelSet, find_label_set
from ser.models.recipes.base import EstimatorRecipe, Published

SOURCE = "github.com/x4nth055/emotion-recognition-using-speech"
DATA = "RAVDESS, TESS, EMO-DB and its own recordings"
_THREE = find_label_set("sad,neutral,happy")
_FIVE = find_label_set("angry,sad,neutral,surprise,happy")
_NOTE = "Balanced and not scaled, as in the source; the source chose its own split."
_NOTE_ON_ACCURACY = (
    "The source searched the parameters and used audio at 16 kHz; the recipe has scikit-learn's "
    "defaults."
)

_TREES = {
    "n_estimators": (10, 40, 70, 100),
    "max_depth": (3, 5, 7),
    "min_samples_split": (0.2, 0.5, 0.7, 2),
    "min_samples_leaf": (0.2, 0.5, 1, 2),
    "max_features": (0.2, 0.5, 1, 2),
}
_BOOSTED = {
    "learning_rate": (0.05, 0.1, 0.3),
    "n_estimators": (40, 70, 100),
    "subsample": (0.3, 0.5, 0.7, 1.0),
    "min_samples_split": (0.2, 0.5, 0.7, 2),
    "min_samples_leaf": (0.2, 0.5, 1),
    "max_depth": (3, 7),
    "max_features": (1, 2, None),
}
_VECTORS = {
    "C": (0.0005, 0.001, 0.002, 0.01, 0.1, 1, 10),
    "gamma": (0.001, 0.01, 0.1, 1),
    "kernel": ("rbf", "poly", "sigmoid"),
}
_NEIGHBORS = {"weights": ("uniform", "distance"), "p": (1, 2, 3, 4, 5)}
_PERCEPTRON = {
    "hidden_layer_sizes": ((200,), (300,), (400,)),
    "alpha": (0.001, 0.005, 0.01),
    "batch_size": (128, 256, 512, 1024),
    "learning_rate": ("constant", "adaptive"),
    "max_iter": (200, 300, 400, 500),
}
_BAGGED = {
    "n_estimators": (10, 30, 50, 60),
    "max_samples": (0.1, 0.3, 0.5, 0.8, 1.0),
    "max_features": (0.2, 0.5, 1, 2),
}
# The source has no grids for AdaBoost and the single tree; these are ours.
_ADAPTIVE = {"n_estimators": (50, 100, 200), "learning_rate": (0.1, 0.5, 1.0)}
_TREE = {"max_depth": (3, 5, 7, None), "min_samples_leaf": (1, 5, 20)}

#: name: description, class within scikit-learn, grid, published accuracy in percent
_CLASSIFIERS: dict[str, tuple[str, str, Mapping[str, Sequence[Any]], float | None]] = {
    "svc": ("a support vector machine", "svm.SVC", _VECTORS, 81.48),
    "forest": ("a random forest", "ensemble.RandomForestClassifier", _TREES, None),
    "boosting": ("gradient boosting", "ensemble.GradientBoostingClassifier", _BOOSTED, None),
    "neighbors": ("k nearest neighbours", "neighbors.KNeighborsClassifier", _NEIGHBORS, None),
    "perceptron": ("a perceptron", "neural_network.MLPClassifier", _PERCEPTRON, 89.58),
    "bagging": ("bagged trees", "ensemble.BaggingClassifier", _BAGGED, None),
    "adaboost": ("AdaBoost", "ensemble.AdaBoostClassifier", _ADAPTIVE, None),
    "tree": ("a decision tree", "tree.DecisionTreeClassifier", _TREE, None),
}
_REGRESSORS: dict[str, tuple[str, str, Mapping[str, Sequence[Any]]]] = {
    "svr": ("a support vector regressor", "svm.SVR", _VECTORS),
    "forest-regressor": ("a random forest regressor", "ensemble.RandomForestRegressor", _TREES),
    "boosting-regressor": (
        "a gradient boosting regressor", "ensemble.GradientBoostingRegressor", _BOOSTED,
    ),
    "neighbors-regressor": (
        "a k-nearest-neighbours regressor", "neighbors.KNeighborsRegressor", _NEIGHBORS,
    ),
    "perceptron-regressor": (
        "a perceptron regressor", "neural_network.MLPRegressor", _PERCEPTRON,
    ),
    "bagging-regressor": ("bagged regression trees", "ensemble.BaggingRegressor", _BAGGED),
}  # fmt: skip
#: suffix of the name: emotions, and the number that stands for each
_SCALES: dict[str, tuple[LabelSet, tuple[float, ...]]] = {
    "180-three": (_THREE, (0, 1, 2)),
    "180-five": (_FIVE, (1, 2, 3, 4, 5)),
}


def _recipe(name: str, summary: str, accuracy: float | None = None, **own: Any) -> EstimatorRecipe:
    published = Published(accuracy=accuracy, protocol="random:20", source=SOURCE, data=DATA)
    return EstimatorRecipe(
        name=name,
        summary=summary,
        features="mix180",
        balance=True,
        published=published,
        note=_NOTE if accuracy is None else f"{_NOTE} {_NOTE_ON_ACCURACY}",
        **own,
    )


RECIPES = (
    *(
        _recipe(
            f"{name}-180",
            f"{what} over 180 mean features: three emotions",
            accuracy,
            label_set=_THREE,
            estimator=estimator,
            grid=grid,
        )
        for name, (what, estimator, grid, accuracy) in _CLASSIFIERS.items()
    ),
    *(
        _recipe(
            f"{name}-{scale}",
            f"{what} over 180 mean features: {len(values)} emotions as numbers",
            label_set=label_set,
            estimator=estimator,
            values=values,
            grid=grid,
        )
        for scale, (label_set, values) in _SCALES.items()
        for name, (what, estimator, grid) in _REGRESSORS.items()
    ),
)
