"""Features: a waveform comes in, the array that a model takes goes out.

A new feature set is one file here with a `FEATURES`. Its parameters are data, and are stored in
the model file.
"""

from ser.features.base import FeatureSet
from ser.plugins import collect

FEATURE_SETS: dict[str, FeatureSet] = collect("ser.features", "FEATURES")

__all__ = ["FEATURE_SETS", "FeatureSet"]
