"""Adopt a model of other people: write a copy that says its labels, features and scaling."""

import json
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np

from ser.errors import ModelFileError, UsageError
from ser.features import FeatureSet
from ser.filenames import show_path
from ser.inference.adoption.adapted_input import Scaling, adapt_input
from ser.inference.adoption.keras_archive import convert
from ser.inference.backends import load_backend, one_line
from ser.models import Metadata, ModelFile, make_probe, read_model_file, write_metadata
from ser.models.model_file import is_keras_archive

_PROBE_SECONDS = 3.0


def adopt(
    source: Path,
    out: Path,
    *,
    labels: Sequence[str],
    features: FeatureSet,
    scaling: Scaling | None = None,
    name: str = "",
    licence: str = "",
) -> ModelFile:
    """Write a copy of a Keras model as a model file of ours, and return it.

    The copy answers as the model does for scaled features. It has no optimizer.

    Args:
        source: an ``.h5`` of Keras 2 or 3 without metadata, or a ``.keras`` file.
        labels: in the order of the outputs.
        features: that the model was trained on.
        scaling: that was applied to the features before the model.
        name: of the model; empty takes the name of `out`.

    Raises:
        UsageError: `source` is no such file, or `scaling` does not fit the features.
        ModelFileError: the model does not fit labels and features, or cannot be served.
    """
    if out.resolve() == source.resolve():
        raise UsageError(f"{show_path(out)} is the model itself; write the copy elsewhere")
    description = Metadata(
        name=name or show_path(out.stem),
        labels=tuple(labels),
        features=features.to_metadata(),
        summary=f"adopted from {show_path(source.name)}",
        licence=licence,
    )
    with tempfile.TemporaryDirectory() as folder:
        path = source
        if source.is_file() and is_keras_archive(source):
            path = Path(folder, "converted.h5")
            convert(source, path)
        try:
            adopted = _adopted(path, description, features, scaling)
        except ModelFileError as error:
            raise ModelFileError(str(error).replace(str(path), str(source))) from error
        _write(adopted, out)
    return read_model_file(out)


def _adopted(
    path: Path, description: Metadata, features: FeatureSet, scaling: Scaling | None
) -> ModelFile:
    """Return the model of a Keras file as it will be, with its weights still in that file."""
    bare = read_model_file(path)
    if not bare.labels_assumed:
        raise UsageError(
            f"{show_path(path)} is a model file already: its labels are "
            f"{', '.join(bare.metadata.labels)}"
        )
    assert bare.architecture is not None  # noqa: S101 - for mypy: a .skops has metadata
    with one_line(path, "it cannot be adopted"):
        architecture = adapt_input(bare.architecture, features.shape, scaling)
    adopted = ModelFile(path, description, bare.version, architecture, features)
    return replace(adopted, metadata=replace(description, probe=_probe(adopted)))


def _probe(model_file: ModelFile) -> dict:
    """Return features of noise, with the answer of the model; it must be one."""
    features = model_file.features
    noise = np.random.default_rng(0).standard_normal(round(_PROBE_SECONDS * features.sample_rate))
    x = features.extract((0.1 * noise).astype(np.float32))[np.newaxis]
    return make_probe(x, load_backend(model_file)(x))


def _write(adopted: ModelFile, out: Path) -> None:
    """Write a model file: the weights, the configuration, which is of Keras 3, and the metadata."""
    import keras

    out.parent.mkdir(parents=True, exist_ok=True)
    partial = out.with_name(f".{out.stem}.partial.h5")
    try:
        with h5py.File(adopted.path, "r") as old, h5py.File(partial, "w") as new:
            old.copy("model_weights", new)
            new.attrs["model_config"] = json.dumps(adopted.architecture)
            new.attrs["keras_version"] = keras.__version__
        write_metadata(partial, adopted.metadata)
        partial.replace(out)
    finally:
        partial.unlink(missing_ok=True)
