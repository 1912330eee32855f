"""Data: utterances come in, arrays of features go out, split into training, validation and test.

`load_dataset` reads clips or a feature matrix. `find_protocol` gives the way to split it.
What is slow to compute is cached on disk.
"""

from ser.data.dataset import Dataset, load_dataset
from ser.data.hold_out import hold_out_test, hold_out_validation
from ser.data.protocols import PROTOCOLS, Protocol, find_protocol
from ser.data.splits import Split

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
