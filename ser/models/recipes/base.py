"""Recipe: features, model, labels and training settings of a system, as data."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from ser.augmentation import Augmentation
from ser.models.label_sets import LABEL_SETS, LabelSet


@dataclass(frozen=True, kw_only=True)
class Published:
    """The published result of a recipe, and how it was measured.

    Attributes:
        accuracy: in percent; None if the source gives it only in a picture, or not at all.
        protocol: name of the protocol that is most like the source's.
        data: what it was measured on, in words.
        corpora: which of our corpora are in that data; empty means all.
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
    """Features, model, labels and training settings.

    Attributes:
        summary: what it is, in one line.
        features: name of a feature set.
        label_set: the classes, and the emotions that each stands for.
        sex: ``female`` or ``male`` to use only their clips; empty for all.
        augmentations: of the waveform, as `find_augmentation` takes them; each adds an augmented
            copy of every training clip.
        balance: whether each class has only as many training clips as the rarest one.
        published: the result of the source.
        grid: the values that a search tries, by parameter: of the estimator, or fields of a
            network's recipe, such as `batch_size`.
        selection: on which speakers the settings were chosen, in one sentence.
        note: what is not known of the source, or differs from it.
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
        build: takes the shape of the features and the number of labels; returns an uncompiled
            Keras model of allowed layers that ends in a softmax.
        optimizer: as `keras.optimizers.get` takes it.
        monitor: the validation metric that selects the best epoch; None keeps the last epoch.
        scaling: ``minmax``, ``standard`` or empty for none; fitted on the training rows and stored
            as the first layer of the model.
        plateau: arguments of `keras.callbacks.ReduceLROnPlateau`; None does without it.
        members: size of the ensemble; each member has its own seed and its own part of the
            validation speakers. The model gives their mean.
        augmentation: of the training clips; None trains on the plain features.
        steps_per_epoch: with augmentation, where the drawing of clips has no end.
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
    """A recipe of a scikit-learn classifier or regressor.

    Attributes:
        estimator: its class within scikit-learn, such as ``svm.SVC``, or an unfitted estimator.
        params: of its constructor; the others have scikit-learn's defaults.
        scaling: ``minmax``, ``standard`` or empty for none; a step of a Pipeline.
        values: for a regressor, the number that stands for each label.
    """

    estimator: Any
    params: Mapping[str, Any] = field(default_factory=dict)
    scaling: str = ""
    values: tuple[float, ...] = ()
    suffix: ClassVar[str] = ".skops"


Recipe = KerasRecipe | EstimatorRecipe
