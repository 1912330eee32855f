"""The network of `conv1d-frames`, trained for RAVDESS actors who are not in the training data."""

from dataclasses import replace
from typing import Any

from ser.models.recipes import conv1d_frames
from ser.models.recipes.conv1d_frames import classify_frames, optimizer

STEPS_PER_EPOCH, EPOCHS, WARMUP = 100, 30, 100


def _build(shape: tuple[int, ...], n_labels: int) -> Any:
    import keras
    from keras import layers

    inputs = keras.Input((None, shape[-1]))
    # The mean over time depends on the level, the microphone and the room, so it is removed.
    mean = layers.GlobalAveragePooling1D(keepdims=True)(inputs)
    return classify_frames(inputs, layers.Subtract()([inputs, mean]), n_labels)


RECIPE = replace(
    conv1d_frames.RECIPE,
    name="conv1d-actors",
    summary="three Conv1D blocks and a BiGRU over 40 MFCCs per frame; an ensemble of three",
    features="mfcc40-frames",
    build=_build,
    optimizer=optimizer(STEPS_PER_EPOCH * EPOCHS, WARMUP, 0.99),
    epochs=EPOCHS,
    steps_per_epoch=STEPS_PER_EPOCH,
    augmentation=replace(
        conv1d_frames.AUGMENTATION,
        speeds={
            "ravdess": (0.80, 0.85, 0.90, 0.95, 1.0, 1.06, 1.12, 1.18, 1.24),
            "tess": (0.80, 0.90, 1.0, 1.11, 1.22),
        },
        telephone={"ravdess": (0.85, 1.0, 1.15), "tess": (0.85, 1.05)},
        balanced=False,
        auxiliary="tess",
        auxiliary_fraction=0.0625,
        oversampled=("neutral",),  # RAVDESS has half as many of it
        reference=0.0,
    ),
    selection=(
        "Settings were compared on validation speakers of the folds of actors5, each of whom is "
        "a test speaker of another fold."
    ),
)
