"""Data: utterances come in, arrays of features go out, split into training, validation and test.

`load_dataset` reads clips or a feature matrix. A protocol of `splits` keeps speakers apart.
What is slow to compute is cached on disk.
"""

from ser.data.dataset import Dataset, load_dataset
from ser.data.splits import (
    PROTOCOLS,
    Protocol,
    Split,
    find_protocol,
    hold_out_test,
    hold_out_validation,
)

__all__ = [
    "PROTOCOLS",
    "Dataset",
    "Protocol",
    "Split",
    "find_protocol",
    "hold_out_test",
    "hold_out_validation",
    "load_dataset",
]
