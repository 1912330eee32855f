"""Conv1D layers and a GRU over the 40 MFCCs of each frame, for voices of any recording.

The network hears a voice relative to the speaker's neutral voice, where that is known.
"""

from typing import Any

from ser.augmentation import Augmentation
from ser.models.recipes.base import KerasRecipe

CHANNELS = (128, 128, 192)
KERNEL, POOL = 5, 2
GRU, ATTENTION = 64, 64
DROPOUT = 0.5  # not between convolutions: it changes the variance that batch normalisation sees
STEPS_PER_EPOCH, EPOCHS, WARMUP = 400, 25, 200
_CORPORA = ("ravdess", "tess", "emodb", "emovo", "nemo", "ased", "turev", "savee", "cremad")


def _build(shape: tuple[int, ...], n_labels: int) -> Any:
    import keras

    # The features lack the mean already: of the clip, or of the reference.
    inputs = keras.Input((None, shape[-1]))
    return classify_frames(inputs, inputs, n_labels)


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


def optimizer(n_steps: int, warmup: int, ema_momentum: float) -> dict[str, Any]:
    """Return the configuration of the optimizer for a training of `n_steps` batches."""
    return {
        "class_name": "AdamW",
        "config": {
            "learning_rate": {
                "module": "keras.optimizers.schedules",
                "class_name": "CosineDecay",
                "config": {
                    "initial_learning_rate": 1e-5,
                    "warmup_target": 2e-3,
                    "warmup_steps": warmup,
                    "decay_steps": n_steps - warmup,
                },
            },
            "weight_decay": 1e-2,
            "global_clipnorm": 2.0,
            "use_ema": True,
            "ema_momentum": ema_momentum,
            "ema_overwrite_frequency": None,
        },
    }


AUGMENTATION = Augmentation(
    speeds=dict.fromkeys(_CORPORA, (0.85, 0.92, 1.0, 1.08, 1.17)),
    telephone=dict.fromkeys(_CORPORA, (1.0,)),
    frames=100,
    balanced=True,
    tempo=0.1,
    shift=4,
    room=0.2,
    noise=0.5,
    babble=0.3,
    band=0.2,
    mask=1 / 6,
    reference=0.5,
)

RECIPE = KerasRecipe(
    name="conv1d-frames",
    summary=(
        "three Conv1D blocks and a BiGRU over 40 MFCCs per frame, relative to the speaker's "
        "neutral voice where it is known; for several corpora; an ensemble of three"
    ),
    features="mfcc40-relative",
    build=_build,
    optimizer=optimizer(STEPS_PER_EPOCH * EPOCHS, WARMUP, 0.995),
    batch_size=48,
    epochs=EPOCHS,
    monitor=None,
    label_smoothing=0.1,
    members=3,
    steps_per_epoch=STEPS_PER_EPOCH,
    augmentation=AUGMENTATION,
    selection=(
        "Settings were compared on EMOVO, ASED and TurEV-DB, left out in turn, and on four actors "
        "of RAVDESS who were held out."
    ),
)
