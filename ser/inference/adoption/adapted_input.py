"""Layers in front of a model: its input takes the shape of our features, and is scaled.

Other people scale features outside of the model. A model file of ours holds all that it needs, so
the scaling becomes layers. Layers without weights leave the weights of the file as they are.
"""

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from ser.errors import ModelFileError, UsageError
from ser.filenames import show_path
from ser.models.keras2 import input_layer

_INPUT = "ser_features"
#: What a file may call the two rows of a scaling; scikit-learn's attributes end in `_`.
_STANDARD, _MINMAX = ("mean", "scale"), ("min", "max")
_OTHER_NAMES = {"std": "scale", "data_min": "min", "data_max": "max"}
_MINMAX_ATTRIBUTES = {"data_min", "data_max", "min", "scale"}
#: Settings of the scalers, with the only values that fit to these rows.
_SETTINGS = {"with_mean": [1], "with_std": [1], "clip": [0], "feature_range": [0, 1]}


@dataclass(frozen=True)
class Scaling:
    """A scaling of features: (x - shift) / scale.

    Attributes:
        shift, scale: one number, or one for each number of the features; shape (n,), float64.
    """

    shift: np.ndarray
    scale: np.ndarray


def read_scaling(path: Path) -> Scaling:
    """Read a scaling from an ``.npz``, ``.json`` or ``.csv`` file.

    It holds `mean` and `scale` (or `std`), as a StandardScaler has them, or `min` and `max` of the
    training data, which a MinMaxScaler maps to 0 and 1. A ``.csv`` has a column for each. All
    attributes of such a scaler are a scaling, too.

    Raises:
        UsageError: the file cannot be read, or does not hold one scaling.
    """
    readers = {".npz": _npz, ".json": _json, ".csv": _csv}
    if path.suffix.lower() not in readers:
        raise UsageError(
            f"{show_path(path)}: a scaling is read from {', '.join(readers)}; a pickle could run "
            "code: save scaler.mean_ and scaler.scale_ with numpy.savez(…, mean=…, scale=…)"
        )
    try:
        given = readers[path.suffix.lower()](path)
        arrays = {_plain(key): np.asarray(v, float).ravel() for key, v in given.items()}
        scaling = _scaling(arrays) if len(arrays) == len(given) else None
    except (
        ValueError, TypeError, KeyError, AttributeError, EOFError, BadZipFile, csv.Error
    ) as error:  # fmt: skip
        raise UsageError(f"{show_path(path)} does not hold a scaling: {error}") from error
    for name, only in _SETTINGS.items():
        if name in arrays and arrays[name].tolist() != only:
            raise UsageError(
                f"{show_path(path)}: its {name} is {arrays[name].tolist()}, and only {only} can be "
                "adopted; give mean and scale of (x - mean) / scale"
            )
    if scaling is None:
        raise UsageError(
            f"{show_path(path)} has {', '.join(sorted(given)) or 'nothing'}; a scaling is mean and "
            "scale, or min and max: give one of them"
        )
    numbers = np.concatenate([scaling.shift, scaling.scale])
    if not (np.isfinite(numbers).all() and (scaling.scale > 0).all()):
        raise UsageError(f"{show_path(path)}: its numbers must be finite, and its scale positive")
    return scaling


def _plain(key: str) -> str:
    return key.strip().lower().rstrip("_")


def _scaling(arrays: dict[str, np.ndarray]) -> Scaling | None:
    """Return the scaling of the arrays of a file, by their names; None if they are not one."""
    if arrays.keys() >= _MINMAX_ATTRIBUTES and "mean" not in arrays:  # x · scale + min
        return Scaling(-arrays["min"] / arrays["scale"], 1 / arrays["scale"])
    named = {_OTHER_NAMES.get(name, name): array for name, array in arrays.items()}
    is_standard, is_minmax = (named.keys() >= set(names) for names in (_STANDARD, _MINMAX))
    if len(named) < len(arrays) or is_standard == is_minmax:
        return None
    if is_standard:
        return Scaling(named["mean"], named["scale"])
    low, high = named["min"], named["max"]
    return Scaling(low, np.where(high == low, 1, high - low))  # as scikit-learn does


