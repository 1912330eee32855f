"""A one-dimensional ResNet over 178 mean spectral features."""

from typing import Any

from ser.models.label_sets import LABEL_SETS
from ser.models.recipes.base import KerasRecipe, Published

_FIRST = 256
_BLOCKS = ((16, 2), (32, 2), (32, 2), (64, 3), (64, 3), (128, 3), (128, 3))  # filters, layers
_KERNEL = 3
_POOL = 3
_LAST = (256, 128)


def _build(shape: tuple[int, ...], n_labels: int) -> Any:
    import keras
    from keras import layers

    inputs = keras.Input(shape)
    x = layers.Dense(_FIRST, activation="relu")(layers.Flatten()(inputs))
    x = layers.Reshape((_FIRST, 1))(x)
    for filters, n_layers in _BLOCKS:
        shortcut = layers.Conv1D(filters, 1, padding="same")(x)
        for _ in range(n_layers - 1):
            x = layers.Conv1D(filters, _KERNEL, padding="same", activation="relu")(x)
        x = layers.Conv1D(filters, _KERNEL, padding="same")(x)
        x = layers.ReLU()(layers.Add()([x, shortcut]))
    x = layers.Flatten()(layers.AveragePooling1D(_POOL)(x))
    for units in _LAST:
        x = layers.Dense(units, activation="relu")(x)
    return keras.Model(inputs, layers.Dense(n_labels, activation="softmax")(x))


RECIPE = KerasRecipe(
    name="resnet1d-178",
    summary="seven residual blocks of Conv1D layers over 178 mean features: six emotions",
    features="mix178",
    label_set=LABEL_SETS["6"],
    build=_build,
    optimizer={"class_name": "Adam", "config": {"learning_rate": 1e-4}},
    batch_size=32,
    epochs=100,
    monitor="val_accuracy",
    scaling="minmax",
    published=Published(
        accuracy=76.0, protocol="random:20", source="a ResNet-1D over these 178 features"
    ),
    note="The layers, the scaling, the optimizer and the batch size are the source's. It does not "
    "say its corpora, split, number of epochs (here 100) and kernel size (here 3), nor whether the "
    "first dense layer takes all features at once, as here, or each alone.",
)
