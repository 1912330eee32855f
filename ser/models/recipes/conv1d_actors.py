"""Conv1D layers and a GRU over the 40 MFCCs of each frame, for speakers it was not trained on."""

from typing import Any

from ser.augmentation import Augmentation
from ser.models.recipes.base import KerasRecipe

CHANNELS = (128, 128, 192)
KERNEL, POOL = 5, 2
GRU, ATTENTION = 64, 64
DROPOUT = 0.5  # not between convolutions: it changes the variance that batch normalisation sees
STEPS_PER_EPOCH, EPOCHS = 100, 30


def _build(shape: tuple[int, ...], n_labels: int) -> Any:
    import keras
    from keras import layers

    inputs = keras.Input((None, shape[-1]))
    # The mean over time depends on the level, the microphone and the room, so it is removed.
    mean = layers.GlobalAveragePooling1D(keepdims=True)(inputs)
    return classify_frames(inputs, layers.Subtract()([inputs, mean]), n_labels)


def classify_frames(inputs: Any, frames: Any, n_labels: int) -> Any:
    """Return a Keras model from `inputs` to the probabilities of labels.

    Args:
        frames: made of the inputs, shape (batch, frames, n).
    """
    import keras
    from keras import layers

    x = layers.BatchNormalization(center=False, scale=False)(frames)
    pooled = []
    for channels in CHANNELS:
        x = layers.Conv1D(channels, KERNEL, padding="same", use_bias=False)(x)
        x = layers.MaxPooling1D(POOL)(layers.BatchNormalization()(x))
        x = layers.ReLU()(x)  # after the pooling: the same result from half as many values
        pooled += [layers.GlobalAveragePooling1D()(x), layers.GlobalMaxPooling1D()(x)]
    x = layers.Bidirectional(layers.GRU(GRU, return_sequences=True))(x)
    weights = layers.Dense(1)(layers.Dense(ATTENTION, activation="tanh")(x))
    pooled.append(layers.Flatten()(layers.Dot(axes=1)([layers.Softmax(axis=1)(weights), x])))
    x = layers.Dropout(DROPOUT)(layers.Concatenate()(pooled))
    return keras.Model(inputs, layers.Dense(n_labels, activation="softmax")(x))


RECIPE = KerasRecipe(
    name="conv1d-frames",
    summary="three Conv1D blocks and a BiGRU over 40 MFCCs per frame; an ensemble of three",
    features="mfcc40-frames",
    build=_build,
    optimizer={
        "class_name": "AdamW",
        "config": {
            "learning_rate": {
                "module": "keras.optimizers.schedules",
                "class_name": "CosineDecay",
                "config": {
                    "initial_learning_rate": 1e-5,
                    "warmup_target": 2e-3,
                    "warmup_steps": 100,
                    "decay_steps": STEPS_PER_EPOCH * EPOCHS - 100,
                },
            },
            "weight_decay": 1e-2,
            "global_clipnorm": 2.0,
            "use_ema": True,
            "ema_momentum": 0.99,
            "ema_overwrite_frequency": None,
        },
    },
    batch_size=48,
    epochs=EPOCHS,
    monitor=None,
    label_smoothing=0.1,
    members=3,
    steps_per_epoch=STEPS_PER_EPOCH,
    augmentation=Augmentation(
        speeds={
            "ravdess": (0.80, 0.85, 0.90, 0.95, 1.0, 1.06, 1.12, 1.18, 1.24),
            "tess": (0.80, 0.90, 1.0, 1.11, 1.22),
        },
        telephone={"ravdess": (0.85, 1.0, 1.15), "tess": (0.85, 1.05)},
        frames=100,
        auxiliary="tess",
        auxiliary_fraction=0.0625,
        oversampled=("neutral",),  # RAVDESS has half as many of it
        tempo=0.1,
        shift=4,
        room=0.2,
        noise=0.5,
        babble=0.3,
        band=0.2,
        mask=1 / 6,
    ),
    selection=(
        "Settings were compared on validation speakers of the folds of actors5, each of whom is "
        "a test speaker of another fold."
    ),
)
