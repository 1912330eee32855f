"""Data: utterances come in, arrays of features go out, split into training, validation, test.

`load_dataset` reads clips or a feature matrix; a protocol of `splits` keeps speakers apart.
What is slow to compute is cached on disk.
"""

from ser.data.dataset import Dataset, load_dataset
from ser.data.splits import PROTOCOLS, Protocol, Split, find_protocol

__all__ = ["PROTOCOLS", "Dataset", "Protocol", "Split", "find_protocol", "load_dataset"]
