"""Two LSTM and two dense layers over 180 mean features, as a sequence of one step."""

from typing import Any

from ser.models.label_sets import find_label_set
from ser.models.recipes.base import KerasRecipe, Published
from ser.models.recipes.estimators_180 import DATA, SOURCE

_UNITS = 128
_DROPOUT = 0.3


def _build(shape: tuple[int, ...], n_labels: int) -> Any:
    import keras
    from keras import layers

    model = keras.Sequential([keras.Input(shape), layers.Reshape((1, shape[0]))])
    for sequences in (True, False):
        model.add(layers.LSTM(_UNITS, return_sequences=sequences))
        model.add(layers.Dropout(_DROPOUT))
    for _ in range(2):
        model.add(layers.Dense(_UNITS))
        model.add(layers.Dropout(_DROPOUT))
    model.add(layers.Dense(n_labels, activation="softmax"))
    return model


RECIPE = KerasRecipe(
    name="rnn-180",
    summary="two LSTM and two dense layers of 128 units over 180 mean features: five emotions",
    features="mix180",
    label_set=find_label_set("angry,sad,neutral,surprise,happy"),
    balance=True,
    build=_build,
    optimizer={"class_name": "Adam", "config": {}},
    batch_size=64,
    epochs=1000,
    monitor="val_loss",
    published=Published(accuracy=77.18, protocol="random:20", source=SOURCE, data=DATA),
    grid={"batch_size": (16, 32, 64)},
    note="The source chose the epoch on its test clips, and took all clips as the steps of one "
    "sequence, so that a prediction depends on the clips before it. Here each clip is a sequence.",
)
