"""What a Keras model file may hold: layers that are on a list, and plain arrays.

A model file is untrusted input. Keras builds any class or function that the file names. Some of
them run code (Lambda), load other files (TFSMLayer, a vocabulary) or unpickle (TorchModuleWrapper).
HDF5 follows links and external storage into other files. So the layers must be on the list, and
the arrays must lie in the file itself, uncompressed: a compressed array can unpack to any size.
"""

from collections.abc import Iterator
from typing import Any

import h5py

from ser.errors import ModelFileError
from ser.models.keras2 import HARD_SIGMOID

MAX_BYTES = 512 * 2**20  # of a model file, and of what it unpacks to

_MODULES = (
    None, "", "keras", "keras.layers", "keras.models", "keras.initializers",
    "keras.regularizers", "keras.constraints", "keras.src.models.functional",
    "keras.src.models.sequential",
)  # fmt: skip
_CLASSES = frozenset(
    """
    Sequential Functional Model InputLayer __keras_tensor__ DTypePolicy FloatDTypePolicy Policy
    Dense Activation Identity Masking Permute Reshape Flatten RepeatVector
    Conv1D Conv1DTranspose DepthwiseConv1D Conv2D Conv2DTranspose DepthwiseConv2D
    MaxPooling1D AveragePooling1D GlobalMaxPooling1D GlobalAveragePooling1D
    MaxPooling2D AveragePooling2D GlobalMaxPooling2D GlobalAveragePooling2D
    ZeroPadding1D ZeroPadding2D Cropping1D Cropping2D UpSampling1D UpSampling2D
    BatchNormalization LayerNormalization GroupNormalization RMSNormalization
    UnitNormalization Normalization Rescaling
    Dropout SpatialDropout1D SpatialDropout2D AlphaDropout GaussianDropout GaussianNoise
    ActivityRegularization ReLU LeakyReLU PReLU ELU Softmax
    Add Subtract Multiply Average Maximum Minimum Concatenate Dot
    LSTM GRU SimpleRNN RNN LSTMCell GRUCell SimpleRNNCell StackedRNNCells Bidirectional
    Zeros Ones Constant RandomNormal RandomUniform TruncatedNormal VarianceScaling Orthogonal
    GlorotUniform GlorotNormal HeUniform HeNormal LecunUniform LecunNormal
    L1 L2 L1L2 MaxNorm MinMaxNorm NonNeg UnitNorm
    """.split()
)


def check_layers(node: Any) -> None:
    """Check every object that a Keras configuration names.

    Args:
        node: the configuration, or a part of it.

    Raises:
        ModelFileError: an object is not on the list.
    """
    if isinstance(node, list):
        for item in node:
            check_layers(item)
    elif isinstance(node, dict) and node != HARD_SIGMOID:
        name = node.get("class_name")
        if "class_name" in node and (
            name not in _CLASSES
            or node.get("module") not in _MODULES
            or node.get("registered_name") not in (None, name)
        ):
            raise ModelFileError(
                f"it holds code ({name!r}), or a layer that is not on the list of allowed layers; "
                "code in model files is never run"
            )
        for value in node.values():
            check_layers(value)


def check_arrays(file: h5py.File) -> None:
    """Check the weights of a model file without reading them.

    Raises:
        ModelFileError: they are not all plain arrays in the file itself.
    """
    size, file_size = 0, file.id.get_filesize()
    for name, item in _walk(file, set()):
        if item.external or item.is_virtual:
            raise ModelFileError(f"the data of {name!r} are in another file")
        if item.dtype.kind not in "biuf":
            raise ModelFileError(f"{name!r} holds {item.dtype}; weights are numbers")
        # HDF5 unpacks a whole chunk, to any size that its compressed bytes have.
        if item.chunks is not None:
            raise ModelFileError(f"{name!r} is stored in chunks; Keras writes none")
        size += item.nbytes
        if size > file_size:
            raise ModelFileError(f"its weights would take {size} bytes, more than the file has")


def _walk(group: h5py.Group, seen: set[int]) -> Iterator[tuple[str, h5py.Dataset]]:
    """Yield each array below `group` once; follow no link. A group can contain itself.

    h5py's `visititems_links` would turn an error on the way into a `SystemError`.
    """
    for key in group:
        if not isinstance(group.get(key, getlink=True), h5py.HardLink):
            raise ModelFileError(f"{group.name}/{key} is a link to another place")
        item = group[key]
        address = h5py.h5o.get_info(item.id).addr
        if address in seen:
            continue
        seen.add(address)
        if isinstance(item, h5py.Group):
            yield from _walk(item, seen)
        elif isinstance(item, h5py.Dataset):
            yield item.name, item
