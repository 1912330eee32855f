"""Augmentation: a training clip's waveform or spectrogram comes in, a changed one goes out.

Training clips alone are augmented, after the split. `corruptions` imitates how people record,
to test a model under it.
"""

from ser.augmentation.corruptions import CORRUPTIONS
from ser.augmentation.spectrogram import Augmentation
from ser.augmentation.waveform import AUGMENTATIONS, find_augmentation

__all__ = ["AUGMENTATIONS", "CORRUPTIONS", "Augmentation", "find_augmentation"]
