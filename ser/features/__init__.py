"""The feature sets. A new one is one file here with a `FEATURES`."""

from ser.features.base import FeatureSet
from ser.registry import collect

FEATURE_SETS: dict[str, FeatureSet] = collect("ser.features", "FEATURES")

__all__ = ["FEATURE_SETS", "FeatureSet"]
