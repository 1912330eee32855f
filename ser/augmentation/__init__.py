"""Augmentation: a clip's waveform or spectrogram comes in, a changed one goes out.

Only training clips are augmented, after the split. Only test clips are corrupted (`corruptions`),
to measure how robust a model is.
"""

from ser.augmentation.batches import batches
from ser.augmentation.corruptions import CORRUPTIONS
from ser.augmentation.spectrogram import Augmentation, SpectrogramSet
from ser.augmentation.waveform import AUGMENTATIONS, find_augmentation

__all__ = [
    "AUGMENTATIONS",
    "CORRUPTIONS",
    "Augmentation",
    "SpectrogramSet",
    "batches",
    "find_augmentation",
]
