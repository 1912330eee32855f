"""The configuration of a Keras 2 model, in the form that Keras 3 reads.

Keras 2 is Keras 2.0 to 2.3 and `tf.keras` up to TensorFlow 2.15. Keras 3 reads the weights of
their ``.h5`` files, but not every key of their layers, and some values mean something else in it.
`_KEYS` has all of these keys. What only training reads goes too, because Keras 3 refuses some of
it: initializers, regularizers and constraints.

Checked against the files and the answers of the package tf-keras 2.21, which is Keras 2.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ser.errors import ModelFileError

#: The activation that Keras 2 calls ``hard_sigmoid``, as Keras 3 names a function that is not its
#: own; `register_hard_sigmoid` registers it. Keras 3's ``hard_sigmoid`` has another slope, 1/6.
HARD_SIGMOID = {
    "module": "builtins",
    "class_name": "function",
    "config": "keras2_hard_sigmoid",
    "registered_name": "ser>keras2_hard_sigmoid",
}

_TRAINING_ONLY = re.compile(r".*_(initializer|regularizer|constraint)")
_FUNCTIONAL = re.compile(r"(tf_)?keras(\.src)?\.engine\.functional")  # its module in Keras 2.12 on
_SPATIAL_DROPOUT = ("SpatialDropout1D", "SpatialDropout2D")
_WITHOUT_GROUPS = ("Conv1DTranspose", "Conv2DTranspose", "DepthwiseConv1D", "DepthwiseConv2D")
_RECURRENT = ("LSTM", "GRU", "SimpleRNN", "RNN", "Bidirectional")
_MODELS = ("Sequential", "Functional", "Model")
# Names that TensorFlow 1.13 to 2.0 gave to the same layers.
_RENAMED = {
    "BatchNormalizationV1": "BatchNormalization",
    "BatchNormalizationV2": "BatchNormalization",
    "UnifiedLSTM": "LSTM",
    "UnifiedGRU": "GRU",
}
_DROPPED = object()


class _Key(NamedTuple):
    """What becomes of a key of a layer.

    Attributes:
        classes: of layers that have the key; empty for all.
        only: the values that the key may have; Keras 3 can do no other. None allows all.
        name: in Keras 3.
        value: takes the value in Keras 2 and returns the one in Keras 3, or `_DROPPED`.
        absent: the value that an older version meant when it did not write the key.
    """

    classes: tuple[str, ...] = ()
    only: tuple[Any, ...] | None = None
    name: str = ""
    value: Callable[[Any], Any] = lambda _: _DROPPED
    absent: Any = _DROPPED


def _any_batch(shape: list[Any]) -> list[Any]:
    """Return the shape of an input for batches of any size; windows come in any number."""
    return [None, *shape[1:]]


def _activation(name: Any) -> Any:
    return HARD_SIGMOID if name == "hard_sigmoid" else _parts(name)


def _axis(axis: Any) -> Any:
    return axis[0] if isinstance(axis, list) and len(axis) == 1 else axis


_KEYS: dict[str, _Key] = {
    "batch_input_shape": _Key(name="batch_shape", value=_any_batch),
    "batch_shape": _Key(value=_any_batch),
    # All is computed in float32, also what was trained in float16 or float64.
    "dtype": _Key(),
    "input_dtype": _Key(),
    "autocast": _Key(),
    "dynamic": _Key(only=(False,)),
    "activation": _Key(value=_activation),
    "recurrent_activation": _Key(value=_activation),
    "axis": _Key(value=_axis),
    # Recurrent layers. Time is never the first axis here: that is the batch.
    "time_major": _Key(_RECURRENT, only=(False, None)),
    "implementation": _Key(),  # ways to compute the same
    "num_constants": _Key(_RECURRENT, only=(0, None)),
    "reverse_state_order": _Key(("StackedRNNCells",), only=(False,)),
    # The state of a clip must not go into the next clip.
    "stateful": _Key(_RECURRENT, value=lambda _: False),
    "reset_after": _Key(("GRU", "GRUCell"), value=bool, absent=False),
    # Other layers.
    "groups": _Key(_WITHOUT_GROUPS, only=(1,)),
    "alpha": _Key(("LeakyReLU",), name="negative_slope", value=float),
    "noise_shape": _Key(_SPATIAL_DROPOUT),
    "trainable": _Key(_SPATIAL_DROPOUT),
    "synchronized": _Key(("BatchNormalization",)),
    "virtual_batch_size": _Key(("BatchNormalization",)),
    "fused": _Key(("BatchNormalization",)),
}


def register_hard_sigmoid() -> None:
    """Tell Keras what `HARD_SIGMOID` is: clip(x / 5 + 1 / 2, 0, 1)."""
    import keras

    @keras.saving.register_keras_serializable("ser")
    def keras2_hard_sigmoid(x: Any) -> Any:
        return keras.ops.clip(0.2 * x + 0.5, 0.0, 1.0)


def is_keras2(version: str | bytes | None) -> bool:
    """Return whether a file was written before Keras 3, given its attribute ``keras_version``."""
    text = version.decode(errors="replace") if isinstance(version, bytes) else str(version or "")
    major = re.match(r"\d+", text)
    return major is None or int(major[0]) < 3


def as_keras3(architecture: dict[str, Any]) -> dict[str, Any]:
    """Return the configuration of a Keras 2 model in the form of Keras 3.

    Args:
        architecture: as the attribute ``model_config`` holds it.

    Raises:
        ModelFileError: a layer has a setting that Keras 3 cannot do.
    """
    return _object(architecture)


def _object(node: dict[str, Any]) -> dict[str, Any]:
    """Return a model, a layer or another object, with what it holds, in the form of Keras 3."""
    name = _RENAMED.get(node["class_name"], node["class_name"])
    new = {key: value for key, value in node.items() if key != "build_config"}
    new["class_name"] = name
    if name in _MODELS:
        new["config"] = _model(name, node["config"])
    elif isinstance(node.get("config"), dict):
        new["config"] = _layer(name, node["config"])
    # Without a module Keras reads each kind of object in another way.
    if "module" not in node or _FUNCTIONAL.fullmatch(str(node["module"])):
        new["module"] = "keras.models" if name in _MODELS else "keras.layers"
        new["registered_name"] = None if "module" in node else node.get("registered_name")
        if name == "Functional":  # it has no public module
            new["class_name"] = "Model"
    return new


def _model(name: str, config: dict[str, Any] | list[Any]) -> dict[str, Any]:
    if isinstance(config, list):  # Sequential before Keras 2.2.3
        config = {"name": "model", "layers": config}
    layers = [_object(layer) for layer in config["layers"]]
    new = {key: value for key, value in config.items() if key != "dtype"}
    if name == "Sequential" and layers:
        first = layers[0]
        shape = first["config"].get("batch_shape")
        if shape is not None and first["class_name"] != "InputLayer":
            layers.insert(0, input_layer(shape))
    for layer in layers:
        if layer["class_name"] != "InputLayer":
            layer["config"].pop("batch_shape", None)
    if name != "Sequential":
        new |= _graph(config, layers)
    return {**new, "layers": layers}


def _graph(config: dict[str, Any], layers: list[dict[str, Any]]) -> dict[str, Any]:
    """Connect the layers of a functional model, and return its ends.

    Keras 2 counts the calls of a model within a model from 1. Keras 3 does so only for outputs,
    and not if it is a Sequential. It also takes a list of one end for a list.
    """
    models = {layer["name"]: layer["class_name"] for layer in layers}

    def moved(tensor: list[Any], from_one: Sequence[str]) -> list[Any]:
        layer, call, *rest = tensor
        return [layer, call - 1 if call and models.get(layer) in from_one else call, *rest]

    for layer in layers:
        layer["inbound_nodes"] = [
            [moved(tensor, _MODELS) for tensor in node] if isinstance(node, list) else node
            for node in layer["inbound_nodes"]
        ]
    ends = {}
    for key in ("input_layers", "output_layers"):
        given = config[key]
        tensors = [given] if given and isinstance(given[0], str) else given
        tensors = [moved(tensor, ("Sequential",)) for tensor in tensors]
        ends[key] = tensors[0] if len(tensors) == 1 else tensors
    return ends


def input_layer(shape: list[Any], name: str | None = None) -> dict[str, Any]:
    """Return the configuration of an input.

    Args:
        shape: with the batch in front, None for any size.
    """
    config = {"batch_shape": shape} | ({"name": name} if name else {})
    return {
        "module": "keras.layers",
        "class_name": "InputLayer",
        "config": config,
        "registered_name": None,
    }


def _layer(name: str, config: dict[str, Any]) -> dict[str, Any]:
    """Return the configuration of a layer, with the layers in it."""
    new = {}
    absent = {
        key: rule.absent
        for key, rule in _KEYS.items()
        if rule.absent is not _DROPPED and name in rule.classes
    }
    for key, value in (absent | config).items():
        if _TRAINING_ONLY.fullmatch(key):
            continue
        rule = _KEYS.get(key)
        if rule is None or (rule.classes and name not in rule.classes):
            new[key] = _parts(value)
            continue
        if rule.only is not None and value not in rule.only:
            raise ModelFileError(
                f"its layer {config.get('name', name)!r} has {key}={value!r}, which Keras 3 cannot "
                f"do: build it with {key}={rule.only[0]!r} and save the weights again"
            )
        if (translated := rule.value(value)) is not _DROPPED:
            new[rule.name or key] = translated
    return new


def _parts(value: Any) -> Any:
    """Return a value of a configuration; layers in it are translated."""
    if isinstance(value, list):
        return [_parts(item) for item in value]
    if isinstance(value, dict) and "class_name" in value:
        return _object(value)
    return value
