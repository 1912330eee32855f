"""scikit-learn models: how they are made, give probabilities, and are stored as ``.skops`` files.

Not as pickle or joblib files, which can run code when they are loaded. skops builds only types
that are trusted.
"""

import json
import zipfile
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from ser.errors import ModelFileError
from ser.models.layer_allowlist import MAX_BYTES

#: Types that a model file may hold though skops does not trust them by default. They hold arrays
#: of numbers, no code.
TRUSTED_TYPES = (
    "sklearn.tree._tree.Tree",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
)
_SCALERS = {"minmax": "preprocessing.MinMaxScaler", "standard": "preprocessing.StandardScaler"}
_METADATA = "ser.json"  # our member of the zip file; skops ignores it
_SCHEMA = "schema.json"  # skops's member: the tree of objects, which names the other members


def make_estimator(
    estimator: Any, params: Mapping[str, Any], *, scaling: str = "", seed: int = 0
) -> Any:
    """Return an unfitted scikit-learn estimator, in a Pipeline if the features are scaled.

    An SVC's decision function is always one of classes, not of pairs of them; what it predicts
    does not depend on that.

    Args:
        estimator: its class within scikit-learn, such as ``"svm.SVC"``, or an estimator, which is
            copied.
        params: of its constructor.
        scaling: ``minmax``, ``standard`` or empty for none; fitted together with the estimator.
        seed: for each `random_state` that is not set.
    """
    from sklearn.base import clone
    from sklearn.pipeline import Pipeline

    model = _class(estimator)() if isinstance(estimator, str) else clone(estimator)
    model.set_params(**params)
    seeds = {k: seed for k, v in model.get_params().items() if _is_seed(k) and v is None}
    model.set_params(**seeds, **dict.fromkeys(_of_pairs(model), "ovr"))
    if not scaling:
        return model
    return Pipeline([("scaler", _class(_SCALERS[scaling])()), ("model", model)])


def _is_seed(name: str) -> bool:
    return name == "random_state" or name.endswith("__random_state")


def _of_pairs(model: Any) -> list[str]:
    """Return the parameters that make a decision function one of pairs of classes."""
    of_shape = "decision_function_shape"
    return [k for k, v in model.get_params().items() if k.endswith(of_shape) and v == "ovo"]


def _class(name: str) -> Any:
    module, _, cls = name.rpartition(".")
    return getattr(import_module(f"sklearn.{module}"), cls)


def flat(x: np.ndarray) -> np.ndarray:
    """Return features in scikit-learn's shape: (batch, *feature shape) to (batch, numbers)."""
    return x.reshape(len(x), -1)


def class_probabilities(
    estimator: Any, x: np.ndarray, *, n_labels: int, values: Sequence[float] = ()
) -> np.ndarray:
    """Return the probabilities that a fitted estimator gives.

    For a classifier without probabilities they are the softmax of its decision function, for a
    regressor the softmax of the negative squared distance to each label's value. The temperature
    of the model file calibrates both.

    Args:
        estimator: a classifier, fitted on label indices, or a regressor, fitted on `values`.
        x: features, shape (batch, *feature shape).
        n_labels: number of labels of the model file.
        values: for a regressor, the number that stands for each label.

    Returns:
        shape (batch, n_labels), float; rows sum to 1.
    """
    from scipy.special import softmax
    from sklearn.base import is_regressor

    rows = flat(x)
    if is_regressor(estimator):
        distance = estimator.predict(rows)[:, np.newaxis] - np.asarray(values)
        return softmax(-(distance**2), axis=1)
    classes = np.asarray(estimator.classes_, int)
    if hasattr(estimator, "predict_proba"):
        probabilities = estimator.predict_proba(rows)
    elif hasattr(estimator, "decision_function"):
        decision = estimator.decision_function(rows)
        if decision.ndim == 1:  # one number for two classes
            decision = np.stack([-decision / 2, decision / 2], axis=1)
        probabilities = softmax(decision, axis=1)
    else:
        probabilities = estimator.predict(rows)[:, np.newaxis] == classes
    of_labels = np.zeros((len(rows), n_labels))
    of_labels[:, classes] = probabilities  # a label without training clips keeps probability 0
    return of_labels


