"""Small model files for tests, written without Keras."""

import json
from pathlib import Path

import h5py
import numpy as np

from ser.features import FEATURE_SETS
from ser.labels import EMOTIONS
from ser.models.model_file import Metadata


def keras2_layers(n_labels: int = 8, shape=(40, 1)) -> list[dict]:
    """Return the configuration of the classic model as Keras 2 wrote it."""
    conv = {"filters": 16, "kernel_size": [5], "padding": "same", "activation": "relu"}
    return [
        {
            "class_name": "Conv1D",
            "config": {
                "name": "conv1d_1",
                "trainable": True,
                "dtype": "float32",
                "batch_input_shape": [None, *shape],
                "strides": [1],
                "dilation_rate": [1],
                "data_format": "channels_last",
                "use_bias": True,
                **conv,
            },
        },
        {"class_name": "Dropout", "config": {"name": "dropout_1", "rate": 0.1}},
        {
            "class_name": "MaxPooling1D",
            "config": {
                "name": "max_pooling1d_1",
                "pool_size": [8],
                "strides": [8],
                "padding": "valid",
                "data_format": "channels_last",
            },
        },
        {"class_name": "Flatten", "config": {"name": "flatten_1", "data_format": "channels_last"}},
        {
            "class_name": "Dense",
            "config": {
                "name": "dense_1",
                "units": n_labels,
                "activation": "softmax",
                "use_bias": True,
            },
        },
    ]


def lambda_layers() -> list[dict]:
    """Return the classic model with a `Lambda` layer, which would run code."""
    layers = keras2_layers()
    layers.insert(
        1, {"class_name": "Lambda", "config": {"name": "lambda_1", "function": ["4wEAAAA=", None]}}
    )
    return layers


def classic_weights(
    n_labels: int = 8, seed: int = 0, n_features: int = 40
) -> dict[str, np.ndarray]:
    """Return random weights of the classic model, by Keras 2's names."""
    rng = np.random.default_rng(seed)
    return {
        "conv1d_1/kernel:0": 0.02 * rng.standard_normal((5, 1, 16)),
        "conv1d_1/bias:0": 0.1 * rng.standard_normal(16),
        "dense_1/kernel:0": 0.1 * rng.standard_normal((2 * n_features, n_labels)),
        "dense_1/bias:0": 0.1 * rng.standard_normal(n_labels),
    }


def write_keras2(
    path: Path,
    *,
    layers: list[dict] | None = None,
    n_labels: int = 8,
    weights: dict[str, np.ndarray] | None = None,
    metadata: Metadata | dict | None = None,
) -> dict[str, np.ndarray]:
    """Write the ``.h5`` of a Keras 2 model with `metadata` as attribute; return its weights."""
    layers = layers or keras2_layers(n_labels)
    weights = weights or classic_weights(n_labels)
    weights = {k: w.astype(np.float32) for k, w in weights.items()}
    with h5py.File(path, "w") as file:
        file.attrs["keras_version"] = "2.2.4"
        file.attrs["backend"] = "tensorflow"
        config = {"class_name": "Sequential", "config": {"name": "sequential_1", "layers": layers}}
        file.attrs["model_config"] = json.dumps(config)
        if metadata is not None:
            data = metadata if isinstance(metadata, dict) else {"format": 1, **vars(metadata)}
            file.attrs["ser"] = json.dumps(data)
        group = file.create_group("model_weights")
        names = [layer["config"].get("name", f"layer_{i}") for i, layer in enumerate(layers)]
        group.attrs["layer_names"] = [name.encode() for name in names]
        group.attrs["keras_version"] = b"2.2.4"
        group.attrs["backend"] = b"tensorflow"
        for name in names:
            own = [key for key in weights if key.startswith(f"{name}/")]
            layer = group.create_group(name)
            layer.attrs["weight_names"] = [key.encode() for key in own]
            for key in own:
                layer.create_dataset(key, data=weights[key])
    return weights


def write_relative(path: Path, *, seed: int = 0) -> Path:
    """Write a model that takes a reference: its answer follows the mean of its input over time."""
    config = {"name": "pool_1", "batch_input_shape": [None, 200, 40], "dtype": "float32"}
    dense = {"name": "dense_1", "units": 8, "activation": "softmax", "use_bias": True}
    layers = [
        {"class_name": "GlobalAveragePooling1D", "config": config},
        {"class_name": "Dense", "config": dense},
    ]
    rng = np.random.default_rng(seed)
    kernel = 0.1 * rng.standard_normal((40, 8))
    kernel[0] = 0  # the level
    weights = {"dense_1/kernel:0": kernel, "dense_1/bias:0": 0.1 * rng.standard_normal(8)}
    described = metadata(name="relative", features=FEATURE_SETS["mfcc40-relative"].to_metadata())
    write_keras2(path, layers=layers, weights=weights, metadata=described)
    return path


def metadata(**changes) -> Metadata:
    """Return valid metadata of a classic model, with changes."""
    fields = {
        "name": "test",
        "labels": EMOTIONS,
        "features": FEATURE_SETS["mfcc40-mean"].to_metadata(),
    }
    return Metadata(**fields | changes)


def forward(weights: dict[str, np.ndarray], x: np.ndarray) -> np.ndarray:
    """Compute the classic model in plain NumPy: (batch, 8 n, 1) to (batch, labels)."""
    logits = embedding(weights, x) @ weights["dense_1/kernel:0"] + weights["dense_1/bias:0"]
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def embedding(weights: dict[str, np.ndarray], x: np.ndarray) -> np.ndarray:
    """Compute the input of the classic model's last layer: (batch, 8 n, 1) to (batch, 16 n)."""
    padded = np.pad(x[:, :, 0].astype(np.float64), ((0, 0), (2, 2)))
    frames = np.lib.stride_tricks.sliding_window_view(padded, 5, axis=1)
    conv = frames @ weights["conv1d_1/kernel:0"][:, 0, :] + weights["conv1d_1/bias:0"]
    return np.maximum(conv, 0).reshape(len(x), -1, 8, 16).max(axis=2).reshape(len(x), -1)
