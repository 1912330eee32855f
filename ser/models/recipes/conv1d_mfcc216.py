"""Conv1D networks over the mean MFCC of each frame: the published ones of six and eight layers.

The eight-layer network was published with held-out actors: 21 to 24 of RAVDESS, or, for men only,
the last two of twelve.
"""

from dataclasses import replace
from typing import Any

from ser.models.label_sets import LABEL_SETS
from ser.models.recipes.base import KerasRecipe, Published

_SIX = "github.com/MiteshPuthran/Speech-Emotion-Analyzer"
_EIGHT = "github.com/rezachu/emotion_recognition_cnn"
_DATA = "RAVDESS speech and song"
_BATCH, _EPOCHS = 16, 700


def _build_six(shape: tuple[int, ...], n_labels: int) -> Any:
    import keras
    from keras import layers

    model = keras.Sequential([keras.Input(shape)])
    for filters in (128, 128):
        model.add(layers.Conv1D(filters, 5, padding="same", activation="relu"))
    model.add(layers.Dropout(0.1))
    model.add(layers.MaxPooling1D(8))
    for _ in range(3):
        model.add(layers.Conv1D(128, 5, padding="same", activation="relu"))
    model.add(layers.Dropout(0.2))
    model.add(layers.Conv1D(128, 5, padding="same", activation="relu"))
    model.add(layers.Flatten())
    model.add(layers.Dense(n_labels, activation="softmax"))
    return model


def _build_eight(shape: tuple[int, ...], n_labels: int) -> Any:
    import keras
    from keras import layers

    model = keras.Sequential([keras.Input(shape)])
    for filters, n_layers in ((256, 2), (128, 4)):
        for _ in range(n_layers - 1):
            model.add(layers.Conv1D(filters, 8, padding="same", activation="relu"))
        model.add(layers.Conv1D(filters, 8, padding="same"))
        model.add(layers.BatchNormalization())
        model.add(layers.ReLU())
        model.add(layers.Dropout(0.25))
        model.add(layers.MaxPooling1D(8))
    for _ in range(2):
        model.add(layers.Conv1D(64, 8, padding="same", activation="relu"))
    model.add(layers.Flatten())
    model.add(layers.Dense(n_labels, activation="softmax"))
    return model


_EIGHT_TEN = KerasRecipe(
    name="conv1d8-mfcc216-ten",
    summary="eight Conv1D layers over 216 mean MFCCs: five emotions, each for women and for men",
    features="mfcc216",
    label_set=LABEL_SETS["10"],
    build=_build_eight,
    optimizer={"class_name": "SGD", "config": {"learning_rate": 1e-4}},
    batch_size=_BATCH,
    epochs=_EPOCHS,
    monitor="val_loss",
    plateau={"monitor": "val_loss", "factor": 0.9, "patience": 20, "min_lr": 1e-6},
    published=Published(protocol="last-actors", source=_EIGHT, data=_DATA, corpora=("ravdess",)),
    note="The source gives its test results in pictures. It chose its validation clips at random; "
    "here they are those of four training speakers.",
)

RECIPES = (
    KerasRecipe(
        name="conv1d-mfcc216",
        summary="six Conv1D layers over 216 mean MFCCs: five emotions, each for women and for men",
        features="mfcc216",
        label_set=LABEL_SETS["10"],
        build=_build_six,
        optimizer={
            "class_name": "RMSprop",
            "config": {
                "learning_rate": {  # Keras 2's `decay` of 1e-6
                    "module": "keras.optimizers.schedules",
                    "class_name": "InverseTimeDecay",
                    "config": {
                        "initial_learning_rate": 1e-5,
                        "decay_steps": 1,
                        "decay_rate": 1e-6,
                    },
                },
            },
        },
        batch_size=_BATCH,
        epochs=_EPOCHS,
        published=Published(
            protocol="random:20",
            accuracy=72.0,
            source=f"{_SIX}, figure as quoted by {_EIGHT}",
            data="RAVDESS speech and song, SAVEE",
            corpora=("ravdess", "savee"),
        ),
        note="The layers are those of the source's stored model; its later code omits two. The "
        "source measured its accuracy on the clips that it chose the epoch on, a random fifth of "
        "all; it does not say which.",
    ),
    _EIGHT_TEN,
    *(
        replace(
            _EIGHT_TEN,
            name=f"conv1d8-mfcc216-{sex}{n}",
            summary=f"eight Conv1D layers over 216 mean MFCCs: {n} classes, "
            f"only {'men' if sex == 'male' else 'women'}",
            label_set=LABEL_SETS[str(n)],
            sex=sex,
        )
        for sex, n in (("male", 5), ("female", 5), ("male", 2), ("male", 3))
    ),
    *(
        replace(
            _EIGHT_TEN,
            name=f"conv1d8-mfcc216-male2-{augmentation.replace('+', '-')}",
            summary="eight Conv1D layers over 216 mean MFCCs: 2 classes, only men, each training "
            f"clip also with {augmentation.replace('+', ' and ')}",
            label_set=LABEL_SETS["2"],
            sex="male",
            augmentations=(augmentation,),
        )
        for augmentation in ("noise+shift", "pitch+noise")
    ),
)