def _npz(path: Path) -> dict[str, Any]:
    with np.load(path, allow_pickle=False) as file:
        return dict(file)


def _json(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text(encoding="utf-8")))


def _csv(path: Path) -> dict[str, Any]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        header, *rows = csv.reader(file)
    return dict(zip(header, zip(*rows, strict=True), strict=True))


def adapt_input(
    architecture: dict[str, Any], shape: tuple[int, ...], scaling: Scaling | None
) -> dict[str, Any]:
    """Return a model whose input takes features of `shape`, and scales them first.

    Args:
        architecture: as `ModelFile.architecture`.
        shape: of the features. The model's own input may have more or fewer axes of length 1.
        scaling: None for none.

    Raises:
        ModelFileError: the model has no single input of a known shape, or one of another size.
        UsageError: the scaling is of another size.
    """
    own = _input_shape(architecture)
    layers = _scaling_layers(scaling, shape) if scaling else []
    if own != shape and None not in own:
        if _long_axes(own) != _long_axes(shape):
            raise ModelFileError(f"it takes input {own}, but the features have shape {shape}")
        layers.append(_layer("Reshape", "ser_shape", target_shape=list(own)))
    if not layers:
        return architecture
    config = architecture["config"]
    if architecture["class_name"] == "Sequential":
        rest = [x for x in config["layers"] if x["class_name"] != "InputLayer"]
        source = input_layer([None, *shape])
        return {**architecture, "config": {**config, "layers": [source, *layers, *rest]}}
    return {**architecture, "config": _with_nodes(config, layers, shape)}


def _long_axes(shape: tuple[int | None, ...]) -> list[int | None]:
    return [n for n in shape if n != 1]


def _layer(kind: str, name: str, **config: Any) -> dict[str, Any]:
    of_keras: dict[str, Any] = {"module": "keras.layers", "registered_name": None}
    return of_keras | {"class_name": kind, "config": {"name": name, **config}}


def _scaling_layers(scaling: Scaling, shape: tuple[int, ...]) -> list[dict[str, Any]]:
    """Return two layers: x · scale - shift · scale in float32 would lose digits of the features."""

    def numbers(values: np.ndarray) -> Any:
        if values.size == 1:
            return values.item()
        if values.size != np.prod(shape):
            raise UsageError(
                f"the scaling has {values.size} numbers, but the features have {np.prod(shape)}"
            )
        return values.reshape(shape).tolist()

    return [
        _layer("Rescaling", "ser_shift", scale=1.0, offset=numbers(-scaling.shift)),
        _layer("Rescaling", "ser_scale", scale=numbers(1 / scaling.scale), offset=0.0),
    ]


def _input_shape(architecture: dict[str, Any]) -> tuple[int | None, ...]:
    """Return the shape of the input without the batch; None is any length."""
    layers = architecture["config"]["layers"]
    inputs = [x for x in layers if x["class_name"] == "InputLayer"]
    if len(inputs) > 1:
        raise ModelFileError(f"it has {len(inputs)} inputs; a model takes the features alone")
    shape = inputs and inputs[0]["config"].get("batch_shape")
    shape = shape or architecture["config"].get("build_input_shape")
    if not shape:
        raise ModelFileError("it does not say the shape of its input")
    return tuple(shape[1:])


def _with_nodes(
    config: dict[str, Any], added: list[dict[str, Any]], shape: tuple[int, ...]
) -> dict[str, Any]:
    """Return a functional model with layers behind its input.

    The last of them takes the name of the old input, so that all others stay as they are.
    """
    (old,) = (x for x in config["layers"] if x["class_name"] == "InputLayer")
    names = [_INPUT, *(x["config"]["name"] for x in added[:-1]), old["name"]]
    chain = []
    for layer, name, before in zip(
        [input_layer([None, *shape]), *added], names, [None, *names], strict=False
    ):
        nodes = [[[before, 0, 0, {}]]] if before else []
        named = {**layer, "config": {**layer["config"], "name": name}}
        chain.append({**named, "name": name, "inbound_nodes": nodes})
    rest = [x for x in config["layers"] if x is not old]
    return {**config, "layers": [*chain, *rest], "input_layers": [_INPUT, 0, 0]}
