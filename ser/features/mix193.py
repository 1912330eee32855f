"""`mix193`: `mix180`, then the means over the frames of 7 bands of spectral contrast, 6 tonnetz."""

from ser.features.base import FeatureSet
from ser.features.statistics import FRAME, mean_blocks

FEATURES = FeatureSet(
    name="mix193",
    shape=(193, 1),  # 40 + 12 + 128 + 7 + 6
    compute=mean_blocks,
    params={
        **FRAME,
        "blocks": ["mfcc", "chroma", "mel", "contrast", "tonnetz"],
        "n_mfcc": 40,
    },
    window_seconds=4.0,
    hop_seconds=2.0,
)
