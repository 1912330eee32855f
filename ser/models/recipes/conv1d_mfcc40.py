"""The classic model: a small Conv1D network over the 40 mean MFCCs of a clip."""

from dataclasses import replace
from typing import Any

from ser.models.recipes.base import KerasRecipe, Published

RMSPROP = {"class_name": "RMSprop", "config": {"learning_rate": 5e-5, "rho": 0.9}}
PUBLISHED = Published(
    accuracy=84.83,
    protocol="published",
    source="github.com/marcogdepinto/emotion-classification-from-audio-files",
    data="RAVDESS speech and song, TESS",
    matrix="mfcc40_5252.npz",
)
#: For the models that the source compares with it; their accuracies are only in a picture.
PUBLISHED_IN_A_PICTURE = replace(PUBLISHED, accuracy=None)


def _build(shape: tuple[int, ...], n_labels: int) -> Any:
    import keras
    from keras import layers

    return keras.Sequential(
        [
            keras.Input(shape),
            layers.Conv1D(128, 5, padding="same", activation="relu"),
            layers.Dropout(0.1),
            layers.MaxPooling1D(8),
            layers.Conv1D(128, 5, padding="same", activation="relu"),
            layers.Dropout(0.1),
            layers.Flatten(),
            layers.Dense(n_labels, activation="softmax"),
        ]
    )


RECIPE = KerasRecipe(
    name="conv1d-mfcc40",
    summary="two Conv1D layers over 40 mean MFCCs (87,944 parameters)",
    features="mfcc40-mean",
    build=_build,
    optimizer=RMSPROP,
    batch_size=16,
    epochs=1000,
    published=PUBLISHED,
    grid={"batch_size": (8, 16, 32)},
)
