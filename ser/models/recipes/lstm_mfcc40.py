"""An LSTM over the features of `conv1d-mfcc40`, which its source compares with it.

The source does not give its layers; these are ours, of about the size of the Conv1D network, with
the same training settings.
"""

from typing import Any

from ser.models.recipes.base import KerasRecipe
from ser.models.recipes.conv1d_mfcc40 import PUBLISHED_IN_A_PICTURE, RMSPROP


def _build(shape: tuple[int, ...], n_labels: int) -> Any:
    import keras
    from keras import layers

    return keras.Sequential(
        [
            keras.Input(shape),
            layers.LSTM(128),
            layers.Dropout(0.1),
            layers.Dense(64, activation="relu"),
            layers.Dropout(0.1),
            layers.Dense(n_labels, activation="softmax"),
        ]
    )


RECIPE = KerasRecipe(
    name="lstm-mfcc40",
    summary="one LSTM of 128 units over 40 mean MFCCs (75,336 parameters)",
    features="mfcc40-mean",
    build=_build,
    optimizer=RMSPROP,
    batch_size=16,
    epochs=1000,
    published=PUBLISHED_IN_A_PICTURE,
    note="The source does not give the layers of its LSTM; these are ours, of about the size of "
    "conv1d-mfcc40. It gives its accuracy in a picture.",
)
