"""What a recipe is: a system of the field as data."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from ser.augmentation.spectrogram import Augmentation
from ser.models.label_sets import LABEL_SETS, LabelSet


@dataclass(frozen=True, kw_only=True)
class Published:
    """The figure that a recipe was published with, and how it was come by.

    Attributes:
        accuracy: in percent; None where the source gives none in words.
        protocol: name of the protocol nearest to the source's own.
        data: in words, what it was measured on.
        corpora: those of our corpora among that data; none stands for all.
        matrix: name of the ``.npz`` file of features that the source published.
    """

    protocol: str
    source: str
    accuracy: float | None = None
    data: str = ""
    corpora: tuple[str, ...] = ()
    matrix: str = ""


@dataclass(frozen=True, kw_only=True)
class _Recipe:
    """Features + model + labels + how it is trained.

    Attributes:
        features: name of a feature set.
        label_set: the classes, and the emotions that each is of.
        sex: the clips that are used, ``female`` or ``male``; all where it is empty.
        augmentations: of the waveform, as `find_augmentation` takes them: each training clip is
            trained on once more after each.
        balance: whether each class is given as many training clips as the rarest has.
        grid: of each parameter, the values that a search tries: of the estimator, or of a
            network's recipe, such as `batch_size`.
        selection: in a sentence, on whom the settings were chosen.
        note: what of the source could not be found out, or is done otherwise here.
    """

    name: str
    summary: str
    features: str
    label_set: LabelSet = LABEL_SETS["8"]
    sex: str = ""
    augmentations: tuple[str, ...] = ()
    balance: bool = False
    published: Published | None = None
    grid: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    selection: str = ""
    note: str = ""
    suffix: ClassVar[str]  # of its model file

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes, in the order of the model's outputs."""
        return self.label_set.labels


@dataclass(frozen=True, kw_only=True)
class KerasRecipe(_Recipe):
    """A recipe of a Keras network.

    Attributes:
        build: called with the features' shape and the number of labels; gives an
            uncompiled Keras model of stock layers that ends in a softmax.
        optimizer: as `keras.optimizers.get` takes it.
        monitor: the validation quantity that picks the epoch to keep; None keeps the last.
        scaling: ``minmax``, ``standard`` or none of the features, fitted on the training
            rows and kept in the model as its first layer.
        plateau: arguments of `keras.callbacks.ReduceLROnPlateau`, where it is used.
        members: networks trained with different seeds, each with its own part of the
            validation speakers left out; the model gives their mean.
        augmentation: of the training clips; None trains on the features as they are.
        steps_per_epoch: with augmentation, where clips are drawn without end.
    """

    build: Callable[[tuple[int, ...], int], Any] = field(repr=False)
    optimizer: dict[str, Any]
    batch_size: int
    epochs: int
    monitor: str | None = "val_accuracy"
    scaling: str = ""
    plateau: Mapping[str, Any] | None = None
    label_smoothing: float = 0.0
    members: int = 1
    augmentation: Augmentation | None = None
    steps_per_epoch: int | None = None
    suffix: ClassVar[str] = ".h5"


@dataclass(frozen=True, kw_only=True)
class EstimatorRecipe(_Recipe):
    """A recipe of a scikit-learn classifier, or of a regressor.

    Attributes:
        estimator: where it is within scikit-learn, such as ``svm.SVC``, or an unfitted one.
        params: of its constructor, where they are not scikit-learn's defaults.
        scaling: ``minmax``, ``standard`` or none of the features, as a step of a Pipeline.
        values: of a regressor, the number that each label stands for.
    """

    estimator: Any
    params: Mapping[str, Any] = field(default_factory=dict)
    scaling: str = ""
    values: tuple[float, ...] = ()
    suffix: ClassVar[str] = ".skops"


Recipe = KerasRecipe | EstimatorRecipe
