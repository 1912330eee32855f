"""What a recipe is: a system of the field as data."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ser.augment import Augmentation
from ser.emotions import EMOTIONS


@dataclass(frozen=True, kw_only=True)
class Published:
    """The figure that a recipe was published with: accuracy in percent, and its source."""

    accuracy: float
    protocol: str
    source: str


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Features + model + labels + how it is trained.

    Attributes:
        features: name of a feature set.
        build: called with the features' shape and the number of labels; gives an
            uncompiled Keras model of stock layers that ends in a softmax.
        optimizer: as `keras.optimizers.get` takes it.
        monitor: the validation quantity that picks the epoch to keep; None keeps the last.
        members: networks trained with different seeds; the model gives their mean.
        augmentation: of the training clips; None trains on the features as they are.
        steps_per_epoch: with augmentation, where clips are drawn without end.
        selection: in a sentence, on whom the settings were chosen.
    """

    name: str
    summary: str
    features: str
    build: Callable[[tuple[int, ...], int], Any] = field(repr=False)
    optimizer: dict[str, Any]
    batch_size: int
    epochs: int
    labels: tuple[str, ...] = EMOTIONS
    monitor: str | None = "val_accuracy"
    label_smoothing: float = 0.0
    members: int = 1
    augmentation: Augmentation | None = None
    steps_per_epoch: int | None = None
    published: Published | None = None
    selection: str = ""
