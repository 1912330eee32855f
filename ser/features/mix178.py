"""`mix178`: the means over the frames of ten descriptors, of 2.5 s from 0.6 s on."""

from ser.features.base import FeatureSet
from ser.features.statistics import FRAME, mean_blocks

FEATURES = FeatureSet(
    name="mix178",
    shape=(178, 1),  # 1 + 12 + 20 + 1 + 128 + 1 + 1 + 7 + 1 + 6
    compute=mean_blocks,
    params={
        **FRAME,
        "blocks": [
            *("zcr", "chroma", "mfcc", "rms", "mel"),
            *("rolloff", "centroid", "contrast", "bandwidth", "tonnetz"),
        ],
        "n_mfcc": 20,
        "offset_seconds": 0.6,
        "seconds": 2.5,
    },
    window_seconds=4.0,
    hop_seconds=2.0,
)
