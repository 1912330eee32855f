"""The network of `conv1d-frames`, which hears a voice relative to the speaker's neutral voice."""

from dataclasses import replace
from typing import Any

from ser.augmentation import Augmentation
from ser.models.recipes import conv1d_frames

STEPS_PER_EPOCH, EPOCHS, WARMUP = 400, 25, 200
_CORPORA = ("ravdess", "tess", "emodb", "emovo", "nemo", "ased", "turev", "savee", "cremad")

# As of `conv1d-frames`, for more steps.
_OPTIMIZER = conv1d_frames.RECIPE.optimizer
_CONFIG = _OPTIMIZER["config"]
_SCHEDULE = {
    **_CONFIG["learning_rate"]["config"],
    "warmup_steps": WARMUP,
    "decay_steps": STEPS_PER_EPOCH * EPOCHS - WARMUP,
}
_RATE = {**_CONFIG["learning_rate"], "config": _SCHEDULE}


def _build(shape: tuple[int, ...], n_labels: int) -> Any:
    import keras

    # The features lack the mean already: of the clip, or of the reference.
    inputs = keras.Input((None, shape[-1]))
    return conv1d_frames.classify_frames(inputs, inputs, n_labels)


RECIPE = replace(
    conv1d_frames.RECIPE,
    name="conv1d-reference",
    summary=(
        "three Conv1D blocks and a BiGRU over 40 MFCCs per frame, relative to the speaker's "
        "neutral voice where it is known; for several corpora; an ensemble of three"
    ),
    features="mfcc40-relative",
    build=_build,
    optimizer={**_OPTIMIZER, "config": {**_CONFIG, "learning_rate": _RATE, "ema_momentum": 0.995}},
    epochs=EPOCHS,
    steps_per_epoch=STEPS_PER_EPOCH,
    augmentation=Augmentation(
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
    ),
    selection=(
        "Settings were compared on EMOVO, ASED and TurEV-DB, left out in turn, and on four actors "
        "of RAVDESS who were held out."
    ),
)