def check_labels(estimator: Any, *, n_labels: int, values: Sequence[float]) -> None:
    """Check that a fitted estimator predicts the labels of its model file.

    Raises:
        ModelFileError: a class of the classifier is not one of the `n_labels` label indices, its
            decision function is not of classes, a regressor has no values of the labels, or the
            estimator is neither.
    """
    from sklearn.base import is_classifier, is_regressor

    if is_regressor(estimator):
        if not values:
            raise ModelFileError("a regressor needs a value for each label")
    elif not is_classifier(estimator):
        raise ModelFileError(f"{type(estimator).__name__} is neither a classifier nor a regressor")
    elif unknown := sorted(set(estimator.classes_.tolist()) - set(range(n_labels))):
        raise ModelFileError(
            f"{n_labels} labels, but the classifier also has the class {unknown[-1]!r}"
        )
    elif (
        len(estimator.classes_) > 2
        and hasattr(estimator, "decision_function")
        and not hasattr(estimator, "predict_proba")
        and (of_pairs := _of_pairs(estimator))
    ):
        raise ModelFileError(
            f"its {of_pairs[0]} is 'ovo', which scores pairs of classes: train it anew with 'ovr'"
        )


def dump(estimator: Any, path: Path) -> None:
    """Write a fitted estimator to a ``.skops`` file, without the state of its optimizer.

    Raises:
        ModelFileError: it holds a type that `load` refuses.
    """
    skops = _skops()
    for step in getattr(estimator, "named_steps", {"": estimator}).values():
        vars(step).pop("_optimizer", None)  # an MLP's: two copies of its weights
    skops.dump(estimator, path)
    check_trusted(path)


def load(path: Path) -> Any:
    """Return the estimator of a ``.skops`` file; only trusted types are built.

    Raises:
        ModelFileError: the file holds another type, or is broken.
    """
    skops = _skops()
    check_trusted(path)
    from sklearn.base import BaseEstimator

    try:
        estimator = skops.load(path, trusted=list(TRUSTED_TYPES))
    except Exception as error:  # skops and scikit-learn raise any type for a broken file
        reason = str(error).partition("\n")[0]
        raise ModelFileError(f"scikit-learn cannot build it: {reason}") from error
    if not isinstance(estimator, BaseEstimator):
        raise ModelFileError(f"it holds {type(estimator).__name__}, not a scikit-learn model")
    return estimator


def check_trusted(path: Path) -> None:
    """Check that a ``.skops`` file holds only trusted types; nothing is built.

    Raises:
        ModelFileError: it holds another type, or skops cannot read it.
    """
    skops = _skops()
    try:
        untrusted = set(skops.get_untrusted_types(file=path)) - set(TRUSTED_TYPES)
    except Exception as error:
        reason = str(error).partition("\n")[0]
        raise ModelFileError(f"skops cannot read it: {reason}") from error
    if untrusted:
        raise ModelFileError(
            f"it holds {', '.join(sorted(untrusted))}; only scikit-learn's models are built"
        )


def check_size(path: Path) -> None:
    """Check how large a ``.skops`` file would be in memory; no array is unpacked.

    Each object that names a member of the zip file makes a copy of it in memory. A sparse matrix
    is refused: it is a zip file of its own, of unknown unpacked size. No recipe makes one.

    Raises:
        ModelFileError: it would take more than `MAX_BYTES`, or it holds a sparse matrix.
    """
    with zipfile.ZipFile(path) as file:
        sizes = {member.filename: member.file_size for member in file.infolist()}
        total = sum(sizes.values())

        def count(node: dict[str, Any]) -> None:
            nonlocal total
            total += sizes.get(node.get("file", ""), 0)
            if node.get("__loader__") == "SparseMatrixNode":
                raise ModelFileError("it holds a sparse matrix; only plain arrays are served")

        if total <= MAX_BYTES and _SCHEMA in sizes:
            json.loads(file.read(_SCHEMA), object_hook=count)
    if total > MAX_BYTES:
        raise ModelFileError(f"it unpacks to {total} bytes; the limit is {MAX_BYTES}")


def _skops() -> Any:
    try:
        import skops.io
    except ImportError as error:
        raise ModelFileError(
            "a scikit-learn model needs skops, which is not installed (a .h5 does not need it): "
            "pip install skops scikit-learn"
        ) from error
    return skops.io


def read_metadata(path: Path) -> str | None:
    """Return the metadata of a ``.skops`` file as JSON text, None if it has none."""
    with zipfile.ZipFile(path) as file:
        return file.read(_METADATA).decode() if _METADATA in file.namelist() else None


def write_metadata(path: Path, metadata: dict[str, Any]) -> None:
    """Write metadata into the ``.skops`` file at `path`, in place of its own."""
    partial = path.with_name(f".{path.stem}.metadata.skops")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            if name != _METADATA:
                new.writestr(name, old.read(name))
        new.writestr(_METADATA, json.dumps(metadata))
    partial.replace(path)
