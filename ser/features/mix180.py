"""`mix180`: the means over the frames of 40 MFCCs, 12 chroma bands and 128 mel bands."""

from ser.features.base import FeatureSet
from ser.features.statistics import FRAME, mean_blocks

FEATURES = FeatureSet(
    name="mix180",
    shape=(180, 1),  # 40 + 12 + 128
    compute=mean_blocks,
    params={
        **FRAME,
        "blocks": ["mfcc", "chroma", "mel"],
        "n_mfcc": 40,
    },
    window_seconds=4.0,
    hop_seconds=2.0,
)
