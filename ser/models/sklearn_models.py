"""scikit-learn models: made from data, asked for probabilities, kept as ``.skops`` files.

Never as pickle or joblib: those run what is in the file. skops builds known types alone.
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

#: What skops does not trust by itself and a model file may hold: arrays of numbers, no code.
TRUSTED_TYPES = (
    "sklearn.tree._tree.Tree",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
)
_SCALERS = {"minmax": "preprocessing.MinMaxScaler", "standard": "preprocessing.StandardScaler"}
_METADATA = "ser.json"  # the member of the zip that skops does not look at
_SCHEMA = "schema.json"  # skops's own: the tree of objects, which names the other members


def make_estimator(
    estimator: Any, params: Mapping[str, Any], *, scaling: str = "", seed: int = 0
) -> Any:
    """Return an unfitted scikit-learn estimator, as a Pipeline where features are scaled.

    Args:
        estimator: where it is within scikit-learn, such as ``"svm.SVC"``, or an estimator,
            which is copied.
        params: of its constructor.
        scaling: ``minmax``, ``standard`` or none; fitted on what the estimator is fitted on.
        seed: its `random_state`, where it has one that is not set.
    """
    from sklearn.base import clone
    from sklearn.pipeline import Pipeline

    model = _class(estimator)() if isinstance(estimator, str) else clone(estimator)
    model.set_params(**params)
    unset = {k: seed for k, v in model.get_params().items() if _is_seed(k) and v is None}
    model.set_params(**unset)
    if not scaling:
        return model
    return Pipeline([("scaler", _class(_SCALERS[scaling])()), ("model", model)])


def _is_seed(name: str) -> bool:
    return name == "random_state" or name.endswith("__random_state")


def _class(name: str) -> Any:
    module, _, cls = name.rpartition(".")
    return getattr(import_module(f"sklearn.{module}"), cls)


def flat(x: np.ndarray) -> np.ndarray:
    """Return features as scikit-learn takes them: (batch, *shape) to (batch, numbers)."""
    return x.reshape(len(x), -1)


def class_probabilities(
    estimator: Any, x: np.ndarray, *, n_labels: int, values: Sequence[float] = ()
) -> np.ndarray:
    """Return what a fitted estimator says of features: (batch, *shape) to (batch, n_labels).

    A classifier without probabilities gives the softmax of its decision function; a
    regressor, of the negative squared distance to each label's value. The temperature of the
    model file makes confidences of both.

    Args:
        n_labels: the classifier was fitted on label indices below it.
        values: of a regressor, the number that each label was fitted as.
    """
    from scipy.special import softmax
    from sklearn.base import is_regressor

    rows = flat(x)
    if is_regressor(estimator):
        distance = estimator.predict(rows)[:, np.newaxis] - np.asarray(values)
        return softmax(-(distance**2), axis=1)
    classes = np.asarray(estimator.classes_, int)
    if hasattr(estimator, "predict_proba"):
        known = estimator.predict_proba(rows)
    elif hasattr(estimator, "decision_function"):
        decision = estimator.decision_function(rows)
        if decision.ndim == 1:  # two classes: one number
            decision = np.stack([-decision / 2, decision / 2], axis=1)
        known = softmax(decision, axis=1)
    else:
        known = estimator.predict(rows)[:, np.newaxis] == classes
    answer = np.zeros((len(rows), n_labels))
    answer[:, classes] = known  # a label without a training clip is never the answer
    return answer


def check_labels(estimator: Any, *, n_labels: int, values: Sequence[float]) -> None:
    """Refuse a fitted estimator that does not answer with the labels of its model file.

    Raises:
        ModelFileError: a class of it is none of the `n_labels` label indices, or it is a
            regressor and the labels have no values, or it is neither.
    """
    from sklearn.base import is_classifier, is_regressor

    if is_regressor(estimator):
        if not values:
            raise ModelFileError("a regressor needs a value of each label")
    elif not is_classifier(estimator):
        raise ModelFileError(f"{type(estimator).__name__} is no classifier and no regressor")
    elif odd := sorted(set(estimator.classes_.tolist()) - set(range(n_labels))):
        raise ModelFileError(
            f"{n_labels} labels, but the classifier's classes have {odd[-1]!r} too"
        )


def dump(estimator: Any, path: Path) -> None:
    """Write a fitted estimator as a ``.skops`` file, without the state of its optimizer.

    Raises:
        ModelFileError: `load` would refuse the file.
    """
    skops = _skops()
    for step in getattr(estimator, "named_steps", {"": estimator}).values():
        vars(step).pop("_optimizer", None)  # of an MLP: two more copies of its weights
    skops.dump(estimator, path)
    check_trusted(path)


def load(path: Path) -> Any:
    """Return the estimator of a ``.skops`` file, built of trusted types alone.

    Raises:
        ModelFileError: it holds another type, or is broken.
    """
    skops = _skops()
    check_trusted(path)
    from sklearn.base import BaseEstimator

    try:
        estimator = skops.load(path, trusted=list(TRUSTED_TYPES))
    except Exception as error:  # skops and scikit-learn raise of every kind for a broken file
        reason = str(error).partition("\n")[0]
        raise ModelFileError(f"scikit-learn cannot build it: {reason}") from error
    if not isinstance(estimator, BaseEstimator):
        raise ModelFileError(f"it holds no scikit-learn model but {type(estimator).__name__}")
    return estimator


def check_trusted(path: Path) -> None:
    """Raise `ModelFileError` where a ``.skops`` file holds a type that is not trusted."""
    skops = _skops()
    try:
        untrusted = set(skops.get_untrusted_types(file=path)) - set(TRUSTED_TYPES)
    except Exception as error:
        reason = str(error).partition("\n")[0]
        raise ModelFileError(f"skops cannot read it: {reason}") from error
    if untrusted:
        raise ModelFileError(
            f"it holds {', '.join(sorted(untrusted))}, and only scikit-learn's models are built"
        )


def check_size(path: Path) -> None:
    """Refuse a ``.skops`` file that would unpack to more than `MAX_BYTES`; nothing is unpacked.

    Each object that names a member of the zip has a copy of it in memory. A sparse matrix is
    a zip in the zip, which says nothing of its size from outside; no recipe makes one.

    Raises:
        ModelFileError: it would, or it holds a sparse matrix.
    """
    with zipfile.ZipFile(path) as file:
        sizes = {member.filename: member.file_size for member in file.infolist()}
        taken = sum(sizes.values())

        def count(node: dict[str, Any]) -> None:
            nonlocal taken
            taken += sizes.get(node.get("file", ""), 0)
            if node.get("__loader__") == "SparseMatrixNode":
                raise ModelFileError("it holds a sparse matrix; plain arrays are served")

        if taken <= MAX_BYTES and _SCHEMA in sizes:
            json.loads(file.read(_SCHEMA), object_hook=count)
    if taken > MAX_BYTES:
        raise ModelFileError(f"it unpacks to {taken} bytes; {MAX_BYTES} are the limit")


def _skops() -> Any:
    try:
        import skops.io
    except ImportError as error:
        raise ModelFileError(
            "a scikit-learn model needs skops, which serving a .h5 does without: "
            "pip install skops scikit-learn"
        ) from error
    return skops.io


def read_metadata(path: Path) -> str | None:
    """Return the metadata in a ``.skops`` file, as JSON; None where there is none."""
    with zipfile.ZipFile(path) as file:
        return file.read(_METADATA).decode() if _METADATA in file.namelist() else None


def write_metadata(path: Path, metadata: dict[str, Any]) -> None:
    """Put metadata into the ``.skops`` file at `path`, instead of what was there."""
    partial = path.with_name(f".{path.stem}.metadata.skops")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            if name != _METADATA:
                new.writestr(name, old.read(name))
        new.writestr(_METADATA, json.dumps(metadata))
    partial.replace(path)
